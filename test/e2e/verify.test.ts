import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { VerifyReport } from "../../lib/index.js";
import { Machine } from "../machine.js";

const folder = mkdtempSync(`${tmpdir()}/verify-`);
afterAll(() => rmSync(folder, { recursive: true }));

/** A lab with these expectations: two hosts behind a router that forwards by XDP, one that is alone. */
const lab = (...expectations: string[]) => `name: hosts
namespaces:
  router: { forwarding: fib }
  uno: { gateway: [10.0.1.1, "fc00:1::1"] }
  dos: { gateway: [10.0.2.1, "fc00:2::1"] }
  tres: { gateway: 10.0.3.1 }
veths:
  - router:uno: [10.0.1.1/24, "fc00:1::1/64"]
    uno:veth0: [10.0.1.2/24, "fc00:1::2/64"]
  - router:dos: [10.0.2.1/24, "fc00:2::1/64"]
    dos:veth0: [10.0.2.2/24, "fc00:2::2/64"]
  - router:tres: 10.0.3.1/24
    tres:veth0: { addresses: 10.0.3.2/24, xdp: drop }
expect:
${expectations.map((one) => `  - { ${one} }\n`).join("")}`;

const REACHES = "reach: { from: uno, to: dos:veth0 }";
const PING = "ping: { from: uno, to: dos:veth0 }";

/** Machines of tests that run side by side: none is left behind, whatever fails. */
async function withLab<T>(topology: string, work: (machine: Machine) => Promise<T>): Promise<T> {
	const machine = await Machine.start();
	try {
		expect(await machine.xdpWith(topology, "apply")).toMatchObject({ exitCode: 0 });
		return await work(machine);
	} finally {
		await machine.stop();
	}
}

async function verify(topology: string, ...args: string[]) {
	return withLab(topology, async (machine) => {
		const { exitCode, stdout, stderr } = await machine.xdp("verify", "--json", ...args);
		expect(stderr).toBe("");
		return { exitCode, report: JSON.parse(stdout) as VerifyReport };
	});
}

describe.concurrent("every file in topologies/ holds what it expects", () => {
	test.each(readdirSync("topologies").filter((name) => name.endsWith(".yaml")))("%s", async (name) => {
		const machine = await Machine.start();
		try {
			const file = `topologies/${name}`;
			expect(await machine.xdp("apply", file)).toMatchObject({ exitCode: 0 });
			const { exitCode, stdout, stderr } = await machine.xdp("verify", file);
			expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: "" });
			const expected = readFileSync(file, "utf8").match(/^ {2}- (ping|tcp|udp|reach):/gm) ?? [];
			expect(stdout.match(/^ok \d+ - /gm)).toHaveLength(expected.length);
			// What is tried is no drift.
			expect(await machine.xdp("plan", "--detailed-exitcode", file)).toMatchObject({ exitCode: 0 });
		} finally {
			await machine.stop();
		}
	});
});

