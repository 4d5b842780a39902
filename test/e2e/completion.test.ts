import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine, NOBODY, ROOT } from "../machine.js";
import { Terminal } from "../terminal.js";

const LAB = `name: two
namespaces: { uno: , dos: }
veths: [{ uno:veth0: 10.0.0.1/24, dos:veth0: 10.0.0.2/24 }]
`;

let machine: Machine;
const folder = mkdtempSync(`${tmpdir()}/completion-`);
// Where there is none, a first fish writes one in the background, and after the test.
mkdirSync(`${folder}/.local/share/fish/generated_completions`, { recursive: true });

beforeAll(async () => {
	// The commands as an installed package has them in PATH.
	mkdirSync(`${folder}/bin`);
	for (const name of readdirSync(`${ROOT}dist/bin`))
		symlinkSync(`${ROOT}dist/bin/${name}`, `${folder}/bin/${name.replace(/\.js$/, "")}`);
	mkdirSync(`${folder}/labs/inner`, { recursive: true });
	for (const name of ["one.yaml", "two.yml", "notes.txt", "inner/three.yaml"])
		writeFileSync(`${folder}/labs/${name}`, "");
	chmodSync(folder, 0o755);
	machine = await Machine.start();
	expect(await machine.xdpWith(LAB, "apply")).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true, maxRetries: 10 });
});

/** The values that the shells are given for a line that ends at `|`; `:` begins what the shell itself lists. */
async function values(line: string, ...prefix: string[]): Promise<string[]> {
	const words = line.replace(/\|$/, "").split(" ");
	const [command = process.execPath, ...before] = [...prefix, process.execPath];
	const args = [...before, `${ROOT}dist/bin/xdp-topology.js`, "__complete", ...words];
	const { stdout, stderr, exitCode } = await machine.run(command, args);
	expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
	return stdout === "" ? [] : stdout.split("\n").map((each) => each.replace(/\t.*/, ""));
}

