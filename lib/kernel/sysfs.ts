import { existsSync, readFileSync } from "node:fs";
import { CLONE_NEWNS, MS_BIND, MS_MOVE, MS_REC, MS_SLAVE, mount, unshare } from "../ffi/libc.js";

/** One mount(2) of those that give a process the /sys of its network namespace. */
export interface MountStep {
	how: "new sysfs" | "bind" | "move";
	source: string;
	target: string;
}

/**
 * Directory of /sys where the new sysfs is mounted until it is complete and moves to /sys. Nothing is mounted
 * below it.
 */
const STAGE = "/sys/class";

/**
 * Steps that mount the sysfs of the calling thread's network namespace on /sys. A sysfs shows the network
 * devices of the namespace in which it was mounted. What is mounted below /sys, such as bpffs and cgroups,
 * is bound into the new sysfs. No steps if what is mounted on /sys is no sysfs.
 */
export function sysfsSteps(mountinfo = readFileSync("/proc/thread-self/mountinfo", "utf8")): MountStep[] {
	const mounts = mountinfo
		.trimEnd()
		.split("\n")
		.map((line) => {
			// proc_pid_mountinfo(5): ID, parent's ID, device, root, mount point; special characters are octal. The
			// type of the file system comes after optional fields, which end with a dash.
			const [id = "", parent = "", , , point = ""] = line.split(" ");
			const [type] = line.slice(line.indexOf(" - ") + 3).split(" ");
			return { id, parent, type, point: point.replaceAll(/\\(\d{3})/g, (_, code) => character(code)) };
		});
	// The last of several that are stacked is the one that is seen.
	const sys = mounts.findLast(({ point }) => point === "/sys");
	if (sys?.type !== "sysfs") return [];
	const below = mounts.filter(({ parent, point }) => parent === sys.id && point.startsWith("/sys/"));
	return [
		{ how: "new sysfs", source: "sysfs", target: STAGE },
		...below.map(({ point }) => ({
			how: "bind" as const,
			source: point,
			target: `${STAGE}${point.slice(4)}`,
		})),
		{ how: "move", source: STAGE, target: "/sys" },
	];
}

function character(octal: string): string {
	return String.fromCharCode(Number.parseInt(octal, 8));
}

const FLAGS = { "new sysfs": 0, bind: MS_BIND | MS_REC, move: MS_MOVE } satisfies Record<
	MountStep["how"],
	number
>;

/**
 * Moves the calling thread, for good, into a mount namespace of its own with the /sys of its network namespace.
 * Later mounts of the machine are seen there; the thread's own are not seen outside: mount_namespaces(7), slave.
 */
export function mountOwnSysfs(): void {
	unshare(CLONE_NEWNS);
	mount("none", "/", "none", MS_REC | MS_SLAVE);
	// The new sysfs lacks the directories of the host's network devices.
	for (const { how, source, target } of sysfsSteps())
		if (existsSync(target)) mount(source, target, how === "new sysfs" ? "sysfs" : "none", FLAGS[how]);
}

const OPTIONS = { "new sysfs": "-t sysfs", bind: "--rbind", move: "--move" } satisfies Record<
	MountStep["how"],
	string
>;

/**
 * Arguments of a command that does what {@link mountOwnSysfs} does and then becomes the program that is named by
 * the arguments after it: unshare(1) of util-linux, sh(1) and mount(8).
 */
export function sysfsLauncher(): [string, ...string[]] {
	const script = sysfsSteps()
		.map(({ how, source, target }) => {
			const mount = `/bin/mount ${OPTIONS[how]} ${quote(source)} ${quote(target)}`;
			return `if [ -e ${quote(target)} ]; then ${mount} || exit 125; fi\n`;
		})
		.join("");
	return [
		"/usr/bin/unshare",
		"--mount",
		"--propagation",
		"slave",
		"/bin/sh",
		"-c",
		`${script}exec "$0" "$@"`,
	];
}

/** As a word of sh(1). */
function quote(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}
