import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine, NOBODY, ROOT } from "../machine.js";
import { Terminal } from "../terminal.js";

const LAB = `name: two
namespaces: { uno: , dos: }
veths: [{ uno:veth0: 10.0.0.1/24, dos:veth0: 10.0.0.2/24 }]
`;

/** As a person types it in a shell. */
const XDP_EXEC = `${process.execPath} ${ROOT}dist/bin/xdp-exec.js`;

let machine: Machine;
const folder = mkdtempSync(`${tmpdir()}/exec-`);
// Where there is none, a first fish writes one in the background, and after the test.
mkdirSync(`${folder}/.local/share/fish/generated_completions`, { recursive: true });

beforeAll(async () => {
	machine = await Machine.start();
	expect(await machine.xdpWith(LAB, "apply")).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true, maxRetries: 10 });
});

function sh(script: string) {
	return machine.run("sh", ["-c", script.replaceAll("xdp-exec", XDP_EXEC)]);
}

describe("a command in a namespace", () => {
	test.each([
		["uno -- ping -c 1 -W 2 10.0.0.2", /1 received/],
		["uno ping -c 1 -W 2 10.0.0.2", /1 received/],
		["-- uno ip -br link show veth0", /^veth0@/],
		["uno -- sh -c 'exec echo \"$1\"' sh -- --json", /^--$/],
		["uno printenv XDP_TOPOLOGY_NAMESPACE", /^uno$/],
		["host ip -br link show lo", /^lo /],
	])("xdp-exec %s", async (line, expected) => {
		const { stdout, stderr, exitCode } = await sh(`xdp-exec ${line}`);
		expect({ stdout, stderr, exitCode }).toEqual({
			stdout: expect.stringMatching(expected),
			stderr: "",
			exitCode: 0,
		});
	});

	test("is in the namespace that ip(8) knows by the name", async () => {
		const { stdout } = await machine.run("stat", ["-Lc", "%i", "/run/netns/uno"]);
		expect((await sh("xdp-exec uno readlink /proc/self/ns/net")).stdout).toBe(`net:[${stdout}]`);
	});

	test("sees its own interfaces in /sys, as the course's line does", async () => {
		const [link] = await machine.json<[{ address: string }]>(
			"uno",
			...(["ip", "-j", "link", "show", "dev", "veth0"] as const),
		);
		expect((await sh("xdp-exec uno cat /sys/class/net/veth0/address")).stdout).toBe(link.address);
		expect((await sh("xdp-exec uno ls /sys/class/net")).stdout).toBe("lo\nveth0");
		expect((await sh("xdp-exec host ls /sys/class/net; ls /sys/class/net")).stdout).toBe("lo\nlo");
	});

	test("sees what is pinned in bpffs, and everything else that is mounted below /sys", async () => {
		await machine.run("mkdir", ["/sys/fs/bpf/pins"]);
		await machine.run("mount", ["-t", "tmpfs", "tmpfs", "/sys/firmware"]);
		await machine.run("touch", ["/sys/firmware/marked"]);
		expect((await sh("xdp-exec uno ls /sys/fs/bpf")).stdout.split("\n")).toContain("pins");
		expect((await sh("xdp-exec uno ls /sys/firmware")).stdout).toBe("marked");
		// A pin from inside is there outside.
		await sh("xdp-exec uno mkdir /sys/fs/bpf/inside");
		expect((await sh("ls -d /sys/fs/bpf/inside; rmdir /sys/fs/bpf/inside")).stdout).not.toBe("");
	});

	test("mounts what it likes, and the machine has no mount more than before", async () => {
		const before = (await sh("cut -d' ' -f3- /proc/self/mountinfo")).stdout;
		expect((await sh("xdp-exec uno sh -c 'mount -t tmpfs tmpfs /mnt && echo done'")).stdout).toBe("done");
		expect((await sh("cut -d' ' -f3- /proc/self/mountinfo")).stdout).toBe(before);
	});

	test("can itself run xdp-exec for another namespace", async () => {
		const { stdout } = await sh("xdp-exec uno xdp-exec dos ip -4 -br addr show veth0");
		expect(stdout).toContain("10.0.0.2/24");
	});

	test("reads standard input, and writes to standard output and error", async () => {
		const { stdout, stderr } = await sh("echo text | xdp-exec uno sh -c 'cat; echo error >&2'");
		expect({ stdout, stderr }).toEqual({ stdout: "text", stderr: "error" });
	});

	test("ends by SIGPIPE as it would outside", async () => {
		const { stdout } = await machine.run("bash", [
			"-c",
			`${XDP_EXEC} uno yes | head -n 1; echo "\${PIPESTATUS[0]}"`,
		]);
		expect(stdout).toBe("y\n141");
	});
});

