import type { Machine } from "../machine.js";

/** What the kernel says of a machine, in the words of its usual tools; by namespace and command. */
export type Snapshot = Record<string, string>;

const COMMANDS = [
	"ip -j -d link",
	"ip -j address",
	"ip -j -4 route show table all",
	"ip -j -6 route show table all",
	// Those that are learned come and go by themselves.
	"ip -j neighbour show nud permanent",
	// Some values may be written only.
	"sysctl -a --pattern ^net 2>/dev/null",
	"for device in $(ls /sys/class/net); do ethtool -k $device; done",
] as const;

const SEPARATOR = "=== next ===";

/** Takes everything that a lab may have changed. */
export async function snapshot(machine: Machine): Promise<Snapshot> {
	const names = ["host", ...(await namespacesOf(machine))];
	const parts = await Promise.all(names.map((name) => snapshotOf(machine, name)));
	// The folder of names stays, a shared mount of itself, as `ip netns` leaves it: ip-netns(8).
	// What a look has found settled is remembered to spare work, and is no part of a lab.
	const skip = ["!", "-path", "/run/netns", "!", "-name", "*.settled"];
	const files = ["/run", "-mindepth", "1", ...skip, "-printf", "%y %m %p\n"];
	const run = await machine.run("find", files);
	const pins = await machine.run("find", ["/sys/fs/bpf", "-mindepth", "1"]);
	// The order of a directory is that of events.
	const [listed, pinned] = [run, pins].map(({ stdout }) => stdout.split("\n").sort().join("\n"));
	return Object.assign({ namespaces: names.join("\n"), "/run": listed, pins: pinned }, ...parts);
}

async function snapshotOf(machine: Machine, namespace: string): Promise<Snapshot> {
	// sysfs shows the namespace that it was mounted from.
	const mount = "mount -t sysfs sysfs /sys";
	const script = [mount, ...COMMANDS].join(`\necho '${SEPARATOR}'\n`);
	const { stdout, stderr } = await machine.in(namespace, "unshare", ["--mount", "sh", "-c", script]);
	const outputs = stdout.split(`${SEPARATOR}\n`).slice(1);
	if (outputs.length !== COMMANDS.length) throw new Error(`no snapshot of ${namespace}: ${stderr}`);
	return Object.fromEntries(COMMANDS.map((command, i) => [`${namespace}: ${command}`, outputs[i] ?? ""]));
}

/** The named network namespaces. */
export async function namespacesOf(machine: Machine): Promise<string[]> {
	const named = await machine.json<{ name: string }[]>("host", "ip", "-j", "netns");
	return named.map(({ name }) => name).sort();
}

/** Ids of the XDP programs that run anywhere in the machine. */
export async function programsOf(machine: Machine): Promise<number[]> {
	const names = ["host", ...(await namespacesOf(machine))];
	const links = await Promise.all(
		names.map((name) => machine.json<{ xdp?: { prog: { id: number } } }[]>(name, "ip", "-j", "-d", "link")),
	);
	return [...new Set(links.flat().flatMap(({ xdp }) => xdp?.prog.id ?? []))];
}

/** Those of the ids that are programs still loaded. */
export async function stillLoaded(machine: Machine, ids: readonly number[]): Promise<number[]> {
	const shown = await Promise.all(
		ids.map((id) => machine.run("bpftool", ["-j", "prog", "show", "id", String(id)])),
	);
	return ids.filter((_, i) => shown[i]?.exitCode === 0);
}

/** Numbers that the kernel gives out in the order of events. */
const INCIDENTAL = new Set(["ifindex", "link_index", "link_netnsid", "id", "load_time", "btf_id", "stats64"]);

/** The same without what two machines with the same lab differ in: numbers in the order of events. */
export function normalised(snapshot: Snapshot): Snapshot {
	return Object.fromEntries(
		Object.entries(snapshot).map(([key, output]) => [key, key.includes("ip -j") ? normal(output) : output]),
	);
}

function normal(json: string): string {
	const objects = JSON.parse(json, (name, value) => (INCIDENTAL.has(name) ? undefined : value)) as unknown[];
	return objects
		.map((object) => JSON.stringify(object))
		.sort()
		.join("\n");
}