describe.concurrent("traffic", () => {
	test("goes by every protocol over every family that both sides have", async () => {
		const { exitCode, report } = await verify(lab(REACHES));
		expect(exitCode).toBe(0);
		expect(report.checks[0]?.flows).toMatchObject([
			{ protocol: "ping", family: 4, address: "10.0.2.2", detail: "3 of 3 replies" },
			{ protocol: "ping", family: 6, address: "fc00:2::2", detail: "3 of 3 replies" },
			{ protocol: "tcp", family: 4, detail: "131072 of 131072 bytes came back" },
			{ protocol: "tcp", family: 6, detail: "131072 of 131072 bytes came back" },
			{ protocol: "udp", family: 4, detail: "10 of 10 datagrams arrived" },
			{ protocol: "udp", family: 6, detail: "10 of 10 datagrams arrived" },
		]);
	});

	test("of thousands of datagrams is counted to the last, and by the programs on the way", async () => {
		const udp = "udp: { from: uno:veth0, to: dos:veth0, packets: 5000 }";
		const { report } = await verify(lab(`${udp}, actions: { router:uno: XDP_REDIRECT }`));
		expect(report.ok).toBe(true);
		expect(report.checks[0]?.flows).toMatchObject([
			{ detail: "5000 of 5000 datagrams arrived" },
			{ detail: "5000 of 5000 datagrams arrived" },
		]);
		expect(report.checks[0]?.actions).toMatchObject([
			{ end: "router:uno", counts: { XDP_REDIRECT: 5000 }, least: 5000 },
			{ end: "router:uno", counts: { XDP_REDIRECT: 5000 }, least: 5000 },
		]);
	});

	test("is for the port that is named, where nothing else may listen", async () => {
		const udp = "udp: { from: uno, to: dos:veth0, port: 5353 }";
		await withLab(lab(udp, udp.replace("udp", "tcp")), async (machine) => {
			const verify = async () => JSON.parse((await machine.xdp("verify", "--json")).stdout) as VerifyReport;
			expect(await verify()).toMatchObject({ ok: true, checks: [{ flows: [{ port: 5353 }, {}] }, {}] });
			const other = await machine.start("dos", "iperf3", ["-s", "-p", "5353", "--forceflush"], /listening/);
			const { checks } = await verify();
			await other.stop();
			expect(checks).toMatchObject([
				{ ok: true },
				{ ok: false, title: "uno reaches dos:veth0 by TCP, port 5353" },
			]);
			expect(checks[1]?.flows[0]?.detail).toMatch(/EADDRINUSE.* 10\.0\.2\.2:5353/);
		});
	});

	test("may arrive in any namespace that has the address, and is counted in all", async () => {
		// The router keeps what is for the address that `dos` has as well.
		const shared = lab(
			"tcp: { from: uno, to: dos:veth0 }",
			"udp: { from: uno, to: dos:veth0, packets: 300 }",
		).replace("router:tres: 10.0.3.1/24", "router:tres: [10.0.3.1/24, 10.0.2.2/32]");
		const { exitCode, report } = await verify(shared);
		expect(exitCode).toBe(0);
		expect(report.checks[1]?.flows[0]?.detail).toBe("300 of 300 datagrams arrived");
	});

	test("that must not come through passes when it does not, and is still counted", async () => {
		const absent = "reach: { from: uno, to: tres:veth0 }, reachable: false";
		const { report } = await verify(lab(`${absent}, actions: { tres:veth0: XDP_DROP }`));
		expect(report).toMatchObject({
			ok: true,
			checks: [{ attempts: 1, actions: [{ end: "tres:veth0", action: "XDP_DROP", least: 14 }] }],
		});
	});

	test("is counted by the interface where the program is somebody else's", async () => {
		const absent = "ping: { from: uno, to: tres:veth0 }, reachable: false";
		await withLab(lab(`${absent}, actions: { tres:veth0: XDP_DROP }`), async (machine) => {
			const attach = `bpftool prog load dist/bpf/drop.bpf.o /sys/fs/bpf/drop &&
				nsenter --net=/run/netns/tres bpftool net attach xdpdrv pinned /sys/fs/bpf/drop dev veth0 overwrite`;
			expect(await machine.run("bash", ["-c", attach])).toMatchObject({ exitCode: 0 });
			const { stdout } = await machine.xdp("verify", "--json");
			const report = JSON.parse(stdout) as VerifyReport;
			expect(report).toMatchObject({
				ok: false,
				checks: [{ ok: true }],
				drift: ["+ program drop", expect.stringContaining("~ xdp tres:veth0")],
			});
			// A multicast of IPv6's own may be among them.
			expect(report.checks[0]?.actions[0]?.counts?.XDP_DROP).toBeGreaterThanOrEqual(3);
		});
	});

	test("that must not come through fails when it does, at once", async () => {
		const { exitCode, report } = await verify(lab(`${REACHES}, reachable: false`));
		expect(exitCode).toBe(1);
		expect(report).toMatchObject({ ok: false, drift: [], checks: [{ ok: false, attempts: 1 }] });
		expect(report.checks[0]?.flows.every(({ ok }) => !ok)).toBe(true);
	});

	test("that another action counts fails, however well it comes through", async () => {
		const ping = "ping: { from: uno, to: dos:veth0 }, actions: { router:uno: XDP_PASS }";
		const { exitCode, report } = await verify(lab(ping));
		expect(exitCode).toBe(1);
		const [check] = report.checks;
		expect(check?.flows.every(({ ok }) => ok)).toBe(true);
		expect(check?.actions[0]).toMatchObject({
			action: "XDP_PASS",
			ok: false,
			counts: { XDP_REDIRECT: 3 },
			least: 3,
		});
	});

	test("is not proven by what somebody else sends through the same interface", async () => {
		const ping = "ping: { from: uno, to: dos:veth0 }, actions: { router:uno: XDP_PASS }";
		await withLab(lab(ping), async (machine) => {
			// For the router itself: passed to its stack, and counted so.
			const other = ["-i", "0.005", "-w", "30", "10.0.1.1"];
			const noise = await machine.start("uno", "ping", other, /bytes from/);
			const { exitCode, stdout } = await machine.xdp("verify");
			await noise.stop();
			expect(stdout).toContain("router:uno counts other traffic as XDP_PASS");
			expect(exitCode).toBe(1);
		});
	});

	test("that passes in a lab which is not the file's proves nothing, in every form of the report", async () => {
		await withLab(lab(PING), async (machine) => {
			const file = `${folder}/other.yaml`;
			writeFileSync(file, lab(PING).replace("forwarding: fib", "forwarding: kernel"));
			const junit = `${folder}/other.xml`;
			const text = await machine.xdp("verify", file, "--junit", junit);
			expect(text.exitCode).toBe(1);
			expect(text.stdout).toMatch(/^ok 1 - /);
			expect(text.stdout).toContain("the lab differs from its topology:\n    - xdp router:");
			expect(text.stdout).toContain(`\nxdp-apply ${file} makes the lab what the file says\n`);
			expect(text.stdout).toMatch(/\nhosts: 1 passed, \d+ differences \(/);
			expect(readFileSync(junit, "utf8")).toMatch(
				/<testcase [^>]*name="the lab is what its topology says" file="[^"]*other.yaml"[^>]*>\s*<failure/,
			);
			const json = await machine.xdp("verify", file, "--json");
			expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, checks: [{ ok: true }] });
			expect(json.exitCode).toBe(1);
			const tap = await machine.xdp("verify", file, "--tap");
			expect(tap.stdout).toMatch(/^ok 1 - .*^not ok 2 - the lab is what its topology says$/ms);
			expect(tap.exitCode).toBe(1);
		});
	});

	test("is sent once where it is known to be lost", async () => {
		const list = ["tres", "dos"].map((to) => `ping: { from: uno, to: ${to}:veth0 }`);
		await withLab(lab(...list), async (machine) => {
			await machine.run("ip", ["-n", "router", "route", "add", "blackhole", "10.0.2.2/32"]);
			const report = JSON.parse((await machine.xdp("verify", "--json")).stdout) as VerifyReport;
			expect(report.checks).toMatchObject([
				{ ok: false, attempts: 1, causes: ["tres:veth0 runs drop, which drops all packets"] },
				{ ok: false, attempts: 1, causes: ["the route of router to 10.0.2.2/32 is a blackhole"] },
			]);
		});
	});

	test("to an address of the sender's own never leaves it, and proves nothing whatever is expected", async () => {
		const list = ["true", "false"].flatMap((reachable) => [
			`reach: { from: uno, to: dos:veth0 }, reachable: ${reachable}`,
			`udp: { from: dos, to: tres:veth0 }, reachable: ${reachable}`,
		]);
		const shared = lab(...list).replace("uno:veth0: [", 'uno:veth0: [10.0.2.2/32, "fc00:2::2/128", ');
		await withLab(shared, async (machine) => {
			await machine.run("ip", ["-n", "dos", "address", "add", "10.0.3.2/32", "dev", "lo"]);
			const report = JSON.parse((await machine.xdp("verify", "--json")).stdout) as VerifyReport;
			const own = (...addresses: string[]) =>
				addresses
					.map((address) => `${address} itself, nothing is sent`)
					.map((end) => expect.stringContaining(end));
			for (const at of [0, 2]) {
				expect(report.checks[at]?.flows).toHaveLength(6);
				expect(report.checks[at]).toMatchObject({
					ok: false,
					causes: own("uno has 10.0.2.2", "uno has fc00:2::2"),
				});
				expect(report.checks[at + 1]).toMatchObject({ ok: false, causes: own("dos has 10.0.3.2") });
			}
			const details = report.checks.flatMap(({ flows }) => flows.map(({ detail }) => detail));
			expect(details.filter((detail) => !/^nothing is sent, (uno|dos) has \S+ itself$/.test(detail))).toEqual(
				[],
			);
		});
	});

	test("that is lost is tried three times", async () => {
		const { report } = await verify(lab("ping: { from: uno, to: tres:veth0 }"));
		expect(report.checks[0]).toMatchObject({ ok: false, attempts: 3 });
		expect(report.checks[0]?.flows[0]?.detail).toBe("0 of 3 replies");
	});

	test("that is late passes at the second attempt, and says so", async () => {
		// The first packet waits in the stack until the router has learned who dos is.
		const learning = lab("ping: { from: uno, to: dos:veth0 }, actions: { router:uno: XDP_REDIRECT }")
			.replace("forwarding: fib", "forwarding: fib, neighbors: learned")
			.replaceAll(/, "fc00[^"]*"/g, "");
		const { report } = await verify(learning);
		expect(report).toMatchObject({ ok: true, checks: [{ ok: true, attempts: 2 }] });
	});

	test("between two sides without a family in common is none, and fails", async () => {
		const { exitCode, stdout } = await withLab(
			`name: x
namespaces: { uno: , dos: }
veths: [{ uno:veth0: 10.0.1.1/24, dos:veth0: "fc00:1::1/64" }]
expect: [{ ping: { from: uno, to: dos:veth0 }, reachable: false }]
`,
			(machine) => machine.xdp("verify"),
		);
		expect(exitCode).toBe(1);
		expect(stdout).toContain("the two sides have no address family in common: nothing was sent");
	});
});

