import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Machine, NOBODY } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { namesIn, pair } from "./star.js";

/** A line of a stack: no user should ever see one. */
const STACK = /^ {4}at .*:\d+:\d+/m;

let machine: Machine;
let bare: Snapshot;
let folder: string;

beforeAll(async () => {
	machine = await Machine.start();
	bare = await snapshot(machine);
	folder = mkdtempSync("/tmp/xdp-topology-");
	const text = {
		"good.yaml": pair("lab"),
		"bad.yaml": pair("lab").replace("10.1.0.2/24", "10.1.0.2"),
		"empty.yaml": "",
		"syntax.yaml": "name: [",
	};
	for (const [name, content] of Object.entries(text)) writeFileSync(join(folder, name), content);
	await machine.run("chmod", ["-R", "a+rX", folder]);
});
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});

/** Runs a built command as a user without any rights. */
function asNobody(command: string, ...args: string[]) {
	return machine.run("setpriv", [...NOBODY, process.execPath, `dist/bin/xdp-${command}.js`, ...args]);
}

describe("a wrong file is status 64, whoever asks, and nothing is touched", () => {
	const FILES: [what: string, file: string, message: RegExp][] = [
		["a mistake", "bad.yaml", /bad\.yaml:5:\d+: /],
		["an empty file", "empty.yaml", /empty\.yaml:1:1: /],
		["a mistake of YAML's own", "syntax.yaml", /syntax\.yaml:1:\d+: /],
		["a file that is not there", "none.yaml", /^error: \S+none\.yaml: no such file$/],
		["a folder", "", /^error: \S+: is a directory, and a topology is a file/],
	];

	for (const command of ["apply", "plan", "destroy", "validate"])
		test.each(FILES)(`xdp-${command}: %s`, async (_, file, message) => {
			for (const run of [machine.xdp(command, `${folder}/${file}`), asNobody(command, `${folder}/${file}`)]) {
				const { exitCode, stdout, stderr } = await run;
				expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 64, stdout: "" });
				expect(stderr).toMatch(message);
				expect(stderr).not.toMatch(STACK);
			}
		});

	test("of all of which the machine shows no trace", async () => {
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("a device", async () => {
		expect(await machine.xdp("apply", "/dev/null")).toMatchObject({
			exitCode: 64,
			stderr: "error: /dev/null: is a device, and a topology is a file (or - for standard input)",
		});
	});

	test("standard input with a mistake", async () => {
		const { exitCode, stderr } = await machine.xdpWith(pair("lab").replace("10.1.0.2/24", "x"), "apply");
		expect({ exitCode, stderr }).toEqual({
			exitCode: 64,
			stderr: expect.stringMatching(/^\(standard input\):5:\d+: /),
		});
	});

	test.each([
		["is a folder", "</tmp"],
		["is closed", "<&-"],
	])("standard input that %s", async (_, redirection) => {
		const script = `exec ${process.execPath} dist/bin/xdp-validate.js - ${redirection}`;
		const { exitCode, stderr } = await machine.run("bash", ["-c", script]);
		expect(exitCode, stderr).toBe(64);
		expect(stderr).not.toMatch(STACK);
	});

	test("standard input that comes slowly is waited for", async () => {
		const script = `{ head -c 30; sleep 0.3; cat; } <${folder}/good.yaml | ${process.execPath} dist/bin/xdp-validate.js -`;
		expect(await machine.run("bash", ["-c", script])).toMatchObject({ exitCode: 0 });
	});
});

describe("a wrong command line is status 64", () => {
	test.each([
		["apply", []],
		["apply", ["a.yaml", "b.yaml"]],
		["apply", ["--no-such-option", "a.yaml"]],
		["plan", []],
		["validate", []],
		["destroy", ["lab", "--all"]],
		["destroy", ["a", "b"]],
		["topology", []],
		["topology", ["no-such-command"]],
		["topology", ["apply"]],
	])("xdp-%s %j", async (command, args) => {
		const { exitCode, stdout, stderr } = await machine.xdp(command, ...args);
		expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
		expect(stderr).not.toBe("");
		expect(stderr).not.toMatch(STACK);
	});
});

describe("a user without rights", () => {
	test.each(["apply", "plan", "destroy"])("xdp-%s says so with status 77", async (command) => {
		const { exitCode, stdout, stderr } = await asNobody(command, `${folder}/good.yaml`);
		expect({ exitCode, stdout }).toEqual({ exitCode: 77, stdout: "" });
		expect(stderr).toBe(
			"error: labs are made of network namespaces and BPF programs: run this as root (sudo)",
		);
	});

	test("is told the same while a lab is up, and of a wrong file what is wrong with it", async () => {
		expect(await machine.xdp("apply", "-q", `${folder}/good.yaml`)).toMatchObject({ exitCode: 0 });
		for (const command of ["apply", "plan", "destroy"]) {
			expect(await asNobody(command, `${folder}/good.yaml`)).toMatchObject({ exitCode: 77 });
			expect(await asNobody(command, `${folder}/bad.yaml`)).toMatchObject({ exitCode: 64 });
		}
		expect(await machine.xdp("destroy", "-q")).toMatchObject({ exitCode: 0 });
	});

	test("may validate", async () => {
		expect(await asNobody("validate", `${folder}/good.yaml`)).toMatchObject({
			exitCode: 0,
			stdout: `${folder}/good.yaml: ok (lab: 2 namespaces, 1 veth)`,
		});
	});

	test("root without a capability is told which", async () => {
		const drop = ["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"];
		const args = [...drop, process.execPath, "dist/bin/xdp-apply.js", `${folder}/good.yaml`];
		expect(await machine.run("setpriv", args)).toMatchObject({
			exitCode: 77,
			stderr: expect.stringContaining("CAP_SYS_ADMIN missing"),
		});
	});
});

describe("what the kernel refuses", () => {
	const refused = pair("lab").replace("{ lab: }", "{ lab: { sysctls: { net.ipv4.no_such_name: 1 } } }");
	afterEach(() => machine.xdp("destroy", "--all", "--kill"));

	test("is status 1, undone, and told with the object and the kernel's words", async () => {
		const { exitCode, stdout, stderr } = await machine.xdpWith(refused, "apply", "--quiet");
		expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
		expect(stderr).toMatch(
			/^error: sysctl lab net\.ipv4\.no_such_name: .*ENOENT: no such file or directory\nwhat was done has been undone$/,
		);
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("with --keep is status 1 and stays for a look", async () => {
		const { exitCode, stderr } = await machine.xdpWith(refused, "apply", "--keep", "--quiet");
		expect({ exitCode, undone: stderr.includes("undone") }).toEqual({ exitCode: 1, undone: false });
		expect(namesIn(machine)).toEqual(["lab"]);
		expect(await machine.xdp("destroy", "lab")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("a name that somebody else holds is status 1, named, and nothing is touched", async () => {
		await machine.run("ip", ["netns", "add", "lab"]);
		const before = await snapshot(machine);
		const output = await machine.xdp("apply", `${folder}/good.yaml`);
		expect(output).toEqual({
			exitCode: 1,
			stdout: "",
			stderr:
				"error: namespace lab exists and was not made by xdp-apply: choose another name, or `ip netns del lab`",
		});
		expect(await snapshot(machine)).toEqual(before);
		await machine.run("ip", ["netns", "del", "lab"]);
	});
});
