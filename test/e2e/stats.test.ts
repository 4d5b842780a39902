import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { InterfaceStats, Stats } from "../../lib/index.js";
import { Machine } from "../machine.js";
import { parsed } from "../openmetrics.js";
import { star } from "./star.js";

/** IPv4 only: nothing comes by itself, once IPv6 is off, but what the tests send. */
const lab = (forwarding = "{ mode: map, redirect: { uno: dos, dos: uno } }") => `name: counted
namespaces:
  uno: { gateway: 10.0.1.1, sysctls: { net.ipv6.conf.veth0.disable_ipv6: 1 } }
  dos: { gateway: 10.0.2.1, sysctls: { net.ipv6.conf.veth0.disable_ipv6: 1 } }
  r1:
    forwarding: ${forwarding}
    sysctls: { net.ipv6.conf.uno.disable_ipv6: 1, net.ipv6.conf.dos.disable_ipv6: 1 }
veths:
  - r1:uno: 10.0.1.1/24
    uno:veth0: 10.0.1.2/24
  - r1:dos: 10.0.2.1/24
    dos:veth0: 10.0.2.2/24
`;

/** Picks the action by the length of the frame: a ping's size chooses it. */
const BY_LENGTH = `
struct xdp_md { unsigned data, data_end; };
__attribute__((section("xdp"), used)) int by_length(struct xdp_md *ctx)
{
	long length = (char *)(long)ctx->data_end - (char *)(long)ctx->data;

	if (length > 900)
		return 0; /* XDP_ABORTED */
	if (length > 600)
		return 1; /* XDP_DROP */
	return length > 300 ? 3 : 2; /* XDP_TX, XDP_PASS */
}
char LICENSE[] __attribute__((section("license"))) = "GPL";
`;

/** Milliseconds between two looks, and to the last, on a slow machine. */
const SLOW = { interval: 50, timeout: 20_000 };

let machine: Machine;
const folder = mkdtempSync(`${tmpdir()}/stats-`);
const foreign = `${folder}/by-length.o`;

beforeAll(async () => {
	machine = await Machine.start();
	writeFileSync(`${folder}/by-length.c`, BY_LENGTH);
	execFileSync("clang", ["-O2", "-target", "bpf", "-c", `${folder}/by-length.c`, "-o", foreign]);
});

afterEach(async () => {
	await machine.xdp("destroy", "--all", "--quiet");
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true });
});

async function apply(topology: string): Promise<void> {
	const { exitCode, stderr } = await machine.xdpWith(topology, "apply");
	expect(exitCode, stderr).toBe(0);
}

async function read(...targets: string[]): Promise<Record<string, InterfaceStats>> {
	const { stdout, stderr, exitCode } = await machine.xdp("stats", "--json", ...targets);
	expect(exitCode, stderr).toBe(0);
	const { interfaces } = JSON.parse(stdout) as Stats;
	return Object.fromEntries(interfaces.map((one) => [one.interface, one]));
}

async function readOne(end: string): Promise<InterfaceStats> {
	const one = (await read(end))[end];
	if (!one) throw new Error(`${end} was not read`);
	return one;
}

/** Packets by action, of those that are counted. */
function packets({ actions }: InterfaceStats): Record<string, number> {
	return Object.fromEntries(
		Object.entries(actions ?? {}).flatMap(([action, row]) => (row ? [[action, row.packets]] : [])),
	);
}

async function ping(namespace: string, address: string, ...more: string[]): Promise<number | undefined> {
	const { exitCode } = await machine.in(namespace, "ping", ["-q", "-i", "0.01", "-W", "1", ...more, address]);
	return exitCode;
}

/** All `rx_queue_N_NAME` of `ethtool -S`, added up. */
async function ethtool(namespace: string, device: string): Promise<(name: string) => number> {
	const { stdout } = await machine.in(namespace, "ethtool", ["-S", device]);
	return (name) =>
		Array.from(stdout.matchAll(new RegExp(`rx_queue_\\d+_${name}: (\\d+)`, "g"))).reduce(
			(sum, [, value]) => sum + Number(value),
			0,
		);
}