describe("the report", () => {
	let machine: Machine;
	const topology = lab(REACHES, "name: tres is reached, ping: { from: uno, to: tres:veth0 }");

	beforeAll(async () => {
		machine = await Machine.start();
		expect(await machine.xdpWith(topology, "apply")).toMatchObject({ exitCode: 0 });
	});
	afterAll(() => machine.stop());

	test("is a line a check, with what was seen of one that failed, and a count", async () => {
		const { exitCode, stdout } = await machine.xdp("verify", "hosts");
		expect(exitCode).toBe(1);
		expect(stdout.replace(/[\d.]+ m?s\b/g, "TIME")).toBe(`\
ok 1 - uno reaches dos:veth0 by ping, TCP and UDP (TIME)
not ok 2 - tres is reached (TIME, 3 attempts)
    ping to 10.0.3.2: 0 of 3 replies
    likely cause: tres:veth0 runs drop, which drops all packets
the plan finds no difference to the topology
hosts: 1 of 2 failed (TIME)`);
	});

	test("as JUnit XML is read by a parser, beside the text", async () => {
		const file = `${folder}/report.xml`;
		const { stdout } = await machine.xdp("verify", "hosts", "--junit", file);
		expect(stdout).toContain("1 of 2 failed");
		const script = `
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()[0]
print(json.dumps([dict(suite.attrib), [[case.attrib["name"], *[part.text for part in case]] for case in suite]]))`;
		const { stdout: read } = await machine.run("/usr/bin/python3", ["-c", script, file]);
		const flows = ["ping", "TCP", "UDP"].flatMap((protocol) =>
			["10.0.2.2", "fc00:2::2"].map((address) => `${protocol} to ${address}`),
		);
		expect(JSON.parse(read)).toEqual([
			expect.objectContaining({ name: "hosts", tests: "8", failures: "1" }),
			[
				...flows.map((flow) => [`uno reaches dos:veth0 by ping, TCP and UDP: ${flow}`]),
				[
					"tres is reached: ping to 10.0.3.2",
					"ping to 10.0.3.2: 0 of 3 replies\nlikely cause: tres:veth0 runs drop, which drops all packets",
				],
				["the lab is what its topology says"],
			],
		]);
	});

	test("as TAP has a plan, a line a check, and a subtest of its traffic", async () => {
		const { exitCode, stdout } = await machine.xdp("verify", "hosts", "--tap");
		expect(exitCode).toBe(1);
		const lines = stdout.split("\n");
		expect(lines.filter((line) => !/^( {2}|#)/.test(line))).toEqual([
			"TAP version 14",
			"1..3",
			"ok 1 - uno reaches dos:veth0 by ping, TCP and UDP",
			"not ok 2 - tres is reached",
			"ok 3 - the lab is what its topology says",
		]);
		expect(lines.filter((line) => /^ {4}(not )?ok/.test(line))).toHaveLength(7);
		expect(lines).toContain("    not ok 1 - ping to 10.0.3.2: 0 of 3 replies");
	});

	test.each<[string[], string[]]>([
		[["--only", "tres is reached"], ["tres is reached"]],
		[
			["--only", "uno reaches dos:veth0 by ping, TCP and UDP"],
			["uno reaches dos:veth0 by ping, TCP and UDP"],
		],
		[
			["--only", "tres is reached", "--only=uno reaches dos:veth0 by ping, TCP and UDP"],
			["uno reaches dos:veth0 by ping, TCP and UDP", "tres is reached"],
		],
	])("is of the expectations that %j names", async (args, titles) => {
		const { exitCode, stdout } = await machine.xdp("verify", "hosts", "--json", ...args);
		const report = JSON.parse(stdout) as VerifyReport;
		expect(report.checks.map(({ title }) => title)).toEqual(titles);
		expect(exitCode).toBe(titles.includes("tres is reached") ? 1 : 0);
	});

	test("ends with the first failure where that is asked for, and says what was not tried", async () => {
		const list = lab("ping: { from: uno, to: tres:veth0 }, actions: { tres:veth0: XDP_DROP }", REACHES);
		const { exitCode, stdout } = await machine.xdpWith(list, "verify", "--fail-fast", "--json");
		expect(exitCode).toBe(1);
		expect(JSON.parse(stdout)).toMatchObject({
			ok: false,
			checks: [{ title: "uno reaches tres:veth0 by ping", ok: false }],
			untried: [{ title: "uno reaches dos:veth0 by ping, TCP and UDP", line: 16 }],
		});
		const all = await machine.xdpWith(lab(REACHES, REACHES), "verify", "--fail-fast");
		expect(all.stdout).toContain("hosts: 2 passed");
	});

	test("is silent when asked to be, and tells by its exit status", async () => {
		expect(await machine.xdp("verify", "-q")).toEqual({ exitCode: 1, stdout: "", stderr: "" });
	});

	test("follows a file's list rather than the one that was applied", async () => {
		const { exitCode, stdout } = await machine.xdpWith(lab(REACHES), "verify");
		expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining("hosts: 1 passed") });
	});
});