describe("what is offered", () => {
	test("for xdp-topology is every command, and none that is hidden", async () => {
		const { stdout } = await machine.xdp("topology", "--help");
		const [, listed = ""] = stdout.split("Commands:\n");
		const names = [...listed.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
		expect(await values("xdp-topology |")).toEqual(names);
		expect(names).toEqual(expect.arrayContaining(["apply", "status", "exec", "completion"]));
		expect(names).not.toContain("__complete");
	});

	test("for `-` is every option that --help has, of every command", async () => {
		const commands = readdirSync(`${ROOT}dist/bin`).map((name) => name.replace(/^xdp-|\.js$/g, ""));
		expect(commands.length).toBeGreaterThan(6);
		for (const command of commands) {
			const { stdout } = await machine.xdp(command, "--help");
			const options = [...stdout.matchAll(/^ {2}(?:-\w, +)?(--[\w-]+)/gm)].map(([, name]) => name);
			expect(await values(`xdp-${command} -|`), command).toEqual(options);
		}
	});

	test.each([
		["xdp-topology pl|", ["plan"]],
		["xdp-topology plan --det|", ["--detailed-exitcode"]],
		["xdp-apply |", [":topologies"]],
		["/usr/bin/xdp-apply --keep |", [":topologies"]],
		["xdp-validate one.yaml |", [":topologies"]],
		["xdp-apply one.yaml |", []],
		["xdp-apply -- --k|", [":topologies"]],
		["xdp-status |", ["two"]],
		["xdp-status x|", []],
		["xdp-stats t|", ["two"]],
		["xdp-stats two --watch uno:|", ["uno:veth0"]],
		["xdp-destroy |", ["two", ":topologies"]],
		["xdp-exec |", ["host", "dos", "uno"]],
		["xdp-exec d|", ["dos"]],
		["xdp-exec uno |", [":command 2"]],
		["xdp-exec uno -- |", [":command 3"]],
		["xdp-exec uno -d -- |", [":command 4"]],
		["xdp-exec uno --det|", ["--detach"]],
		["xdp-exec uno -d -o |", [":files"]],
		["xdp-exec -d uno |", [":command 3"]],
		["xdp-exec uno -- ping -|", [":command 3"]],
		["xdp-topology exec uno ping -|", [":command 3"]],
		["xdp-topology completion |", ["bash", "zsh", "fish"]],
		["xdp-topology no-such-command |", []],
		["xdp-nothing |", []],
	])("for `%s` is %j", async (line, expected) => {
		expect(await values(line)).toEqual(expected);
	});

	test("without root is what needs none, and no error", async () => {
		const nobody = ["setpriv", ...NOBODY];
		expect(await values("xdp-status |", ...nobody)).toEqual([]);
		expect(await values("xdp-exec |", ...nobody)).toEqual([]);
		expect(await values("xdp-destroy |", ...nobody)).toEqual([":topologies"]);
	});

	test("comes well before a person waits for it", async () => {
		const started = performance.now();
		await values("xdp-exec |");
		// A tenth on an idle machine.
		expect(performance.now() - started).toBeLessThan(1500);
	});
});

/** What a terminal's keys turn a line into, in each shell with the script that we print for it. */
const TYPED: [typed: string, becomes: string][] = [
	["xdp-statu\t", "xdp-status "],
	["xdp-topology val\t", "xdp-topology validate "],
	["xdp-topology plan --det\t", "xdp-topology plan --detailed-exitcode "],
	["xdp-status t\t", "xdp-status two "],
	["xdp-exec u\t", "xdp-exec uno "],
	["xdp-apply on\t", "xdp-apply one.yaml "],
	["xdp-apply tw\t", "xdp-apply two.yml "],
	["xdp-apply inner/\t", "xdp-apply inner/three.yaml "],
	["xdp-exec uno -- mkfif\t", "xdp-exec uno -- mkfifo "],
	["xdp-exec uno mkfif\t", "xdp-exec uno mkfifo "],
];

/** What starts each shell without the user's configuration, and makes our script its own. */
const SHELLS: Record<string, { start: string; load: string }> = {
	bash: {
		start: "bash --norc --noprofile",
		load: "bind 'set enable-bracketed-paste off'; source <(xdp-topology completion bash)",
	},
	zsh: {
		start: "zsh -f",
		load: "autoload -Uz compinit; compinit -u -D; source <(xdp-topology completion zsh)",
	},
	fish: { start: "fish --no-config", load: "xdp-topology completion fish | source" },
};

async function open(name: string): Promise<Terminal> {
	const { exitCode } = await machine.run("sh", ["-c", `command -v ${name}`]);
	expect(exitCode, `${name} is not installed: scripts/setup.sh installs it`).toBe(0);
	const shell = SHELLS[name] as { start: string; load: string };
	const terminal = new Terminal(machine, `cd ${folder}/labs && exec ${shell.start}`, {
		PATH: `${folder}/bin:${process.env["PATH"]}`,
		HOME: folder,
	});
	terminal.type(`${shell.load}\r`);
	terminal.type("echo loaded $status $?; true\r");
	await terminal.shows(/loaded [0 ]+\r\n/);
	return terminal;
}

describe.each(["bash", "zsh"])("in %s", (name) => {
	let terminal: Terminal;
	beforeAll(async () => {
		terminal = await open(name);
	});
	afterAll(() => terminal.close());

	test.each(TYPED)("%j becomes %j", async (typed, becomes) => {
		terminal.type(typed);
		await terminal.shows(new RegExp(escaped(becomes)));
		terminal.type("\x15");
	});
});

/** A PATH with Node.js and the system's programs, and nothing of ours. */
const BARE = `${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin`;

/** What a shell prints that reads a script, with none of our commands in PATH. */
async function bare(shell: string, script: string): Promise<{ stdout: string; stderr: string }> {
	const { stdout, stderr } = await machine.run("env", [
		`PATH=${BARE}`,
		`HOME=${folder}`,
		...shell.split(" "),
		script,
	]);
	return { stdout, stderr };
}

describe("in a checkout", () => {
	test.each([
		["bash", "bash --norc --noprofile", "bind 'set enable-bracketed-paste off'; source shell/activate"],
		["zsh", "zsh -f", "source shell/activate"],
	])("one line puts the commands on the PATH of %s and completes them", async (_, start, line) => {
		const terminal = new Terminal(machine, `exec ${start}`, { PATH: BARE, HOME: folder });
		terminal.type(`${line}; echo loaded $((1 + 1))\r`);
		await terminal.shows(/loaded 2\r\n/);
		terminal.type("xdp-status t\t");
		await terminal.shows(/xdp-status two /);
		terminal.type("\r");
		await terminal.shows(/two: as applied/);
		terminal.type("exit\r");
		await terminal.ended;
	});

	test("one line does for fish", async () => {
		const script = 'source shell/activate.fish; complete --do-complete="xdp-status t"; xdp-status two';
		const { stdout, stderr } = await bare("fish --no-config --command", script);
		expect(stderr).toBe("");
		expect(stdout).toMatch(/^two\tlab\n(.*\n)*two: as applied$/);
	});

	test.each([
		["bash", "bash --norc -c", "shell/activate"],
		["zsh", "zsh -f -c", "shell/activate"],
		["fish", "fish --no-config --command", "shell/activate.fish"],
	])(
		"%s finds them behind sudo, which has a PATH of its own, and in other folders",
		async (_, shell, file) => {
			// A sudo that forgets PATH, for somebody who is not root.
			const sudo = `${folder}/sudo-bin`;
			mkdirSync(sudo, { recursive: true });
			writeFileSync(`${sudo}/sudo`, '#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec "$@"\n', {
				mode: 0o755,
			});
			writeFileSync(`${sudo}/id`, "#!/bin/sh\necho 1000\n", { mode: 0o755 });
			const asUser = shell.startsWith("fish") ? [] : ["setpriv", ...NOBODY];
			const path = `PATH=${sudo}:${BARE}`;
			const script = `cd /tmp; source ${ROOT}${file}; sudo xdp-validate --version; sudo echo 'other  words'`;
			const { stdout, stderr } = await machine.run("env", [
				path,
				`HOME=${folder}`,
				...asUser,
				...shell.split(" "),
				script,
			]);
			expect({ stdout, stderr }).toEqual({
				stdout: expect.stringMatching(/^\d+\.\d+\.\d+\nother {2}words$/),
				stderr: "",
			});
		},
	);

	test.each([
		["bash", "bash --norc -c", "shell/activate"],
		["zsh", "zsh -f -c", "shell/activate"],
		["fish", "fish --no-config --command", "shell/activate.fish"],
	])("%s is told where nothing is built", async (_, shell, file) => {
		mkdirSync(`${folder}/unbuilt/shell`, { recursive: true });
		copyFileSync(`${ROOT}${file}`, `${folder}/unbuilt/${file}`);
		const { stderr } = await bare(shell, `source ${folder}/unbuilt/${file}`);
		expect(stderr).toBe(
			`xdp-topology: ${folder}/unbuilt is not built: run \`npm start\` there, or \`npm ci && npm run build\``,
		);
	});
});

test.each([
	["bash", "bash --norc -c", "source <(node dist/bin/xdp-topology.js completion bash)"],
	["zsh", "zsh -f -c", "source <(node dist/bin/xdp-topology.js completion zsh)"],
	["fish", "fish --no-config --command", "node dist/bin/xdp-topology.js completion fish | source"],
])("%s says what is missing where the commands are not in PATH", async (_, shell, line) => {
	const { stderr } = await bare(shell, line);
	expect(stderr).toMatch(
		/^xdp-topology: no completion until the commands are in PATH: in a checkout `source shell\/activate/,
	);
});

test("on a terminal, what is printed comes with the line by which the shell reads it", async () => {
	const command = `${process.execPath} dist/bin/xdp-topology.js completion bash`;
	const { stdout } = await machine.run("script", ["-qec", command, "/dev/null"]);
	expect(stdout.trimEnd().split("\r\n").at(-1)).toBe(
		"this is for bash to read: source <(xdp-topology completion bash)",
	);
});

describe("in fish", () => {
	test.each(TYPED.filter(([typed]) => !typed.startsWith("xdp-st\t")))(
		"%j becomes %j",
		async (typed, becomes) => {
			const line = typed.replace("\t", "");
			const script = `xdp-topology completion fish | source; complete --do-complete=${JSON.stringify(line)}`;
			const { stdout, stderr } = await machine.run("env", [
				`PATH=${folder}/bin:${process.env["PATH"]}`,
				`HOME=${folder}`,
				"sh",
				"-c",
				'cd "$1" && exec fish --no-config --command "$2"',
				"sh",
				`${folder}/labs`,
				script,
			]);
			expect(stderr).toBe("");
			const last = becomes.trim().split(" ").at(-1);
			expect(stdout.split("\n").map((each) => each.replace(/\t.*/, ""))).toContain(last);
		},
	);
});

describe.each(["bash", "zsh"])("in %s, a word may hold what is special on a line:", (name) => {
	let terminal: Terminal;
	beforeAll(async () => {
		terminal = await open(name);
		// Whatever is asked for: the scripts are what is tried here.
		// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
		const stub = "case ${@: -1} in r*) echo r1:uno ;; *) echo 'a$(b' ;; esac";
		terminal.type(`xdp-topology() { ${stub}; }; echo defined $((1 + 1))\r`);
		await terminal.shows(/defined 2/);
	});
	afterAll(() => terminal.close());

	test.each([
		["xdp-status r1:u\t", "xdp-status r1:uno "],
		["xdp-status x r1:u\t", "xdp-status x r1:uno "],
		["xdp-status a\t", "xdp-status a\\$\\(b "],
	])("%j becomes %j", async (typed, becomes) => {
		terminal.type(typed);
		await terminal.shows(new RegExp(escaped(becomes)));
		terminal.type("\x15");
	});
});

test.each(["bash", "zsh"])("in %s, nothing that is on the line is run to complete it", async (name) => {
	const terminal = await open(name);
	terminal.type(`xdp-status $(touch ${folder}/run) t\t`);
	await terminal.shows(/run\) t/);
	terminal.type("\x15echo over $((1 + 1))\r");
	await terminal.shows(/over 2/);
	await terminal.close();
	expect(readdirSync(folder)).not.toContain("run");
});

test("shellcheck has nothing to say about what is printed for bash", async () => {
	const { stdout } = await machine.xdp("topology", "completion", "bash");
	const { stdout: findings, exitCode } = await machine.run("shellcheck", ["--shell=bash", "-"], {
		input: stdout,
	});
	expect({ findings, exitCode }).toEqual({ findings: "", exitCode: 0 });
});

test("a shell that there is no script for is refused", async () => {
	const { exitCode, stderr } = await machine.xdp("topology", "completion", "csh");
	expect(exitCode).toBe(64);
	expect(stderr).toContain("bash, zsh, fish");
});

function escaped(text: string): string {
	return text.replaceAll(/[\\()$?.*+/]/g, "\\$&");
}
