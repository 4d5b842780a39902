import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, expectDestroyLeavesNothing, startBench } from "./lab.js";
import { type Flow, ping, udp } from "./traffic.js";

/** The maps of a program as bpftool(8) has them, by name. */
interface BpfMap {
	id: number;
	name: string;
	type: string;
	max_entries: number;
}

interface Entry {
	key: unknown;
	value?: unknown;
	values?: { cpu: number; value: { packets: number; bytes: number } }[];
	formatted?: { key: unknown; value?: unknown; values?: { value: { packets: number } }[] };
}

const SOURCE = "test/e2e/programs/redirect.bpf.c";
const folder = mkdtempSync("/tmp/xdp-topology-");

/** Compiled elsewhere, as by a course's Makefile. */
function compile(name: string, ...flags: string[]): string {
	const object = join(folder, name);
	const fixed = ["-O2", "-g", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-DMAX_PARAMS=4"];
	execFileSync("clang", [...fixed, ...flags, "-c", SOURCE, "-o", object]);
	return object;
}

/** Two hosts on the machine: what a program on `host:uno` and `host:dos` does decides what passes. */
function lab(programs: string, { uno = "xdp: there", dos = "xdp: back", more = "" } = {}): string {
	// Without IPv6 nothing is sent, and counted, but what a test sends.
	return `name: own
namespaces:
  quiet: { sysctls: &quiet { net.ipv6.conf.all.disable_ipv6: 1 } }
  uno: { gateway: 10.11.1.1, sysctls: *quiet }
  dos: { gateway: 10.11.2.1, sysctls: *quiet }
${more}
programs:
${programs.replace(/^/gm, "  ")}
veths:
  - host:uno: { addresses: [10.11.1.1/24], ${uno} }
    uno:veth0: { addresses: [10.11.1.2/24] }
  - host:dos: { addresses: [10.11.2.1/24], ${dos} }
    dos:veth0: { addresses: [10.11.2.2/24] }
`;
}

/** Both ways, each with maps of its own. */
const bothWays = (object: string, options = "") => `there:
  object: ${object}
  program: redirect
  ${options}
  maps:
    tx_port: [{ key: 0, value: { ifindex: host:dos } }]
    redirect_params: [{ key: { mac: uno:veth0 }, value: { mac: dos:veth0 } }]
back:
  object: ${object}
  program: redirect
  maps:
    tx_port: [{ key: 0, value: { ifindex: host:uno } }]
    redirect_params: [{ key: { mac: dos:veth0 }, value: { mac: uno:veth0 } }]
`;

const toDos: Flow = { from: "uno", to: "dos", address: "10.11.2.2" };

afterAll(() => rmSync(folder, { recursive: true }));

/** Replaces one line of a topology, which must be there. */
function edited(text: string, from: string | RegExp, to: string): string {
	const result = text.replace(from, to);
	expect(result).not.toBe(text);
	return result;
}

describe.concurrent.each([
	["from its object", () => bothWays(compile("redirect.o"))],
	[
		"from its source",
		() =>
			bothWays("x").replaceAll(
				"object: x",
				`source: ${process.cwd()}/${SOURCE}\n  defines: { MAX_PARAMS: 4 }\n  include: [${folder}]`,
			),
	],
])("a program of the file's own, %s", (_, programs) => {
	let bench: Bench;
	const text = () => lab(programs());

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	/** Runs a command on a topology, and expects that it succeeds without a warning. */
	async function run(topology: string, command = "apply", ...args: string[]): Promise<string> {
		const { exitCode, stdout, stderr } = await bench.machine.xdpWith(topology, command, ...args);
		expect({ exitCode, stderr: stderr.match(/^.*(?:warning|error).*$/gm) }, stderr).toEqual({
			exitCode: 0,
			stderr: null,
		});
		return stdout;
	}
	const planned = async (topology: string) =>
		(
			JSON.parse(await run(topology, "plan", "--json")) as {
				changes: { action: string; kind: string; name: string }[];
			}
		).changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`);
	const programOn = async (link: string) => {
		const [found] = await bench.machine.json<{ xdp?: { prog: { id: number }; mode: number } }[]>(
			"host",
			"ip",
			"-j",
			"link",
			"show",
			link,
		);
		return found?.xdp;
	};
	/** The map of the program on an interface, as bpftool(8) finds it. */
	async function mapOf(link: string, name: string): Promise<number> {
		const id = (await programOn(link))?.prog.id ?? 0;
		const program = await bench.machine.json<{ map_ids: number[] }>(
			"host",
			"bpftool",
			"-j",
			"prog",
			"show",
			"id",
			String(id),
		);
		for (const map of program.map_ids) {
			const found = await bench.machine.json<BpfMap>(
				"host",
				"bpftool",
				"-j",
				"map",
				"show",
				"id",
				String(map),
			);
			if (found.name === name.slice(0, 15)) return map;
		}
		throw new Error(`no map ${name} on ${link}`);
	}
	const bpftoolMap = (command: string, id: number, ...args: string[]) =>
		bench.machine.run("bpftool", ["map", command, "id", String(id), ...args]);
	/** Packets that the program on an interface has redirected, by its own map. */
	async function redirected(link: string): Promise<number> {
		const entries = await bench.machine.json<Entry[]>(
			"host",
			"bpftool",
			"-j",
			"map",
			"dump",
			"id",
			String(await mapOf(link, "xdp_stats_map")),
		);
		const XDP_REDIRECT = 4;
		return (
			entries[XDP_REDIRECT]?.formatted?.values?.reduce((sum, { value }) => sum + Number(value.packets), 0) ??
			0
		);
	}
	const bytes = (mac: string) => mac.split(":").map((byte) => `0x${byte}`);
	const OTHER = bytes("02:00:00:00:00:99");

	test.sequential("forwards by what the file puts into its maps", async () => {
		await run(text());
		expect(await ping(bench.machine, toDos)).toBe(3);
		expect(await udp(bench.machine, toDos)).toBe(10);
		expect(await redirected("uno")).toBe(13);
		expect(await redirected("dos")).toBe(3);
		expect(await run(text())).toBe("own: nothing to do");
	});

	test.sequential("is loaded once for each entry of the file, with maps of its own", async () => {
		expect(await mapOf("uno", "redirect_params")).not.toBe(await mapOf("dos", "redirect_params"));
	});

	test.sequential("stays where only an entry changes", async () => {
		const before = await programOn("uno");
		const changed = edited(
			text(),
			"{ mac: uno:veth0 }, value: { mac: dos:veth0 }",
			"{ mac: uno:veth0 }, value: 02:00:00:00:00:77",
		);
		expect(await planned(changed)).toEqual(["update entry there redirect_params[uno:veth0]"]);
		await run(changed);
		expect(await programOn("uno")).toEqual(before);
		expect(await udp(bench.machine, { ...toDos, patience: 300 })).toBe(0);
		await run(text());
		expect(await udp(bench.machine, toDos)).toBe(10);
	});

	test.sequential("keeps entries of others, unless the map is exact", async () => {
		const map = await mapOf("uno", "redirect_params");
		await bpftoolMap("update", map, "key", ...OTHER, "value", ...OTHER);
		expect(await run(text())).toBe("own: nothing to do");
		const exact = edited(
			text(),
			/redirect_params: (\[.*uno:veth0.*, value.*\])/,
			"redirect_params: { exact: true, entries: $1 }",
		);
		expect(await planned(exact)).toEqual(["remove entry there redirect_params[02:00:00:00:00:99]"]);
		await run(exact);
		expect((await bpftoolMap("lookup", map, "key", ...OTHER)).exitCode).not.toBe(0);
		expect(await run(exact)).toBe("own: nothing to do");
		await run(text());
	});

	test.sequential("loses an entry that leaves the file, unless somebody else has changed it", async () => {
		const more = edited(
			text(),
			/(redirect_params: \[)(.*uno:veth0)/,
			"$1{ key: 02:00:00:00:00:99, value: 02:00:00:00:00:99 }, $2",
		);
		await run(more);
		const map = await mapOf("uno", "redirect_params");
		expect(await planned(text())).toEqual(["remove entry there redirect_params[02:00:00:00:00:99]"]);
		await run(text());
		expect((await bpftoolMap("lookup", map, "key", ...OTHER)).exitCode).not.toBe(0);
		await run(more);
		await bpftoolMap("update", map, "key", ...OTHER, "value", ...bytes("02:00:00:00:00:98"));
		expect(await run(text())).toBe("own: nothing to do");
		expect((await bpftoolMap("lookup", map, "key", ...OTHER)).exitCode).toBe(0);
		await bpftoolMap("delete", map, "key", ...OTHER);
	});

	test.sequential("puts back what somebody has changed in its entries", async () => {
		const map = await mapOf("uno", "tx_port");
		await bpftoolMap("delete", map, "key", "0", "0", "0", "0");
		const { stdout, exitCode } = await bench.machine.xdp("status", "own", "--detailed-exitcode");
		expect({ exitCode, stdout }).toEqual({
			exitCode: 2,
			stdout: expect.stringContaining("there tx_port[0] = host:dos"),
		});
		await run(text());
		expect(await ping(bench.machine, toDos)).toBe(3);
	});

	test.sequential("is replaced without a packet lost, and goes on counting", async () => {
		const count = 20_000;
		const ids = [(await programOn("uno"))?.prog.id];
		const before = await redirected("uno");
		const flood = ping(bench.machine, toDos, { count, flood: true });
		for (const limit of [1, 2, 3]) {
			const changed = edited(
				text(),
				/program: redirect\n/,
				`program: redirect\n    globals: { limit: ${limit} }\n`,
			);
			if (limit === 1)
				expect(await run(changed, "plan")).toMatch(/~ program there: limit set to 1: loaded anew, maps kept/);
			await run(changed);
			ids.push((await programOn("uno"))?.prog.id);
		}
		expect(await flood).toBe(count);
		expect(new Set(ids).size).toBe(4);
		expect(await redirected("uno")).toBe(before + count);
	});

	test.sequential("leaves nothing", () => expectDestroyLeavesNothing(bench));
});

describe.concurrent("a map whose definition changes", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test("starts anew, which the plan says, and the others keep what they hold", async () => {
		const text = lab(bothWays(compile("small.o")));
		const larger = text.replaceAll("small.o", "larger.o");
		compile("larger.o", "-UMAX_PARAMS", "-DMAX_PARAMS=8");
		expect((await bench.machine.xdpWith(text, "apply")).exitCode).toBe(0);
		expect(await ping(bench.machine, toDos)).toBe(3);
		const { stdout } = await bench.machine.xdpWith(larger, "plan");
		expect(stdout).toContain(
			"~ program there: another object: loaded anew, maps kept but for redirect_params",
		);
		expect((await bench.machine.xdpWith(larger, "apply")).exitCode).toBe(0);
		expect(await ping(bench.machine, toDos)).toBe(3);
		expect((await bench.machine.xdpWith(larger, "apply")).stdout).toBe("own: nothing to do");
	});
});

describe.concurrent("maps that are pinned", () => {
	let bench: Bench;
	const text = lab(bothWays(compile("pinned.o"), "pin: /sys/fs/bpf/course/uno"));
	const names = ["redirect_params", "tx_port", "xdp_stats_map"];

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	const list = async () => (await bench.machine.run("ls", ["/sys/fs/bpf/course/uno"])).stdout.split("\n");
	const apply = async (topology = text) => {
		const { exitCode, stderr } = await bench.machine.xdpWith(topology, "apply");
		expect(exitCode, stderr).toBe(0);
	};
	const packets = async () => {
		const dump = ["-j", "map", "dump", "pinned", "/sys/fs/bpf/course/uno/xdp_stats_map"];
		const entries = await bench.machine.json<Entry[]>("host", "bpftool", ...dump);
		return entries[4]?.formatted?.values?.reduce((sum, { value }) => sum + Number(value.packets), 0);
	};

	test.sequential("are where the file says, on a file system that is mounted for it", async () => {
		await bench.machine.run("umount", ["/sys/fs/bpf"]);
		await apply();
		expect(await list()).toEqual(names);
		expect(await ping(bench.machine, toDos)).toBe(3);
		expect(await packets()).toBe(3);
	});

	test.sequential("are the same maps after the program has been replaced", async () => {
		await apply(text.replace("program: redirect\n", "program: redirect\n    globals: { limit: 1 }\n"));
		expect(await ping(bench.machine, toDos)).toBe(3);
		expect(await packets()).toBe(6);
		await apply();
	});

	test.sequential("are pinned again where somebody has removed them", async () => {
		await bench.machine.run("rm", ["/sys/fs/bpf/course/uno/tx_port"]);
		const { stdout } = await bench.machine.xdp("status", "own");
		expect(stdout).toMatch(/missing:\n *pin \/sys\/fs\/bpf\/course\/uno\/tx_port/);
		await apply();
		expect(await list()).toEqual(names);
	});

	test.sequential("keep what they hold where somebody has taken the program off", async () => {
		const before = await packets();
		await bench.machine.run("ip", ["link", "set", "uno", "xdp", "off"]);
		await apply();
		expect(await packets()).toBe(before);
		expect(await ping(bench.machine, toDos)).toBe(3);
		expect(await packets()).toBe((before ?? 0) + 3);
	});

	test.sequential("move with the file", async () => {
		await apply(text.replace("course/uno", "course/dos"));
		expect((await bench.machine.run("ls", ["/sys/fs/bpf/course"])).stdout).toBe("dos");
		await apply();
	});

	test.sequential("are gone after a destroy, with the folders made for them, even where the program is not attached any more", async () => {
		await bench.machine.run("ip", ["link", "set", "uno", "xdp", "off"]);
		await bench.machine.run("mkdir", ["/sys/fs/bpf/more"]);
		expect((await bench.machine.xdp("destroy", "own")).exitCode).toBe(0);
		expect((await bench.machine.run("ls", ["/sys/fs/bpf"])).stdout).not.toContain("course");
		expect((await bench.machine.run("ls", ["/sys/fs/bpf"])).stdout).toContain("more");
	});

	test.sequential("are not put in the place of somebody else's", async () => {
		await bench.machine.run("mkdir", ["-p", "/sys/fs/bpf/course/uno"]);
		const create = ["type", "array", "key", "4", "value", "4", "entries", "1", "name", "theirs"];
		await bench.machine.run("bpftool", ["map", "create", "/sys/fs/bpf/course/uno/tx_port", ...create]);
		const { exitCode, stderr } = await bench.machine.xdpWith(text, "apply");
		expect({ exitCode, stderr }).toEqual({
			exitCode: 1,
			stderr: expect.stringMatching(
				/\/sys\/fs\/bpf\/course\/uno\/tx_port is held by map \d+, which is not this lab's/,
			),
		});
		expect(await bench.machine.json("host", "ip", "-j", "netns")).toEqual([]);
		expect(await list()).toEqual(["tx_port"]);
	});

	test.sequential("need a BPF file system where they are to be", async () => {
		const { exitCode, stderr } = await bench.machine.xdpWith(
			text.replace("/sys/fs/bpf/course/uno", "/run/course"),
			"apply",
		);
		expect({ exitCode, stderr }).toEqual({
			exitCode: 1,
			stderr: expect.stringContaining("/run is in no BPF file system"),
		});
	});
});

describe.concurrent("a router of a course", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test("finds the interfaces by their ifindexes in a devmap that is too small for them", async () => {
		const entries = ["uno", "dos"].map(
			(end) => `{ key: { ifindex: host:${end} }, value: { ifindex: host:${end} } }`,
		);
		const router = `router: { object: ${compile("router.o")}, program: router, maps: { tx_port: [${entries.join(", ")}] } }`;
		const text = lab(router, {
			uno: "xdp: router",
			dos: "xdp: router",
			more: "  host: { forwarding: kernel }",
		});
		const { stdout } = await bench.machine.xdpWith(text, "plan");
		expect(stdout).toMatch(/\+ program router .*# tx_port made larger: the keys are ifindexes/);
		expect((await bench.machine.xdpWith(text, "apply")).exitCode).toBe(0);
		expect(await ping(bench.machine, toDos)).toBe(3);
		for (const link of ["uno", "dos"]) {
			const { stdout } = await bench.machine.run("ethtool", ["-S", link]);
			expect(stdout).toMatch(/rx_queue_0_xdp_redirect: 3$/m);
		}
		expect((await bench.machine.xdpWith(text, "apply")).stdout).toBe("own: nothing to do");
	});
});
