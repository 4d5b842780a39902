import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { namesIn, pair, star } from "./star.js";

let machine: Machine;
let bare: Snapshot;
let folder: string;

beforeAll(async () => {
	machine = await Machine.start();
	bare = await snapshot(machine);
	folder = mkdtempSync("/tmp/xdp-topology-");
	for (const name of ["one", "two", "three"]) writeFileSync(join(folder, `${name}.yaml`), text(name));
	writeFileSync(join(folder, "doubtful.yaml"), text("one").replace(".0.2/24", ".9.2/24"));
});
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});
afterEach(async () => {
	await machine.xdp("destroy", "--all", "--kill");
});

const text = (name: string) => pair(name).replaceAll("10.1.", `10.${name.charCodeAt(0)}.`);
const file = (name: string) => `${folder}/${name}.yaml`;
const up = async (...names: string[]) => {
	for (const name of names) expect(await machine.xdp("apply", file(name))).toMatchObject({ exitCode: 0 });
};

describe("xdp-apply", () => {
	test("prints one line of result, and a line a stage to standard error", async () => {
		const { exitCode, stdout, stderr } = await machine.xdp("apply", file("one"));
		expect({ exitCode, stdout }).toEqual({
			exitCode: 0,
			stdout: expect.stringMatching(/^one: \d+ changes in \d+\.\d\d s$/),
		});
		const lines = stderr.split("\n");
		expect(lines).toContain("create 1 namespace");
		expect(new Set(lines).size).toBe(lines.length);
		for (const line of lines) expect(line).toMatch(/^(create|bring up|change|remove) \d+ [a-zA-Z ]+$/);
	});

	test("changes nothing the second time, and says so", async () => {
		await up("one");
		expect(await machine.xdp("apply", file("one"))).toEqual({
			exitCode: 0,
			stdout: "one: nothing to do",
			stderr: "",
		});
	});

	test("--quiet prints nothing", async () => {
		expect(await machine.xdp("apply", "-q", file("one"))).toEqual({ exitCode: 0, stdout: "", stderr: "" });
	});

	test("--verbose prints every change, as xdp-plan did before", async () => {
		const planned = await machine.xdp("plan", file("one"));
		const applied = await machine.xdp("apply", "--verbose", file("one"));
		expect(applied).toMatchObject({ exitCode: 0, stdout: planned.stdout });
		expect(planned.stdout).toMatch(/^ {2}\+ netns one$/m);
		expect(planned.stdout).toMatch(/ # \S/);
		expect(planned.stdout.split("\n").at(-1)).toMatch(/^one: \d+ to create \(\d+ more within these lines\)$/);
	});

	test("reads standard input", async () => {
		expect(await machine.xdpWith(text("one"), "apply")).toMatchObject({ exitCode: 0 });
		expect(namesIn(machine)).toEqual(["one"]);
	});

	test("shows what is doubtful with its place, and does it", async () => {
		const { exitCode, stderr } = await machine.xdp("apply", `${folder}/doubtful.yaml`);
		expect({ exitCode, stderr }).toEqual({
			exitCode: 0,
			// Before anything is touched.
			stderr: expect.stringMatching(/^\S*doubtful\.yaml:\d+:\d+: warning: .*\ncreate 1 namespace\n/s),
		});
	});

	test("shows it also where it then fails", async () => {
		await machine.run("ip", ["netns", "add", "one"]);
		const { exitCode, stderr } = await machine.xdp("apply", `${folder}/doubtful.yaml`);
		await machine.run("ip", ["netns", "delete", "one"]);
		expect({ exitCode, stderr }).toEqual({
			exitCode: 1,
			stderr: expect.stringMatching(/^\S*doubtful\.yaml:\d+:\d+: warning: .*\nerror: /s),
		});
	});

	test("makes names visible outside where it is run by `ip netns exec`", async () => {
		await machine.run("ip", ["netns", "add", "base"]);
		// As a shell does it: somebody who stays is in the machine's mounts.
		const inBase = (command: string) =>
			machine.run("sh", ["-c", `ip netns exec base ${process.execPath} dist/bin/xdp-${command}; exit $?`]);
		expect(await inBase(`apply.js ${file("one")}`)).toMatchObject({ exitCode: 0 });
		expect(namesIn(machine).sort()).toEqual(["base", "one"]);
		expect(await machine.run("ip", ["-n", "one", "link", "show", "veth0"])).toMatchObject({ exitCode: 0 });
		expect(await machine.run("ip", ["-n", "base", "link", "show", "to-one"])).toMatchObject({ exitCode: 0 });
		expect(await machine.run("ip", ["netns", "exec", "one", "ping", "-qc1", "10.111.0.1"])).toMatchObject({
			exitCode: 0,
		});

		const elsewhere = await machine.xdp("destroy", "one");
		expect(elsewhere).toMatchObject({ exitCode: 1 });
		expect(elsewhere.stderr).toMatch(
			/lab one was applied in another network namespace \(base\): run this from there, as `nsenter --net=\/run\/netns\/base COMMAND`/,
		);
		expect(await inBase("destroy.js one")).toMatchObject({ exitCode: 0 });
		expect(namesIn(machine)).toEqual(["base"]);
		await machine.run("ip", ["netns", "del", "base"]);
		expect(await snapshot(machine)).toEqual(bare);
	});
});

describe("xdp-plan", () => {
	test("does nothing, and tells by its status whether there is something to do, if asked", async () => {
		expect(await machine.xdp("plan", file("one"))).toMatchObject({ exitCode: 0 });
		expect(await machine.xdp("plan", "--detailed-exitcode", file("one"))).toMatchObject({ exitCode: 2 });
		expect(await snapshot(machine)).toEqual(bare);
		await up("one");
		expect(await machine.xdp("plan", "--detailed-exitcode", file("one"))).toMatchObject({
			exitCode: 0,
			stdout: "one: nothing to do",
		});
	});
});

describe("xdp-destroy", () => {
	test.each<[what: string, args: () => string[]]>([
		["a lab by its name", () => ["one"]],
		["a lab by its file", () => [file("one")]],
		["the one lab that is up", () => []],
		["every lab", () => ["--all"]],
	])("removes %s", async (_, args) => {
		await up("one");
		expect(await machine.xdp("destroy", ...args())).toMatchObject({ exitCode: 0, stdout: "one: destroyed" });
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("removes every lab of several", async () => {
		await up("one", "two", "three");
		expect(await machine.xdp("destroy", "--all")).toMatchObject({
			exitCode: 0,
			stdout: "one: destroyed\nthree: destroyed\ntwo: destroyed",
		});
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("of several goes on after one that it has to leave, and tells why", async () => {
		await up("one", "two", "three");
		const { ended, stop } = await machine.start("one", "bash", ["-c", "echo here; read"], /here/);
		const { exitCode, stdout, stderr } = await machine.xdp("destroy", "--all", "--quiet");
		expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
		expect(stderr).toMatch(/^one: not destroyed\nerror: processes still run in the lab:\n {2}one: bash/);
		expect(namesIn(machine)).toEqual(["one"]);
		await stop();
		await ended;
	});

	test("without an argument lists several labs and removes none", async () => {
		await up("one", "two");
		expect(await machine.xdp("destroy")).toEqual({
			exitCode: 64,
			stdout: "",
			stderr: "error: several labs are up: one, two; name one, or use --all",
		});
		expect(namesIn(machine).sort()).toEqual(["one", "two"]);
	});

	test.each([
		["a lab that is not up", ["nothing"], "nothing: nothing to destroy"],
		["no lab at all", [], "no lab is up"],
		["all of none", ["--all"], "no lab is up"],
	])("of %s is success", async (_, args, stdout) => {
		expect(await machine.xdp("destroy", ...args)).toEqual({ exitCode: 0, stdout, stderr: "" });
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("names the processes that still run in a namespace, and touches nothing", async () => {
		await up("one");
		const before = await snapshot(machine);
		const process = await machine.start("one", "sh", ["-c", "echo ready; exec sleep 60"], /ready/);
		const { exitCode, stderr } = await machine.xdp("destroy", "one");
		expect(exitCode).toBe(1);
		expect(stderr).toMatch(
			/^error: processes still run in the lab:\n {2}one: sleep \(pid \d+\)\nend them, or use --kill$/,
		);
		expect(await snapshot(machine)).toEqual(before);
		await process.stop();
	});

	test("ends them with --kill", async () => {
		await up("one");
		const polite = await machine.start("one", "sh", ["-c", "echo ready; exec sleep 60"], /ready/);
		const stubborn = await machine.start(
			"one",
			"bash",
			["-c", "trap '' TERM; echo ready; while :; do sleep 60; done"],
			/ready/,
		);
		expect(await machine.xdp("destroy", "one", "--kill")).toMatchObject({ exitCode: 0 });
		await Promise.all([polite.ended, stubborn.ended]);
		expect(await snapshot(machine)).toEqual(bare);
	});
});

describe("--json prints one document", () => {
	const json = async (command: string, ...args: string[]) => {
		const { stdout, stderr, exitCode } = await machine.xdp(command, "--json", ...args);
		return { exitCode, stderr, document: JSON.parse(stdout) };
	};
	const plan = {
		lab: "one",
		changes: expect.arrayContaining([{ action: "create", kind: "netns", name: "one", text: "one" }]),
		counts: { create: expect.any(Number), update: 0, replace: 0, remove: 0 },
		folded: 0,
		warnings: [],
	};

	test("xdp-plan and xdp-apply the same", async () => {
		const planned = await json("plan", file("one"));
		expect(planned).toEqual({ exitCode: 0, stderr: "", document: plan });
		expect((await json("apply", "-q", file("one"))).document).toEqual(planned.document);
		expect((await json("apply", file("one"))).document).toMatchObject({ changes: [] });
	});

	test("xdp-destroy, of every lab", async () => {
		await up("one", "two");
		const { document } = await json("destroy", "--all");
		expect(document).toMatchObject([
			{ lab: "one", counts: { create: 0, remove: 4 } },
			{ lab: "two", counts: { create: 0, remove: 4 } },
		]);
		expect((await json("destroy", "--all")).document).toEqual([]);
	});

	test("xdp-validate, of every file, right or wrong", async () => {
		writeFileSync(join(folder, "wrong.yaml"), "name: Wrong\n");
		const { exitCode, stderr, document } = await json("validate", file("one"), file("wrong"), file("none"));
		expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: "" });
		expect(document).toMatchObject([
			{ file: file("one"), valid: true, errors: [] },
			{ valid: false, errors: [{ line: 1, column: 7, message: expect.any(String) }] },
			{ valid: false, errors: [{ message: expect.stringContaining("no such file") }] },
		]);
	});
});

describe("on a terminal", () => {
	const onTerminal = (...args: string[]) => {
		const command = ["stty cols 100;", process.execPath, ...args].join(" ");
		return machine.run("script", ["-qec", command, "/dev/null"]);
	};

	test("a plan has colours, and NO_COLOR takes them", async () => {
		const plain = await onTerminal("dist/bin/xdp-plan.js", file("one"));
		expect(plain.stdout).not.toContain("\x1b[");
		const command = `env -u NO_COLOR TERM=xterm ${process.execPath} dist/bin/xdp-plan.js ${file("one")}`;
		const colored = await machine.run("script", ["-qec", command, "/dev/null"]);
		expect(colored.stdout).toContain("\x1b[32m  +\x1b[0m netns one");
	});

	test("apply shows its stages as it works, and the result last", async () => {
		const { exitCode, stdout } = await onTerminal("dist/bin/xdp-apply.js", file("one"));
		expect(exitCode).toBe(0);
		expect(stdout).toContain("create 1 namespace");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor
		const text = stdout.replace(/\x1b\[[?\d;]*[a-zA-Z]/g, "").trimEnd();
		expect(text.split("\n").at(-1)).toMatch(/^one: \d+ changes in \d/);
	});
});

describe("xdp-topology", () => {
	test("is every command under one name", async () => {
		expect(await machine.xdp("topology", "validate", file("one"))).toMatchObject({ exitCode: 0 });
		expect(await machine.xdp("topology", "apply", "-q", file("one"))).toEqual({
			exitCode: 0,
			stdout: "",
			stderr: "",
		});
		expect(await machine.xdp("topology", "plan", "--detailed-exitcode", file("one"))).toMatchObject({
			exitCode: 0,
			stdout: "one: nothing to do",
		});
		expect(await machine.xdp("topology", "destroy", "one")).toMatchObject({
			exitCode: 0,
			stdout: "one: destroyed",
		});
	});
});

describe.each(["apply", "plan", "destroy", "validate", "topology"])("xdp-%s", (command) => {
	test("--help prints how it is used, with examples, and --version the version", async () => {
		const help = await machine.xdp(command, "--help");
		expect(help).toMatchObject({ exitCode: 0, stderr: "" });
		expect(help.stdout).toContain(`Usage: xdp-${command} `);
		if (command !== "topology") expect(help.stdout).toContain("Examples:\n");
		// As npm installs it: by the file's own first line.
		expect(await machine.run(`dist/bin/xdp-${command}.js`, ["--version"])).toMatchObject({
			exitCode: 0,
			stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/),
		});
	});
});

test("a reader of the progress that goes away does not stop an apply half way", async () => {
	writeFileSync(join(folder, "star.yaml"), star(60));
	const apply = `${process.execPath} dist/bin/xdp-apply.js ${folder}/star.yaml`;
	const script = `(${apply} 2>&1 >/dev/null; echo "status $?" >${folder}/status) | head -1`;
	const { stdout } = await machine.run("bash", ["-c", script]);
	expect(stdout).toBe("create 61 namespaces");
	expect(readFileSync(join(folder, "status"), "utf8")).toBe("status 0\n");
	expect(await machine.xdp("plan", "--detailed-exitcode", `${folder}/star.yaml`)).toMatchObject({
		exitCode: 0,
	});
	expect(await machine.xdp("destroy", `${folder}/star.yaml`)).toMatchObject({ exitCode: 0 });
});

test("a reader that goes away is no error", async () => {
	writeFileSync(join(folder, "star.yaml"), star(300));
	const script = `set -o pipefail; ${process.execPath} dist/bin/xdp-plan.js ${folder}/star.yaml | head -1; echo "\${PIPESTATUS[0]}"`;
	const { stdout, stderr } = await machine.run("bash", ["-c", script]);
	expect({ lines: stdout.split("\n"), stderr }).toEqual({
		lines: [expect.stringMatching(/netns/), expect.stringMatching(/^(0|141)$/)],
		stderr: "",
	});
});
