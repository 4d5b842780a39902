import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine, NOBODY, type Output } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { pair, star } from "./star.js";

const DENY = fileURLToPath(new URL("deny.mjs", import.meta.url));
const EPERM = 1;
const EACCES = 13;
const EINVAL = 22;
const ENOSYS = 38;

let machine: Machine;
let bare: Snapshot;

beforeAll(async () => {
	machine = await Machine.start();
	// What is given a name has this folder, as `ip netns` leaves it.
	await machine.run("mkdir", ["/run/netns"]);
	bare = await snapshot(machine);
});
afterAll(() => machine.stop());

/** Runs built commands, one after the other, in mounts of their own which a script has changed. */
function within(script: string, before: readonly string[], ...commands: string[]): Promise<Output> {
	const run = commands.map((command) => `"$@" ${command}`).join("\n");
	const args = ["--mount", "--propagation", "private", "sh", "-ec", `${script}\n${run}`, "sh"];
	const built = [...before, process.execPath, "dist/bin/xdp-topology.js"];
	return machine.run("unshare", [...args, ...built], { input: pair("lab") });
}

const without = (capability: string) => [
	"setpriv",
	`--bounding-set=-${capability}`,
	`--inh-caps=-${capability}`,
];
const deny = (rule: string) => [process.execPath, DENY, rule];
const readOnly = (path: string) => `mount --bind ${path} ${path}; mount -o remount,bind,ro ${path}`;

const ALL = ["apply -", "plan -", "destroy lab", "status", "stats lab", "verify lab", "graph lab"];
const CHANGE = ["apply -", "destroy lab"];
const MAKE = ["apply -"];
const forbidden =
	/to root too, by a seccomp filter or a security module: in a container, start it with --privileged/;
const capability = (name: string) =>
	new RegExp(`^error: ${name} missing: in a container, start it with --privileged$`);

