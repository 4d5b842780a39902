import { markOf } from "../../lib/kernel/lab.js";
import type { KernelProgram } from "./programs.js";
import type { EndSteps, NamespaceSteps, Steps } from "./steps.js";

/**
 * The same objects as the courses' scripts make them, one process a step: a shell's script. The programs
 * get the maps that their objects say, which are smaller than the product's.
 */
export function oneByOne(steps: Steps, programs: readonly KernelProgram[]): string {
	const lines = [...load(programs), ...steps.namespaces.map(({ name }) => `ip netns add ${name}`)];
	for (const pair of steps.pairs) lines.push(`ip ${addPair(pair)}`);
	for (const namespace of steps.namespaces) {
		const { name } = namespace;
		lines.push(...settings(namespace));
		for (const { program, interface: link } of namespace.ends)
			lines.push(
				`nsenter --net=/run/netns/${name} bpftool net attach xdpdrv pinned ${pinOf(program)} dev ${link}`,
			);
		lines.push(...ipCommands(namespace, markOf(steps.lab)).map((command) => `ip -n ${name} ${command}`));
	}
	return script(lines);
}

/**
 * The same by `ip -batch`: one `ip` for all namespaces and pairs, one more for each namespace, which
 * attaches the programs as well; the rest has no batch.
 * @param folder where the batches are
 */
export function batched(
	steps: Steps,
	programs: readonly KernelProgram[],
	folder: string,
): { script: string; batches: Map<string, string> } {
	const first = [...steps.namespaces.map(({ name }) => `netns add ${name}`), ...steps.pairs.map(addPair)];
	const batches = new Map([["all", `${first.join("\n")}\n`]]);
	const lines = [...load(programs), `ip -batch ${folder}/all`];
	for (const namespace of steps.namespaces) {
		const { name, ends } = namespace;
		const attach = ends.map(
			({ interface: link, program }) => `link set dev ${link} xdpdrv pinned ${pinOf(program)}`,
		);
		batches.set(name, `${[...attach, ...ipCommands(namespace, markOf(steps.lab))].join("\n")}\n`);
		// Where `ip -n` enters a namespace, it hides the pins below /sys.
		lines.push(...settings(namespace), `nsenter --net=/run/netns/${name} ip -batch ${folder}/${name}`);
	}
	return { script: script(lines), batches };
}

function script(lines: string[]): string {
	return `set -e\n${lines.join("\n")}\n`;
}

function pinOf(program: string): string {
	return `/sys/fs/bpf/bench/${program}`;
}

function load(programs: readonly KernelProgram[]): string[] {
	return [
		"mkdir -p /sys/fs/bpf/bench",
		...programs.map(
			({ name, object }) => `bpftool prog load ${object} ${pinOf(name)} type xdp pinmaps ${pinOf(name)}-maps`,
		),
	];
}

function addPair([one, other]: [EndSteps, EndSteps]): string {
	const half = ({ interface: name, index, mac, namespace }: EndSteps) =>
		`name ${name} index ${index} address ${mac} netns ${namespace} numtxqueues 1 numrxqueues 1`;
	return `link add ${half(one)} type veth peer ${half(other)}`;
}

/** What ip(8) does not do. */
function settings({ name, sysctls, ends }: NamespaceSteps): string[] {
	const all: [string, string][] = [
		["net.ipv6.conf.default.accept_dad", "0"],
		["net.ipv6.conf.default.accept_ra", "0"],
		...sysctls,
	];
	const inside = `nsenter --net=/run/netns/${name}`;
	return [
		`${inside} sysctl -qw ${all.map(([key, value]) => `${key}=${value}`).join(" ")}`,
		...ends.flatMap(({ interface: link, txOff, index, maps }) => [
			...(txOff ? [`${inside} ethtool -K ${link} tx off`] : []),
			...maps
				// A map of the object's own size has room for 64 ports.
				.filter(({ port }) => port < 64)
				.map(
					({ program, map, port }) =>
						`${inside} bpftool map update pinned ${pinOf(program)}-maps/${map} key ${bytes(port)} value ${bytes(index)}`,
				),
		]),
	];
}

function bytes(value: number): string {
	return [0, 8, 16, 24].map((shift) => (value >> shift) & 255).join(" ");
}

function ipCommands({ ends, routes }: NamespaceSteps, mark: string): string[] {
	return [
		`link set lo up alias ${mark}`,
		...ends.map(({ interface: link }) => `link set ${link} up`),
		...ends.flatMap(({ interface: link, addresses, neighbors }) => [
			...addresses.map(
				(prefix) => `address add ${prefix} dev ${link}${prefix.includes(":") ? " nodad" : ""}`,
			),
			...neighbors.map(({ ip, mac }) => `neighbor add ${ip} lladdr ${mac} dev ${link} nud permanent`),
		]),
		...routes.map(({ to, via, end }) => `route add ${to} via ${via} dev ${end.interface} proto static`),
	];
}