/** What bpftool reads from the map that the counts of an interface are said to be from. */
async function bpftool({ source }: InterfaceStats): Promise<{ packets: number; bytes: number }[]> {
	if (source?.kind !== "map") throw new Error("not counted by a map");
	type Counted = { packets: number; bytes: number }[];
	type Dump = { formatted: { key: number; values: { value: { action: Counted } }[] } }[];
	const dump = await machine.json<Dump>("host", "bpftool", "-j", "map", "dump", "id", String(source.map));
	const cpus = dump.find(({ formatted }) => formatted.key === source.port)?.formatted.values ?? [];
	return [0, 1, 2, 3, 4].map((action) => ({
		packets: cpus.reduce((sum, { value }) => sum + (value.action[action]?.packets ?? 0), 0),
		bytes: cpus.reduce((sum, { value }) => sum + (value.action[action]?.bytes ?? 0), 0),
	}));
}

async function attach(namespace: string, device: string, mode: "xdp" | "xdpgeneric"): Promise<void> {
	// `xdp off` leaves a generic program.
	for (const off of ["xdp", "xdpgeneric"])
		await machine.in(namespace, "ip", ["link", "set", "dev", device, off, "off"]);
	const { exitCode, stderr } = await machine.in(namespace, "ip", [
		...["link", "set", "dev", device, mode, "obj", foreign, "sec", "xdp"],
	]);
	expect(exitCode, stderr).toBe(0);
}

test("built-in programs count what bpftool finds in their map, and what the veth says", async () => {
	await apply(lab());
	expect(await ping("uno", "10.0.2.2", "-c", "7", "-s", "1000")).toBe(0);
	const all = await read();
	expect(Object.keys(all)).toEqual(["r1:uno", "r1:dos", "uno:veth0", "dos:veth0"]);
	for (const one of Object.values(all)) {
		expect(one).toMatchObject({ lab: "counted", source: { kind: "map" }, lost: null });
		expect(one.program).toMatchObject({ mode: "native", lab: "counted" });
		const rows = Object.values(one.actions ?? {}).map((row) => ({
			packets: row?.packets,
			bytes: row?.bytes,
		}));
		expect(rows).toEqual(await bpftool(one));
	}
	const uno = all["r1:uno"] as InterfaceStats;
	expect(uno.actions?.XDP_REDIRECT).toMatchObject({ packets: 7, bytes: 7 * (1000 + 8 + 20 + 14) });
	const veth = await ethtool("r1", "uno");
	expect(veth("xdp_redirect")).toBe(7);
	expect(uno.total?.packets).toBe(veth("xdp_packets"));
});