describe("the exit status", () => {
	writeFileSync(`${folder}/data`, "");
	writeFileSync(`${folder}/script`, "exit 5\n");
	chmodSync(`${folder}/script`, 0o755);

	test.each([
		["uno true", 0],
		["uno -- sh -c 'exit 42'", 42],
		["uno -- sh -c 'exit 64'", 64],
		["uno -- sh -c 'kill -KILL $$'", 137],
		["uno -- sh -c 'kill -TERM $$'", 143],
		[`uno ${folder}/script`, 5],
		["uno no-such-command", 127],
		[`uno ${folder}/data`, 126],
		["uno /", 126],
		["nowhere true", 125],
		["../netns/uno true", 125],
		["", 125],
		["--no-such-option uno true", 125],
		["--help", 0],
		["--version", 0],
	])("of `xdp-exec %s` is %i", async (line, expected) => {
		expect((await sh(`xdp-exec ${line}; exit $?`)).exitCode).toBe(expected);
	});

	test("is 125 as well by way of xdp-topology", async () => {
		expect((await machine.xdp("topology", "exec", "nowhere", "--", "true")).exitCode).toBe(125);
		expect((await machine.xdp("topology", "exec", "uno", "--", "sh", "-c", "exit 3")).exitCode).toBe(3);
	});

	test("without root it is 125, and says what to do", async () => {
		const { exitCode, stderr } = await sh(`setpriv ${NOBODY.join(" ")} xdp-exec uno true`);
		expect(exitCode).toBe(125);
		expect(stderr).toMatch(/^error: .*run this as root \(sudo\)$/);
	});
});

test("a namespace that is not a lab's is refused, with those that labs have", async () => {
	await machine.run("ip", ["netns", "add", "foreign"]);
	for (const name of ["foreign", "nowhere"]) {
		const { stderr } = await sh(`xdp-exec ${name} true`);
		expect(stderr).toBe(`error: ${name} is no namespace of a lab: two has dos, uno`);
	}
});

test("host is where the lab was applied, and xdp-exec says so elsewhere", async () => {
	const { exitCode, stderr } = await sh("xdp-exec uno xdp-exec host true");
	expect(exitCode).toBe(125);
	expect(stderr).toContain("lab two was applied in another network namespace");
});

