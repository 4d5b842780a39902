import { expect, vi } from "vitest";
import { WINDOW } from "../../lib/snapshot/identify.js";
import {
	differences,
	type Kernel,
	kernel,
	lasting,
	links,
	namespaces,
	programs,
	sh,
} from "../kernel/sandbox.js";

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
	const names = new Map(
		["host", ...namespaces()].flatMap((namespace) =>
			Array.from(links(namespace).values(), ({ ifname, ifindex }): [number, string] => [
				ifindex,
				`${namespace}:${ifname}`,
			]),
		),
	);
	const maps = Object.values(programs()).map((dump) =>
		dump
			.split("\n")
			.flatMap((line) => named(line, names))
			.sort()
			.join("\n"),
	);
	return { ...lasting(system()), programs: maps.sort().join("\n") };
}

/** A line of bpftool's dump, or none where it says that there is nothing. */
function named(line: string, names: ReadonlyMap<number, string>): string[] {
	const entry = /^key: (.{11}) {2}value: (.{11})(.*)$/.exec(line);
	if (!entry) return /^Found|not found|No such file/.test(line) ? [] : [line.replace(/^(\S+) \d+$/, "$1")];
	const [key = 0, value = 0] = entry
		.slice(1, 3)
		.map((hex) => Buffer.from(hex.replaceAll(" ", ""), "hex").readUInt32LE());
	const rest = entry[3] ?? "";
	if (value === 0 && /^[ 0]*$/.test(rest)) return [];
	return [`${names.get(WINDOW + key) ?? key}: ${names.get(value) ?? value}${rest}`];
}

/** Milliseconds for what the kernel does later: it tells of links that have come up once a second. */
const PATIENCE = 5000;

/** What is read when links are up and IPv6 has its addresses. */
export function settled(read: () => Kernel): Promise<Kernel> {
	const passing = /"linkdown"|"tentative"|"operstate":"(LOWERLAYER)?DOWN"/;
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
