import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { afterEach, beforeAll, expect } from "vitest";
import { CLONE_NEWNET, CLONE_NEWNS, MS_REC, mount, unshare } from "../../lib/ffi/libc.js";
import {
	apply,
	destroy,
	listLabs,
	type PlanDocument,
	parseTopology,
	plan,
	type Topology,
} from "../../lib/index.js";
import { shownChanges } from "../../lib/plan/render.js";

/** <sys/mount.h> */
const MS_PRIVATE = 1 << 18;

/**
 * Moves this test process into a network namespace in the role of `host` and a mount namespace with a
 * /run of its own, so that the library can be called without a thought for the machine. For good: a
 * file of tests has a process of its own. Threads of Node's pool stay outside, so that whatever touches
 * the kernel has to be synchronous, as the library is.
 */
export function useSandbox(): void {
	beforeAll(() => {
		unshare(CLONE_NEWNS | CLONE_NEWNET);
		mount("none", "/", "none", MS_PRIVATE | MS_REC);
		sh("while umount -l /run/netns 2>/dev/null; do :; done");
		mount("tmpfs", "/run", "tmpfs", 0);
		mount("sysfs", "/sys", "sysfs", 0);
		mount("bpf", "/sys/fs/bpf", "bpf", 0);
		sh("ip link set lo up");
	});
}

/** Each test leaves the sandbox empty: of labs, and of what it made by hand. */
export function clearAfterEach(): void {
	afterEach(async () => {
		for (const lab of listLabs()) await destroy(lab);
		sh(`ip -all netns delete
			for link in $(ip -br link | sed 's/[ @].*//'); do [ $link = lo ] || ip link del $link; done
			rm -rf /run/xdp-topology /sys/fs/bpf/*/`);
	});
}

/** Runs a shell's commands in the sandbox; a failure of the last one is an error that says what it wrote. */
export function sh(script: string): string {
	return execFileSync("bash", ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** What a command prints as JSON; nothing printed is an empty list, as `ip -j` has it. */
export function json<T>(command: string): T {
	return JSON.parse(sh(command).trim() || "[]") as T;
}

export function topology(text: string): Topology {
	return parseTopology(text, "lab.yaml");
}

export function applyText(text: string): Promise<PlanDocument> {
	return apply(topology(text));
}

/** The changes that would make the kernel equal to a topology, a line each: `+ address uno:veth0 …`. */
export async function changes(text: string): Promise<string[]> {
	return linesOf(await plan(topology(text)));
}

const SIGNS = { create: "+", update: "~", replace: "-/+", remove: "-" } as const;

/** The lines of a plan, without the reason. */
export function linesOf(result: PlanDocument): string[] {
	return shownChanges(result).map(({ action, kind, text }) => `${SIGNS[action]} ${kind} ${text}`);
}

/** What this process fails with, as an error; a success is an error of the test. */
export async function failureOf<T extends Error>(
	work: Promise<unknown>,
	// biome-ignore lint/suspicious/noExplicitAny: any constructor of an error
	type: new (...args: any[]) => T,
): Promise<T> {
	const error = await work.then(
		() => new Error("it did not fail"),
		(error: unknown) => error,
	);
	expect(error).toBeInstanceOf(type);
	return error as T;
}

/** The named network namespaces of the sandbox. */
export function namespaces(): string[] {
	return json<{ name: string }[]>("ip -j netns")
		.map(({ name }) => name)
		.sort();
}

const TABLES = ["link show", "address show", "route show table all", "neighbour show nud permanent"] as const;

/** What the kernel has, in the words of its usual tools, by namespace and command. */
export type Kernel = Record<string, string>;

/** The first lines that differ would tell little: what is in one and not in the other. */
export function differences(before: Kernel, after: Kernel): string[] {
	return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
		const [left, right] = [before, after].map((kernel) => (kernel[key] ?? "").split("\n"));
		const only = (lines: string[] = [], others: string[] = []) =>
			lines.filter((line) => !others.includes(line));
		return [
			...only(left, right).map((line) => `- ${key}: ${line}`),
			...only(right, left).map((line) => `+ ${key}: ${line}`),
		];
	});
}

/** Reads everything that a lab may have changed; numbers of events, such as ids, included. */
export function kernel(): Kernel {
	const result: Kernel = {};
	for (const name of ["host", ...namespaces()]) {
		const enter = name === "host" ? "" : `nsenter --net=/run/netns/${name} `;
		const [tables = "", sysctls = "", features = ""] = sh(`${enter}bash <<'end'
			printf '${TABLES.map((table) => `${table}\\n`).join("")}' | ip -j -d -batch -; echo ===
			grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf; echo ===
			ethtool -k '*'
end`).split("===\n");
		for (const [i, text] of tables.trimEnd().split("\n").entries())
			result[`${name}: ip ${TABLES[i]}`] = lines(JSON.parse(text));
		result[`${name}: sysctl`] = sysctls;
		result[`${name}: ethtool`] = features;
	}
	return result;
}