describe("signals and the terminal", () => {
	test("a signal to xdp-exec is one to the command", async () => {
		const { stdout } = await sh(
			`xdp-exec uno sh -c 'trap "echo got TERM; exit 7" TERM; echo $$; while :; do read line; done' <${folder}/fifo >${folder}/out &
			exec 3>${folder}/fifo
			until [ -s ${folder}/out ]; do :; done
			kill -TERM $!; wait $!; echo $?; cat ${folder}/out`.replace(/^/, `mkfifo ${folder}/fifo; `),
		);
		expect(stdout).toMatch(/^7\n\d+\ngot TERM$/);
	});

	test("the command has the terminal, with its size, and interrupts reach it", async () => {
		const terminal = new Terminal(machine, `stty cols 91 rows 17; ${XDP_EXEC} uno bash --norc --noprofile`);
		terminal.type("tty <&0; stty size\n");
		await terminal.shows(/\/dev\/pts\/\d+\r\n17 91\r\n/);
		terminal.type("trap 'echo caught $((1 + 1))' INT; echo ready $((1 + 1))\n");
		await terminal.shows(/ready 2\r\n/);
		terminal.type("\x03");
		await terminal.shows(/caught 2\r\n/);
		terminal.type("exit 9\n");
		expect(await terminal.ended).toBe(9);
	});

	test("it is stopped and continued by a shell's job control", async () => {
		const terminal = new Terminal(machine, "bash --norc --noprofile -i");
		terminal.type(`${XDP_EXEC} uno sh -c 'echo started $((1 + 1)); read line; echo "read $line."'\n`);
		await terminal.shows(/started 2\r\n/);
		terminal.type("\x1a");
		await terminal.shows(/Stopped/);
		terminal.type("fg\n");
		await terminal.shows(/fg\r\n[\s\S]*line\."'\r\n/);
		terminal.type("words\n");
		await terminal.shows(/read words\.\r\n/);
		terminal.type("exit\n");
		expect(await terminal.ended).toBe(0);
	});

	test("closing the terminal ends the command", async () => {
		const terminal = new Terminal(machine, `${XDP_EXEC} uno sh -c 'echo pid $$; exec cat'`);
		const [, pid] = await terminal.shows(/pid (\d+)\r\n/);
		await terminal.close();
		// Gone, or dead and nobody's child any more.
		await expect
			.poll(async () => (await machine.run("ps", ["-o", "stat=", "-p", `${pid}`])).stdout)
			.toMatch(/^Z|^$/);
	});
});

describe("a command in the background", () => {
	/** Starts it, and gives what the line that is printed says. */
	async function start(line: string): Promise<{ pid: string; output: string }> {
		const { stdout, stderr, exitCode } = await sh(`xdp-exec ${line}`);
		expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
		const [, pid, output] = /^\S+ runs in uno: pid (\d+), output in (\S+)$/.exec(stdout) ?? [];
		if (pid === undefined || output === undefined) throw new Error(stdout);
		return { pid, output };
	}

	test.each([
		["uno -d --", ""],
		["uno --detach", ""],
		["-d uno --", ""],
		["uno -d -o FILE --", "FILE"],
		["-d --output=FILE uno", "FILE"],
	])("xdp-exec %s CMD: what it prints is in the file that is named", async (line, file) => {
		const named = `${folder}/named.log`;
		const command = "sh -c 'cat /sys/class/net/veth0/address; tty; echo $XDP_TOPOLOGY_NAMESPACE; nope; :'";
		const { pid, output } = await start(`${line.replace("FILE", named)} ${command}`);
		if (file) expect(output).toBe(named);
		await expect
			.poll(async () => (await machine.run("ps", ["-o", "stat=", "-p", pid])).stdout)
			.toMatch(/^Z|^$/);
		const { stdout } = await machine.run("cat", [output]);
		expect(stdout).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}\nnot a tty\nuno\n.*nope: not found$/);
		await machine.run("rm", [output]);
	});

	test("has a file of its own each time, that nobody else may read", async () => {
		const one = await start("uno -d -- true");
		const other = await start("uno -d -- true");
		expect(one.output).not.toBe(other.output);
		const { stdout } = await machine.run("stat", ["-c", "%a", one.output, other.output]);
		expect(stdout).toBe("600\n600");
		await machine.run("rm", [one.output, other.output]);
	});

	test("outlives the terminal; destroy names it, and ends it with --kill", async () => {
		const terminal = new Terminal(machine, "bash --norc --noprofile -i");
		terminal.type(`${XDP_EXEC} uno -d -o ${folder}/lived.log -- sh -c 'echo here; exec sleep 1000'\n`);
		const [, pid = ""] = await terminal.shows(/pid (\d+), output in/);
		await terminal.close();
		await expect.poll(async () => (await machine.run("cat", [`${folder}/lived.log`])).stdout).toBe("here");
		const refused = await machine.xdp("destroy", "two");
		expect(refused).toMatchObject({
			exitCode: 1,
			stderr: expect.stringContaining(`uno: sleep (pid ${pid})`),
		});
		const other = LAB.replace("two", "three").replaceAll("uno", "quatro").replaceAll("dos", "cinco");
		expect(await machine.xdpWith(other, "apply")).toMatchObject({ exitCode: 0 });
		const line = `xdp-exec quatro -d -o ${folder}/killed.log -- sleep 1000`;
		const [, mine = ""] = /pid (\d+)/.exec((await sh(line)).stdout) ?? [];
		expect(await machine.xdp("destroy", "three", "--kill")).toMatchObject({ exitCode: 0 });
		const { stdout } = await machine.run("ps", ["-o", "pid=,stat=", "-p", `${pid},${mine}`]);
		expect(
			stdout
				.split("\n")
				.filter((line) => !/Z/.test(line))
				.map((line) => line.trim().split(" ")[0]),
		).toEqual([pid]);
		await machine.run("kill", [pid]);
	});

	test.each([
		["uno -d -- no-such-command", 127, /^error: no-such-command: there is no such command/],
		["uno -d -- /", 126, /^error: \/: it cannot be run/],
		["uno -d", 125, /^error: -d takes a command: xdp-exec uno -d -- COMMAND/],
		["uno -o out true", 125, /^error: --output goes with -d/],
		["uno -d -o /nowhere/out true", 125, /^error: \/nowhere\/out: .*ENOENT/],
		["uno --no-such-option true", 125, /^error: unknown option '--no-such-option'/],
	])("of `xdp-exec %s` the status is %i, and nothing is left", async (line, status, expected) => {
		const logs = () => sh(`ls ${tmpdir()} | grep ^xdp-exec-uno`);
		const before = await logs();
		expect(await sh(`xdp-exec ${line}`)).toEqual({
			exitCode: status,
			stdout: "",
			stderr: expect.stringMatching(expected),
		});
		expect(await logs()).toEqual(before);
	});
});