describe("the command", () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await Machine.start();
	});
	afterAll(() => machine.stop());

	const wrong: [string, string[], RegExp][] = [
		["a lab that is not up", ["nowhere"], /no lab nowhere is up/],
		["no lab at all", [], /no lab is up/],
		["a file whose lab is not up", ["topologies/three-routers.yaml"], /no lab three-routers is up/],
		["two forms at a time", ["--tap", "--json"], /not both/],
		["a file that is not there", ["./nowhere.yaml"], /no such file/],
		[
			"a name that no expectation has",
			["topologies/three-routers.yaml", "--only", "uno reaches dos:vteh0 by ping, TCP and UDP"],
			/no expectation is named `uno reaches dos:vteh0 .*did you mean `uno reaches dos:veth0 by ping, TCP and UDP`/,
		],
	];

	test.sequential.each(wrong)("takes %s for a wrong command line", async (_, args, message) => {
		const { exitCode, stdout, stderr } = await machine.xdp("verify", ...args);
		expect({ exitCode, stdout, stderr }).toEqual({
			exitCode: 64,
			stdout: "",
			stderr: expect.stringMatching(message),
		});
	});

	test.sequential("tells at once that a report cannot be written", async () => {
		await machine.xdpWith(lab(REACHES), "apply");
		const { exitCode, stderr } = await machine.xdp("verify", "--junit", `${folder}/no/where.xml`);
		expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining("ENOENT") });
	});

	test.sequential("asks which lab where several are up", async () => {
		await machine.xdpWith("name: second\nnamespaces: { other: }\n", "apply");
		const { exitCode, stderr } = await machine.xdp("verify");
		expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining("hosts, second") });
	});

	test.sequential("has nothing to say against a lab of which nothing is expected", async () => {
		const { exitCode, stdout } = await machine.xdp("verify", "second");
		expect({ exitCode, stdout }).toEqual({
			exitCode: 0,
			stdout: expect.stringContaining("nothing is expected"),
		});
	});

	test.sequential("needs ping(8), and says where it is to be had", async () => {
		const path = "PATH=/nowhere";
		const { exitCode, stderr } = await machine.run("env", [
			path,
			process.execPath,
			"dist/bin/xdp-verify.js",
			"hosts",
		]);
		expect({ exitCode, stderr }).toEqual({ exitCode: 77, stderr: expect.stringContaining("iputils-ping") });
	});

	test.sequential("ends on SIGINT, and leaves no process in the lab", async () => {
		await machine.xdpWith(lab("udp: { from: uno, to: dos:veth0, packets: 1000000 }"), "apply");
		const script = `node dist/bin/xdp-verify.js hosts & verify=$!
			until ip netns pids uno | grep -q . && ip netns pids dos | grep -q .; do :; done
			kill -INT $verify; wait $verify; echo "status $?"
			ip netns pids uno; ip netns pids dos`;
		const { stdout, stderr } = await machine.run("bash", ["-c", script], { timeout: 20_000 });
		expect({ stdout, stderr }).toEqual({
			stdout: "status 130",
			stderr: expect.stringContaining("interrupted by SIGINT"),
		});
	});
});