describe("where it cannot run, it says what to change, by status 77, and leaves nothing", () => {
	const MACHINES: [where: string, script: string, before: string[], commands: string[], message: RegExp][] = [
		["not root", "", ["setpriv", ...NOBODY], ALL, /^error: .*: run this as root \(sudo\)$/],
		["no CAP_NET_ADMIN", "", without("net_admin"), ALL, capability("CAP_NET_ADMIN")],
		["no CAP_SYS_ADMIN", "", without("sys_admin"), ALL, capability("CAP_SYS_ADMIN")],
		["the root of a user namespace", "", ["unshare", "-Urn"], ALL, /^error: .*; use the machine's own root$/],
		[
			"no libbpf",
			"mount --bind /dev/null $(realpath /usr/lib/*/libbpf.so.1)",
			[],
			ALL,
			/^error: libbpf 1.0 or newer is missing: apt-get install libbpf1 /,
		],
		[
			"another library in place of libbpf",
			"mount --bind $(realpath /usr/lib/*/libelf.so.1) $(realpath /usr/lib/*/libbpf.so.1)",
			[],
			ALL,
			/^error: libbpf 1.0 or newer is needed.*: apt-get install libbpf1 /,
		],
		[
			"no /proc",
			"mount -t tmpfs tmpfs /proc",
			[],
			ALL,
			/^error: \/proc is missing: mount it, by `mount -t proc proc \/proc`$/,
		],
		["no BPF", "", deny(`bpf=${ENOSYS}`), ALL, /^error: this kernel has no BPF: ENOSYS: /],
		["BPF forbidden", "", deny(`bpf=${EPERM}`), ALL, forbidden],
		["programs forbidden", "", deny(`bpf:5=${EPERM}`), ["apply -", "plan -"], forbidden],
		[
			"a kernel before xdp.frags",
			"",
			deny(`bpf:5=${EINVAL}`),
			["apply -", "plan -"],
			/: use Linux 6.1 or newer$/,
		],
		["namespaces forbidden", "", deny(`unshare=${EPERM}`), MAKE, forbidden],
		["mounts forbidden by seccomp", "", deny(`mount=${EPERM}`), MAKE, forbidden],
		["mounts forbidden by AppArmor", "", deny(`mount=${EACCES}`), MAKE, forbidden],
		[
			"a read-only /run",
			readOnly("/run"),
			[],
			CHANGE,
			/^error: mkdir \/run\/xdp-topology: the file system is read-only: remount it/,
		],
		[
			"a read-only /proc/sys",
			readOnly("/proc/sys"),
			[],
			MAKE,
			/^error: write \/proc\/sys\/net: the file system is read-only: remount it/,
		],
	];

	for (const [where, script, before, commands, message] of MACHINES)
		test(where, async () => {
			for (const command of commands) {
				const { exitCode, stdout, stderr } = await within(script, before, command);
				expect({ command, exitCode, stdout }, stderr).toEqual({ command, exitCode: 77, stdout: "" });
				expect(stderr).toMatch(message);
				expect(stderr.split("\n").filter((line) => line !== "what was done has been undone")).toHaveLength(1);
			}
			expect(await snapshot(machine)).toEqual(bare);
		});

	test.each(["apply", "plan"])("fewer open files than the namespaces of a lab take: %s", async (command) => {
		const script = `ulimit -n 300; exec ${process.execPath} dist/bin/xdp-topology.js ${command} -`;
		expect(await machine.run("sh", ["-c", script], { input: star(150) })).toEqual({
			exitCode: 77,
			stdout: "",
			stderr:
				"error: 151 namespaces take more open files than this process may have: raise the limit, `ulimit -n`",
		});
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("fewer open files than a lab takes that takes the place of another", async () => {
		const script = `ulimit -n 300; exec ${process.execPath} dist/bin/xdp-apply.js -q -`;
		const limited = (lab: string) => machine.run("sh", ["-c", script], { input: lab });
		expect(await limited(star(80))).toMatchObject({ exitCode: 0 });
		expect(await limited(star(80).replace(/(star-)(?=\d)/g, "other-"))).toEqual({
			exitCode: 77,
			stdout: "",
			stderr:
				"error: 161 namespaces take more open files than this process may have: raise the limit, `ulimit -n`",
		});
		expect(await machine.xdpWith(star(80), "plan", "--detailed-exitcode")).toMatchObject({ exitCode: 0 });
		expect(await machine.xdp("destroy")).toMatchObject({ exitCode: 0 });
	});

	test("xdp-exec has a status of its own for it", async () => {
		expect(await within("", without("sys_admin"), "exec lab /bin/true")).toMatchObject({
			exitCode: 125,
			stderr: expect.stringMatching(capability("CAP_SYS_ADMIN")),
		});
	});
});

/** What sudo -E may bring along of another user. */
const ANOTHERS = [
	"HOME=/nonexistent",
	"TMPDIR=/nonexistent",
	"XDG_CACHE_HOME=/nonexistent",
	"PATH=/nonexistent",
	"LC_ALL=tr_TR.UTF-8",
	"SUDO_USER=nobody",
	"SUDO_UID=65534",
	"SUDO_COMMAND=/bin/false",
	"COLUMNS=-1",
	"LIBBPF_LOG_LEVEL=debug",
];

describe("what is not needed may be missing", () => {
	const only = (...names: string[]) => {
		const set = `-all,${names.map((name) => `+${name}`).join()}`;
		return ["setpriv", `--bounding-set=${set}`, `--inh-caps=${set}`];
	};
	test.each<[what: string, script: string, before: string[]]>([
		["every capability but two", "", only("net_admin", "sys_admin")],
		["the kernel's BTF", "mount --bind /dev/null /sys/kernel/btf/vmlinux", []],
		["bpffs", "umount /sys/fs/bpf", []],
		["a bpffs that can be written", "mount -o remount,bind,ro /sys/fs/bpf", []],
		["sysfs", "umount --lazy /sys; mount -t tmpfs tmpfs /sys", []],
		["a kernel version that means anything", "", ["setarch", "--uname-2.6"]],
		["an environment", "", ["env", "-i"]],
		["an environment of one's own", "", ["env", ...ANOTHERS]],
	])("%s", async (_, script, before) => {
		const commands = [
			"apply -q -",
			"status -q --detailed-exitcode lab",
			"exec lab /bin/true",
			"destroy -q lab",
		];
		const output = await within(script, before, ...commands);
		expect(output).toEqual({ exitCode: 0, stdout: "", stderr: "" });
		expect(await snapshot(machine)).toEqual(bare);
	});
});
