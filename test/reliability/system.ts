import { execFileSync } from "node:child_process";
import { expect, vi } from "vitest";
import { WINDOW } from "../../lib/snapshot/identify.js";
import { COUNTERS_MAP, COUNTERS_SIZE } from "../../lib/stats/counters.js";
import { differences, type Kernel, kernel, lasting, namespaces, sh } from "../kernel/sandbox.js";

/** Everything that a lab may leave anywhere: what the kernel has, mounts, files, pins. */
export function system(): Kernel {
	// The folder of names stays, once a shared mount of itself, as `ip netns` leaves it: ip-netns(8).
	const [files = "", mounts = ""] = sh(`
		find /run /sys/fs/bpf -mindepth 1 ! -path /run/netns -printf '%y %m %p\\n' | sort; echo ===
		awk '$5 ~ "^/run" { print $5 }' /proc/self/mountinfo | sort`).split("===\n");
	return { ...kernel(), files, mounts: mounts.replace(/^\/run\/netns\n/m, "") };
}

/** The same without numbers of events, and with what the programs' maps hold, in names instead of numbers. */
export function outcome(): Kernel {
	const now = system();
	// Which text a command has settled is what the library does not keep.
	const files = now["files"]?.replace(/^.*\.settled\n/gm, "") ?? "";
	return { ...lasting(now), files, programs: entriesOf(now) };
}

/**
 * What is to be as it was, ids of programs included, and so of their maps; but for the numbers by which
 * namespaces know one another.
 */
export function exactly(): Kernel {
	const now = system();
	const entries = Object.entries({ ...now, programs: entriesOf(now) });
	return Object.fromEntries(entries.map(([key, text]) => [key, text.replace(/"link_netnsid":\d+,?/g, "")]));
}

interface XdpLink {
	ifname: string;
	ifindex: number;
	xdp?: { prog: { id: number } };
}

/** What programs write by themselves, and what marks them, where the ids of maps are. */
const WRITTEN = /^(fib_cache|buckets|xdp_topology)$/;

/** What is in the maps of the programs that run. */
function entriesOf(now: Kernel): string {
	const names = new Map<number, string>();
	const programs = new Set<number>();
	for (const [key, text] of Object.entries(now)) {
		const namespace = /^(.*): ip link show$/.exec(key)?.[1];
		if (namespace === undefined) continue;
		for (const { ifname, ifindex, xdp } of text.split("\n").map((line): XdpLink => JSON.parse(line))) {
			if (ifindex >= WINDOW) names.set(ifindex, `${namespace}:${ifname}`);
			if (xdp) programs.add(xdp.prog.id);
		}
	}
	const maps = bpftool<{ map_ids?: number[] }>(Array.from(programs, (id) => `prog show id ${id}`)).flatMap(
		({ map_ids = [] }) => map_ids,
	);
	const kept = bpftool<{ id: number; name: string }>(maps.map((id) => `map show id ${id}`)).filter(
		({ name }) => !WRITTEN.test(name),
	);
	return bpftool<Entry[]>(kept.map(({ id }) => `map dump id ${id}`))
		.flatMap((entries, i) => entries.flatMap((entry) => named(kept[i]?.name ?? "", entry, names)))
		.sort()
		.join("\n");
}

/** Bytes in hexadecimal, `0x0a`. */
interface Entry {
	key: string[];
	value?: string[] | { error: string };
	/** Instead, where every CPU has one. */
	values?: { value: string[] }[];
}

/** Runs many commands of bpftool(8) in one process. @returns what each prints */
function bpftool<T>(commands: readonly string[]): T[] {
	if (commands.length === 0) return [];
	const output = execFileSync("bpftool", ["-j", "batch", "file", "-"], {
		input: commands.join("\n"),
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	return (JSON.parse(output) as { output: T }[]).map(({ output }) => output);
}

/** An entry with ends for ports and ifindexes, which differ by what was there before; none where it is all zeros. */
function named(map: string, entry: Entry, names: ReadonlyMap<number, string>): string[] {
	const { key } = entry;
	const value = entry.value ?? entry.values?.[0]?.value;
	if (!Array.isArray(value)) return [];
	// Counters change by themselves; what `hardcoded` has behind them does not.
	const bytes = Buffer.from(value.map(Number)).subarray(map === COUNTERS_MAP ? COUNTERS_SIZE : 0);
	if (bytes.every((byte) => byte === 0)) return [];
	// The first ifindex is there, which is none of an end's.
	if (map.endsWith(".rodata")) return [`${map}: ${bytes.toString("hex")}`];
	const port = key.length === 4 ? Buffer.from(key.map(Number)).readUInt32LE() : Number.NaN;
	const words = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) =>
		bytes.subarray(4 * i, 4 * i + 4),
	);
	const texts = words.map(
		(word) => (word.length === 4 && names.get(word.readUInt32LE())) || word.toString("hex"),
	);
	return [`${map} ${names.get(WINDOW + port) ?? key.join(" ")}: ${texts.join(" ")}`];
}

/** Milliseconds for what the kernel does later: it tells of links that have come up once a second. */
const PATIENCE = 5000;

/** What is read when links are up and IPv6 has its addresses. */
export function settled(read: () => Kernel): Promise<Kernel> {
	const passing =
		/"linkdown"|"tentative"|"operstate":"(LOWERLAYER)?DOWN"|"ifname":"(?!lo")[^\n]*"operstate":"UNKNOWN"/;
	return vi.waitFor(
		() => {
			const result = read();
			expect(Object.values(result).filter((text) => passing.test(text))).toEqual([]);
			return result;
		},
		{ timeout: PATIENCE },
	);
}

/** Waits until what is read is as it was. */
export async function expectSame(before: Kernel, read: () => Kernel, when: string): Promise<void> {
	await vi.waitFor(() => expect(differences(before, read()), when).toEqual([]), { timeout: PATIENCE });
}

/** Those of the ids that are programs still loaded. */
export function stillLoaded(ids: readonly number[]): number[] {
	return ids.filter((id) => sh(`bpftool prog show id ${id} >/dev/null 2>&1 && echo yes || true`) !== "");
}

/** Ids of the XDP programs that run in the sandbox, where a name may be only the plain file of one. */
export function running(): number[] {
	const links = sh(
		"ip -d link; for name in $(ls /run/netns 2>/dev/null); do ip -n $name -d link 2>/dev/null; done; true",
	);
	return Array.from(links.matchAll(/prog\/xdp id (\d+)/g), ([, id]) => Number(id));
}

/** Starts afresh. @returns what is there with no lab */
export function startBare(): Promise<Kernel> {
	startAfresh();
	return settled(system);
}

/** Something that is nobody's, to be left alone; and no trace of labs, not even the folder of names. */
export function startAfresh(): void {
	if (namespaces().length) throw new Error(`left: ${namespaces()}`);
	sh(`while umount /run/netns 2>/dev/null; do :; done; rm -rf /run/netns
		ip link show bystander >/dev/null 2>&1 || {
			ip link add bystander address 02:00:00:00:01:01 type veth \\
				peer name bystander-peer address 02:00:00:00:01:02
			for link in bystander bystander-peer; do ip link set $link addrgenmode none up; done
			ip address add 192.0.2.1/24 dev bystander
		}`);
}