/** A line an object, in an order of its own; an interface's addresses are objects too. */
function lines(objects: { ifname?: string; addr_info?: object[] }[]): string {
	return (
		objects
			.flatMap(({ addr_info, ...object }): object[] =>
				addr_info ? addr_info.map((address) => ({ ifname: object.ifname, ...address })) : [object],
			)
			// It says how an address was put there, not what it is.
			.map((object) => JSON.stringify(object, (name, value) => (name === "nodad" ? undefined : value)))
			.sort()
			.join("\n")
	);
}

const NUMBERS = /"(ifindex|link_index|link_netnsid|id|load_time|btf_id)":\d+,?/g;

/** The same without what two runs of one topology differ in: numbers in the order of events. */
export function lasting(kernel: Kernel): Kernel {
	return Object.fromEntries(
		Object.entries(kernel).map(([key, text]) => [
			key,
			key.includes(": ip ")
				? text.replace(NUMBERS, "").replaceAll(",}", "}").split("\n").sort().join("\n")
				: text,
		]),
	);
}

interface XdpLink {
	ifname: string;
	ifindex: number;
	xdp?: { mode: number; prog: { id: number; name: string; tag: string } };
}

/** The links of a namespace by name, as ip(8) shows them. */
export function links(namespace = "host"): Map<string, XdpLink> {
	const list = json<XdpLink[]>(`ip ${namespace === "host" ? "" : `-n ${namespace} `}-j -d link`);
	return new Map(list.map((link) => [link.ifname, link]));
}

/** Ids of the XDP programs attached anywhere in the sandbox, in order. */
export function programIds(): number[] {
	const ids = ["host", ...namespaces()].flatMap((name) =>
		[...links(name).values()].flatMap(({ xdp }) => xdp?.prog.id ?? []),
	);
	return [...new Set(ids)].sort((a, b) => a - b);
}

/** The id and mode (1 native, 2 generic) of what runs on an end. */
export function attached(end: string): { id: number; mode: number; name: string } | undefined {
	const [namespace = "", link = ""] = end.split(":");
	const xdp = links(namespace).get(link)?.xdp;
	return xdp && { id: xdp.prog.id, mode: xdp.mode, name: xdp.prog.name };
}

/** Puts a program that is nobody's on an end, in place of whatever runs there. */
export function attachForeign(end: string, mode: "xdpdrv" | "xdpgeneric" = "xdpdrv"): void {
	const [namespace, link] = end.split(":");
	const enter = namespace === "host" ? "" : `nsenter --net=/run/netns/${namespace}`;
	sh(`set -e; pin=/sys/fs/bpf/foreign
		${enter} ip link set dev ${link} xdp off
		bpftool prog load dist/bpf/drop.bpf.o $pin type xdp
		${enter} bpftool net attach ${mode} pinned $pin dev ${link}
		rm $pin`);
}

/** Maps of a program by name: their ids. */
export function mapIds(program: number): Map<string, number> {
	const { map_ids } = json<{ map_ids?: number[] }>(`bpftool -j prog show id ${program}`);
	return new Map(
		(map_ids ?? []).map((id) => [json<{ name: string }>(`bpftool -j map show id ${id}`).name, id]),
	);
}

/**
 * The programs attached in the sandbox, by id, each with the ids and the contents of its maps; but of
 * its counters only what `hardcoded` has behind them, since IPv6 speaks up by itself.
 */
export function programs(): Kernel {
	const maps = (program: number) =>
		Array.from(
			mapIds(program),
			([name, id]) =>
				`${name} ${id}\n${name === "counters" ? constants(id) : sh(`bpftool map dump id ${id}`)}\n`,
		);
	return Object.fromEntries(programIds().map((id) => [`program ${id}`, maps(id).join("")]));
}

function constants(counters: number): string {
	const entries = json<{ formatted: { values: { value: { redirect?: object } }[] } }[]>(
		`bpftool -j map dump id ${counters}`,
	);
	return JSON.stringify(entries.map(({ formatted }) => formatted.values.map(({ value }) => value.redirect)));
}

/** The open descriptors of this process, by what they are. */
export function descriptors(): string[] {
	return readdirSync("/proc/self/fd")
		.flatMap((fd) => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`).replace(/\[\d+\]/, "");
			} catch {
				return []; // that of the listing itself
			}
		})
		.sort();
}