test("of anybody else's program the veth's counters are shown, marked, by action", async () => {
	await apply(lab());
	await attach("r1", "uno", "xdp");
	const before = await readOne("r1:uno");
	expect(before).toMatchObject({ program: { lab: null, mode: "native" }, source: { kind: "veth" } });
	expect(await ping("uno", "10.0.1.1", "-c", "4")).toBe(0);
	for (const [size, count] of [
		[400, 3], // sent back
		[700, 5], // dropped
		[1000, 2], // aborted
	])
		await ping("uno", "10.0.1.1", "-c", String(count), "-s", String(size));
	const after = await readOne("r1:uno");
	const difference = (action: string) => (packets(after)[action] ?? 0) - (packets(before)[action] ?? 0);
	expect(after.actions?.XDP_ABORTED).toBeNull();
	expect(difference("XDP_TX")).toBe(3);
	expect(difference("XDP_DROP")).toBe(7);
	// ARP asks now and then.
	expect(difference("XDP_PASS")).toBeGreaterThanOrEqual(4);
	const veth = await ethtool("r1", "uno");
	expect(after.total).toMatchObject({ packets: veth("xdp_packets"), bytes: veth("xdp_bytes") });
	expect(after.lost).toBe(veth("drops"));
	const { stdout } = await machine.xdp("stats", "--long", "r1:uno");
	expect(stdout).toMatch(
		/^r1:uno {2}by_length \(native, id \d+, not this lab's\) \(veth\)\nXDP_ABORTED +- pkts/,
	);
	expect(stdout).toContain("\n(veth) the interface's own counters");
});

test("a generic program of the lab counts itself, and of any other it is said that nobody does", async () => {
	await apply(lab("{ mode: map, redirect: { uno: dos, dos: uno }, attach: generic }"));
	expect(await ping("uno", "10.0.2.2", "-c", "3")).toBe(0);
	const ours = await readOne("r1:uno");
	expect(ours).toMatchObject({ program: { mode: "generic" }, source: { kind: "map" } });
	expect(packets(ours)["XDP_REDIRECT"]).toBe(3);
	await attach("r1", "uno", "xdpgeneric");
	expect(await readOne("r1:uno")).toMatchObject({
		program: { mode: "generic", lab: null },
		source: null,
		actions: null,
		period: null,
	});
	await machine.in("uno", "ip", ["link", "set", "veth0", "xdp", "off"]);
	await machine.in("dos", "ip", ["link", "set", "veth0", "xdp", "off"]);
	const { stdout } = await machine.xdp("stats", "--long", "r1:uno", "uno:veth0", "dos:veth0");
	expect(stdout).toMatch(
		/^not counted by anybody: r1:uno by_length \(generic, .*\)\n\nno program: uno:veth0, dos:veth0$/,
	);
});

test("rates of a flood add up to what was sent, a JSON document a line", async () => {
	await apply(lab());
	const COUNT = 20_000;
	const start = (await readOne("r1:uno")).total?.packets ?? 0;
	const bin = "dist/bin/xdp-stats.js";
	const watch = await machine.start("host", process.execPath, [bin, "--json", "--watch=0.1", "r1:uno"], /\n/);
	const flood = await machine.in("uno", "ping", ["-f", "-q", "-c", String(COUNT), "10.0.2.2"]);
	expect(flood.exitCode, flood.stdout).toBe(0);
	const end = (await readOne("r1:uno")).total?.packets ?? 0;
	expect(end - start).toBeGreaterThanOrEqual(COUNT);
	const { stdout, exitCode } = await watch.stop();
	expect(exitCode).toBe(143);
	const samples = stdout
		.split("\n")
		.map((line) => (JSON.parse(line) as Stats).interfaces[0] as InterfaceStats);
	let seen = samples[0]?.total?.packets ?? 0;
	for (const { period, total } of samples.slice(1)) {
		seen += (period ?? Number.NaN) * (total?.packetsPerSecond ?? Number.NaN);
		expect(seen).toBeCloseTo(total?.packets ?? Number.NaN, 3);
	}
	// One that comes late makes the next period shorter, and all together no shorter.
	const periods = samples.reduce((sum, { period }) => sum + (period ?? Number.NaN), 0);
	expect(periods).toBeGreaterThan(0.099 * samples.length);
	const fastest = Math.max(...samples.map(({ total }) => total?.packetsPerSecond ?? 0));
	expect(fastest).toBeGreaterThan(100);
	expect(fastest).toBeLessThan(10_000_000);
});

test("counters go on when the wiring of a map is changed", async () => {
	await apply(lab());
	expect(await ping("uno", "10.0.2.2", "-c", "5")).toBe(0);
	const before = await readOne("r1:uno");
	await apply(lab("{ mode: map, redirect: { uno: dos } }"));
	const after = await readOne("r1:uno");
	expect(after.source).toEqual(before.source);
	expect(packets(after)["XDP_REDIRECT"]).toBeGreaterThanOrEqual(5);
});

test("an interface made anew is counted, with several queues and an ifindex beyond the program's ports", async () => {
	await apply(lab());
	const program = (await readOne("uno:veth0")).program?.id;
	const queues = ["numtxqueues", "2", "numrxqueues", "2"];
	const made = await machine.run("sh", [
		"-ec",
		`inside() { ns=$1; shift; nsenter --net=/run/netns/$ns "$@"; }
		inside uno ip link del veth0
		inside uno ip link add name veth0 index 2000000000 ${queues.join(" ")} type veth peer name uno ${queues.join(" ")} netns r1
		inside uno ethtool -L veth0 rx 2 tx 2
		inside r1 ethtool -L uno rx 2 tx 2
		inside uno ip addr add 10.0.1.2/24 dev veth0
		inside r1 ip addr add 10.0.1.1/24 dev uno
		inside uno ip link set veth0 up
		inside r1 ip link set uno up
		inside uno bpftool net attach xdpdrv id ${program} dev veth0`,
	]);
	expect(made.exitCode, made.stderr).toBe(0);
	// Flows are spread over the queues.
	const flows = "for port in $(seq 2000 2063); do echo x > /dev/udp/10.0.1.2/$port; done 2>/dev/null || true";
	await machine.in("r1", "bash", ["-c", flows]);
	await vi.waitFor(async () => {
		const one = await readOne("uno:veth0");
		expect(one).toMatchObject({ ifindex: 2_000_000_000, program: { id: program }, source: { kind: "veth" } });
		const { stdout } = await machine.in("uno", "ethtool", ["-S", "veth0"]);
		const [first = 0, second = 0] = Array.from(stdout.matchAll(/rx_queue_\d+_xdp_packets: (\d+)/g), ([, n]) =>
			Number(n),
		);
		expect(Math.min(first, second)).toBeGreaterThan(0);
		expect(one.total?.packets).toBe(first + second);
	}, SLOW);
});

test("a watch notices what is replaced, and ends with the interfaces", async () => {
	await apply(lab());
	const { stdout, stderr, exitCode } = await machine.run("bash", [
		"-c",
		`coproc WATCH { exec ${process.execPath} dist/bin/xdp-stats.js --json --watch=0.05 uno:veth0 2>&1; }
		until_line() { while read -r line <&"\${WATCH[0]}"; do [[ $line =~ $1 ]] && return; done; return 1; }
		in_uno() { nsenter --net=/run/netns/uno "$@"; }
		until_line '"kind":"map"' && echo map
		in_uno ip link set veth0 xdp off
		until_line '"program":null' && echo none
		in_uno ip link set veth0 xdp obj ${foreign} sec xdp
		until_line '"name":"by_length".*"kind":"veth"' && echo veth
		pid=$WATCH_PID
		exec {rest}<&"\${WATCH[0]}"
		${process.execPath} dist/bin/xdp-destroy.js --quiet counted && echo destroyed
		tail -n 1 <&$rest
		wait $pid`,
	]);
	expect(stdout.split("\n"), stderr).toEqual(["map", "none", "veth", "destroyed", "the interfaces are gone"]);
	expect(exitCode).toBe(0);
});

test("SIGINT is the end of a watch, and a count is another", async () => {
	await apply(lab());
	const { stdout } = await machine.run("bash", [
		"-c",
		`coproc WATCH { exec ${process.execPath} dist/bin/xdp-stats.js --watch=60; }
		read -r line <&"\${WATCH[0]}"
		pid=$WATCH_PID
		kill -INT $pid
		wait $pid
		echo $?`,
	]);
	expect(stdout).toBe("0");
	const counted = await machine.xdp("stats", "--json", "--watch=0.01", "--count=3", "counted");
	expect(counted.exitCode).toBe(0);
	expect(counted.stdout.split("\n").map((line) => JSON.parse(line).interfaces.length)).toEqual([4, 4, 4]);
});

test("the library's readers close what they opened, however they end", async () => {
	await apply(lab());
	const script = `
		import { readdirSync } from "node:fs";
		import { stats, watchStats } from "./dist/lib/index.js";
		await stats([], { period: 0.01 });
		const open = () => readdirSync("/proc/self/fd").length;
		const before = open();
		const { interfaces } = await stats(["counted"], { period: 0.5 });
		for await (const sample of watchStats(["r1:uno"], { interval: 0.01 })) break;
		const signal = AbortSignal.abort("SIGINT");
		for await (const sample of watchStats([], { signal })) throw new Error("aborted before");
		const interrupted = await stats([], { signal }).catch(({ name, reason }) => [name, reason]);
		const wrong = await stats(["nope", "uno:nope"]).catch(({ name }) => name);
		const waited = interfaces.every(({ period }) => period >= 0.5);
		console.log(JSON.stringify({ waited, interrupted, wrong, more: open() - before }));
	`;
	const { stdout, stderr } = await machine.run(process.execPath, ["--input-type=module", "-e", script]);
	expect(JSON.parse(stdout), stderr).toEqual({
		waited: true,
		interrupted: ["InterruptedError", "SIGINT"],
		wrong: "UsageError",
		more: 0,
	});
});

test("a watch ends when its reader does", async () => {
	await apply(lab());
	const pipe = `${process.execPath} dist/bin/xdp-stats.js --json --watch=0.01 | head -n 1 | wc -l; echo "\${PIPESTATUS[0]}"`;
	const { stdout, stderr } = await machine.run("bash", ["-c", pipe]);
	expect({ stdout, stderr }).toEqual({ stdout: "1\n0", stderr: "" });
});

/** What a watch draws on a terminal of this size: a screen a sample. */
async function screens(rows: number, columns: number, ...args: string[]): Promise<string[]> {
	const command = [process.execPath, "dist/bin/xdp-stats.js", "--watch=0.01", "--count=2", ...args].join(" ");
	const terminal = `stty rows ${rows} cols ${columns}; ${command}`;
	const { stdout } = await machine.run("script", ["-qec", terminal, "/dev/null"]);
	const drawn = stdout.split("\x1b[H").slice(1);
	expect(drawn).toHaveLength(2);
	return drawn.map((text) => {
		expect(text.trimEnd().endsWith("\x1b[J")).toBe(true);
		const lines = text
			.replaceAll("\r", "")
			.replaceAll("\x1b[K", "")
			.replaceAll("\x1b[J", "")
			.trimEnd()
			.split("\n");
		expect(lines.length).toBeLessThan(rows);
		for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
		return lines.join("\n");
	});
}

test("a terminal is drawn over in place, with all interfaces that fit and the names of the others", async () => {
	await apply(star(6));
	for (const screen of await screens(40, 120, "star")) {
		expect(screen).toMatch(/^\S+Z\n\nINTERFACE +PKTS\/S +ABORTED +DROP +PASS +TX +REDIRECT +PROGRAM\n/);
		expect(screen.match(/^star-\S+:\S+ .* (fib|pass)$/gm)).toHaveLength(12);
		expect(screen).not.toContain("no room");
	}
	for (const screen of await screens(10, 80, "star")) {
		expect(screen.match(/^star-\S+:\S+ .* (fib|pass)$/gm)).toHaveLength(5);
		expect(screen).toMatch(/\n… no room for 7 more: (star-\S+:\S+ )+star-\S*…$/);
	}
	for (const screen of await screens(12, 100, "--long", "star-r:h0", "star-r:h1")) {
		expect(screen).toMatch(/\nXDP_REDIRECT /);
		expect(screen).toMatch(/\n… no room for 1 more: star-r:h1$/);
	}
});

test("table, long form, OpenMetrics and JSON have the same numbers, those of bpftool and the veth", async () => {
	await apply(lab());
	expect(await ping("uno", "10.0.2.2", "-c", "9", "-s", "100")).toBe(0);
	await attach("r1", "dos", "xdp");
	expect(await ping("dos", "10.0.2.1", "-c", "3", "-s", "700")).toBe(1);
	const json = await read("counted");
	const text = (...args: string[]) => machine.xdp("stats", ...args, "counted");
	const metrics = await text("--openmetrics");
	expect(metrics).toMatchObject({ exitCode: 0, stderr: "" });
	const families = await parsed(`${metrics.stdout}\n`);
	const table = (await text()).stdout.split("\n");
	const long = (await text("--long")).stdout;
	const columns = ["ABORTED", "DROP", "PASS", "TX", "REDIRECT"];
	for (const [end, one] of Object.entries(json)) {
		const [namespace = "", name = ""] = end.split(":");
		const of = (family: string) =>
			(families.find((each) => each.name === family)?.samples ?? []).filter(
				({ labels }) => labels["namespace"] === namespace && labels["interface"] === name,
			);
		const expected = packets(one);
		const labels = { lab: "counted", namespace, interface: name, program: one.program?.name };
		expect(of("xdp_packets")).toEqual(
			Object.entries(expected).map(([verdict, value]) => ({
				name: "xdp_packets_total",
				labels: { ...labels, verdict },
				value,
			})),
		);
		expect(of("xdp_received_packets").map(({ value }) => value)).toEqual([one.total?.packets]);
		expect(of("xdp_received_bytes").map(({ value }) => value)).toEqual([one.total?.bytes]);
		const titles = table[0]?.split(/ +/) ?? [];
		const cells = table.find((line) => line.startsWith(`${end} `))?.split(/ +/) ?? [];
		expect(columns.map((title) => cells[titles.indexOf(title)])).toEqual(
			columns.map((title) => String(expected[`XDP_${title}`] ?? "-")),
		);
		for (const [verdict, value] of Object.entries(expected))
			expect(long).toMatch(new RegExp(`^${end} [^]*?^${verdict} +${value} pkts `, "m"));
	}
	expect(Object.values(json["r1:uno"]?.actions ?? {}).map((row) => row?.packets)).toEqual(
		(await bpftool(json["r1:uno"] as InterfaceStats)).map(({ packets }) => packets),
	);
	expect(json["r1:uno"]?.actions?.XDP_REDIRECT?.packets).toBe(9);
	expect(json["r1:dos"]).toMatchObject({ source: { kind: "veth" }, actions: { XDP_DROP: { packets: 3 } } });
	expect((await ethtool("r1", "dos"))("xdp_drops")).toBe(3);
});

test.each([
	[["--openmetrics", "--json"], "--openmetrics or --json: not both"],
	[["--openmetrics", "--watch"], "--openmetrics or --watch: not both"],
	[["--count", "2"], "--count goes with --watch"],
])("%j is refused", async (args, message) => {
	expect(await machine.xdp("stats", ...args)).toEqual({
		exitCode: 64,
		stdout: "",
		stderr: `error: ${message}`,
	});
});

test("labs and interfaces are named on the command line, and mistakes are all told", async () => {
	expect(await machine.xdp("stats")).toMatchObject({
		exitCode: 64,
		stderr: "error: no lab is up: `xdp-apply FILE` brings one up",
	});
	await apply(lab());
	const other =
		"name: other\nnamespaces: { tres: {} }\nveths:\n  - host:tres: 10.0.3.1/24\n    tres:veth0: { addresses: 10.0.3.2/24, xdp: pass }\n";
	// Takes the first window of ifindexes in `host`.
	const veth = ["type", "veth", "peer", "name", "taken-too"];
	expect((await machine.run("ip", ["link", "add", "taken", "index", "100000", ...veth])).exitCode).toBe(0);
	await apply(other);
	expect(await machine.xdp("stats")).toMatchObject({
		exitCode: 64,
		stderr: "error: several labs are up: counted, other; name one",
	});
	expect(Object.keys(await read("other", "uno:veth0"))).toEqual(["uno:veth0", "host:tres", "tres:veth0"]);
	expect((await readOne("host:tres")).program).toBeNull();
	// A lab's ports begin with its own window.
	expect(await ping("host", "10.0.3.2", "-c", "3")).toBe(0);
	const tres = await readOne("tres:veth0");
	expect(tres).toMatchObject({ lab: "other", source: { kind: "map" } });
	expect(tres.ifindex).toBeGreaterThanOrEqual(200_000);
	expect(packets(tres)["XDP_PASS"]).toBeGreaterThanOrEqual(3);
	const wrong = await machine.xdp("stats", "nope", "uno:nope", "host:lo", "veth0", "r1", "other");
	expect(wrong).toMatchObject({ exitCode: 64, stdout: "" });
	expect(wrong.stderr.split("\n")).toEqual([
		"error: nope is neither a lab that is up nor an interface of one; labs that are up: counted, other",
		"several interfaces are named veth0: uno:veth0, dos:veth0, tres:veth0; name one of these",
		"r1 is a namespace: name an interface of it, as r1:INTERFACE",
		"no lab that is up has an interface uno:nope",
		"no lab that is up has an interface host:lo",
	]);
	// An interface's name is enough where just one has it; a lab's name means the lab.
	expect(Object.keys(await read("dos"))).toEqual(["r1:dos"]);
	expect(Object.keys(await read("tres"))).toEqual(["host:tres"]);
	expect(Object.keys(await read("counted", "tres"))).toEqual([
		...Object.keys(await read("counted")),
		"host:tres",
	]);
});
