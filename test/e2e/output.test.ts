import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { pair, star } from "./star.js";

/** What a terminal would obey: colours, a title, a carriage return, text from right to left. */
const EVIL = "e\x1b[31m";
const HOSTILE = `\x1b[31m\x1b]0;title\x07\r\u202e`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

let machine: Machine;
let folder: string;

beforeAll(async () => {
	machine = await Machine.start();
	folder = mkdtempSync("/tmp/xdp-topology-");
	writeFileSync(join(folder, "lab.yaml"), `${pair("lab")}expect:\n  - ping: { from: host, to: lab:veth0 }\n`);
	writeFileSync(join(folder, `${HOSTILE}.yaml`), pair("lab"));
});
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});
afterEach(() => machine.xdp("destroy", "--all", "--kill"));

describe("what could lead a terminal astray is never printed raw", () => {
	test.each([
		["apply", `${HOSTILE}.yaml`],
		["apply", `--${HOSTILE}`],
		["destroy", HOSTILE],
		["status", HOSTILE],
		["stats", HOSTILE],
		["stats", `${HOSTILE}:a`],
		["stats", "--watch", "1", "--count", HOSTILE],
		["verify", HOSTILE],
		["graph", HOSTILE],
		["graph", "--format", HOSTILE, "lab"],
		["exec", HOSTILE, "true"],
		["exec", "host", HOSTILE],
		["topology", HOSTILE],
		["topology", "completion", HOSTILE],
	])("of the command line: xdp-%s", async (command, ...args) => {
		const { exitCode, stdout, stderr } = await machine.xdp(command, ...args);
		expect([64, 125, 127]).toContain(exitCode);
		expect(stderr).toMatch(/\\u(\{1b\}|001b)\[31m/);
		expect(stdout + stderr).not.toMatch(RAW);
	});

	test("of a file's name", async () => {
		expect(await machine.xdp("validate", `${folder}/${HOSTILE}.yaml`)).toEqual({
			exitCode: 0,
			stdout: expect.stringMatching(/\/\\u\{1b\}\S*: ok \(lab: 2 namespaces, 1 veth\)$/),
			stderr: "",
		});
	});

	test("of links and namespaces, whoever named them so; as JSON and XML it is whole", async () => {
		const file = `${folder}/lab.yaml`;
		expect(await machine.xdp("apply", "-q", file)).toMatchObject({ exitCode: 0 });
		const add = ["add", "name", EVIL, "index", "100077", "type", "veth"];
		await machine.run("ip", ["link", ...add, "peer", "name", `${EVIL}2`, "netns", "lab", "index", "100078"]);
		await machine.run("ip", ["netns", "add", EVIL]);
		await machine.run("ip", ["-n", EVIL, "link", "set", "dev", "lo", "alias", "xdp-topology:lab"]);
		const commands = [
			["status"],
			["status", "lab"],
			["stats", "lab"],
			["plan", file],
			["verify", "lab"],
			["verify", "--tap", "lab"],
			["verify", "--junit", `${folder}/report.xml`, "lab"],
			...["svg", "dot", "mermaid"].map((format) => ["graph", "--format", format, "lab"]),
			["exec", "nowhere"],
			["apply", "--verbose", file],
		] as const;
		let told = "";
		for (const [command, ...args] of commands) {
			const { stdout, stderr } = await machine.xdp(command, ...args);
			expect((stdout + stderr).replaceAll(/^\t+/gm, ""), command).not.toMatch(RAW);
			told += stdout + stderr;
		}
		expect(told).toContain("lab:e\\u{1b}[31m2");
		expect(readFileSync(`${folder}/report.xml`, "utf8")).not.toMatch(RAW);
	});

	test("and in JSON it is escaped, and whole", async () => {
		await machine.xdp("apply", "-q", `${folder}/lab.yaml`);
		const add = ["add", "name", EVIL, "index", "100077", "type", "veth"];
		await machine.run("ip", ["link", ...add, "peer", "name", "x", "netns", "lab", "index", "100078"]);
		const { stdout } = await machine.xdp("status", "--json", "lab");
		expect(stdout).not.toMatch(RAW);
		const { namespaces } = JSON.parse(stdout) as { namespaces: { ends: { name: string }[] }[] };
		expect(namespaces.flatMap(({ ends }) => ends.map(({ name }) => name))).toContain(`host:${EVIL}`);
	});

	test("a name that cannot stand in a line is no completion", async () => {
		await machine.xdp("apply", "-q", `${folder}/lab.yaml`);
		const name = "a\n:command reboot";
		await machine.run("ip", ["netns", "add", name]);
		await machine.run("ip", ["-n", name, "link", "set", "dev", "lo", "alias", "xdp-topology:lab"]);
		const { stdout } = await machine.xdp("topology", "__complete", "xdp-exec", "");
		expect(stdout.split("\n").map((line) => line.split("\t")[0])).toEqual(
			expect.arrayContaining(["host", "lab"]),
		);
		expect(stdout).not.toContain("reboot");
	});
});

describe("output that cannot be written", () => {
	const built = (command: string, redirection: string) =>
		machine.run("bash", [
			"-c",
			`exec ${process.execPath} dist/bin/xdp-topology.js ${command} ${redirection}`,
		]);

	test.each(["plan", "validate", "graph --format svg", "apply", "status", "stats", "verify", "destroy"])(
		"xdp-%s says that its result is lost, by status 1",
		async (command) => {
			const file = `${folder}/lab.yaml`;
			if (/stat|verify|destroy/.test(command)) await machine.xdp("apply", "-q", file);
			const target = /stat/.test(command) ? "lab" : file;
			const { exitCode, stderr } = await built(`${command} ${target}`, ">/dev/full");
			expect({ exitCode, last: stderr.split("\n").at(-1) }).toEqual({
				exitCode: 1,
				last: "error: the result cannot be written: ENOSPC: no space left on device",
			});
		},
	);

	test.each(["2>/dev/full", "2>&-", ">&- 2>&-", "<&- 2>&-"])(
		"of the progress does not stop the work: %s",
		async (redirection) => {
			writeFileSync(join(folder, "star.yaml"), star(40));
			expect(await built(`apply ${folder}/star.yaml`, redirection)).toMatchObject({ exitCode: 0 });
			expect(await machine.xdp("plan", "--detailed-exitcode", `${folder}/star.yaml`)).toMatchObject({
				exitCode: 0,
			});
			expect(await built("destroy star", redirection)).toMatchObject({ exitCode: 0 });
		},
	);
});