describe("without a command, a shell has the namespace in its prompt:", () => {
	// A prompt of the user's own, and one that is made anew each time.
	writeFileSync(`${folder}/.bashrc`, "PS1='mine> '; PROMPT_COMMAND='PS1=\"again> \"'\n");
	writeFileSync(`${folder}/.zshrc`, "PS1='mine%% '; precmd() { PS1='again%% ' }\n");
	writeFileSync(`${folder}/.zshenv`, "FROM_ZSHENV=yes\n");

	// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
	const showZsh = "echo is $FROM_ZSHENV ${ZDOTDIR-unset} $ZSH_VERSION";

	test.each([
		["bash", "(uno) again> ", "echo is $BASH_VERSION", /is 5/],
		["zsh", "(uno) again% ", showZsh, /is yes unset 5/],
		["dash", "(uno) # ", "echo is $0", /is .*dash/],
		["fish", "(uno) ", "echo is $FISH_VERSION", /is [34]/],
	])("%s", async (name, prompt, command, expected) => {
		const { stdout: path } = await machine.run("sh", ["-c", `command -v ${name}`]);
		expect(path, `${name} is not installed: scripts/setup.sh installs it`).not.toBe("");
		const terminal = new Terminal(machine, `${XDP_EXEC} uno`, {
			SHELL: path,
			HOME: folder,
			XDG_CONFIG_HOME: `${folder}/config`,
		});
		await terminal.shows(literal(prompt));
		terminal.type(`${command}\r`);
		await terminal.shows(expected);
		await terminal.shows(literal(prompt));
		terminal.type("ip -4 -br addr show veth0\r");
		await terminal.shows(/10\.0\.0\.1\/24/);
		terminal.type("exit 4\r");
		expect(await terminal.ended).toBe(4);
	});

	test("and where standard input is no terminal, it reads that", async () => {
		const { stdout } = await sh("echo 'echo $XDP_TOPOLOGY_NAMESPACE' | SHELL=/bin/zsh xdp-exec uno");
		expect(stdout).toBe("uno");
	});
});

function literal(text: string): RegExp {
	return new RegExp(text.replaceAll(/[()$?.*+]/g, "\\$&"));
}
