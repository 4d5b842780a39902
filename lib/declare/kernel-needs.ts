import { endsOf } from "../btf/encoded.js";
import { MAX_PEER_MTU } from "../topology/mtu.js";
import { type End, type EndName, HOST, type Namespace } from "../topology/topology.js";
import type { Requirements } from "./requirements.js";

/** A feature of the kernel by its name in the table of lib/kernel/features.ts. */
export type KernelFeature = "xdp.frags" | "multi-buffer redirect" | "force_forwarding";

/** Something that a file asks for and that a kernel without the feature does not do. */
export interface KernelNeed {
	feature: KernelFeature;
	/** Interfaces between which packets are lost without the feature. */
	between: readonly EndName[];
	loses: "large packets" | "IPv6";
	/** Sentence that says what the kernel does instead, up to the remedy. */
	without: string;
	/** A remedy other than a newer kernel. */
	or?: string;
}

/** Needs of a topology that not every kernel fulfils, in the order of the namespaces. */
export function kernelNeeds(requirements: Requirements): KernelNeed[] {
	return requirements.topology.namespaces.flatMap((namespace) => [
		...largeFrames(requirements, namespace),
		...ipv6InHost(requirements, namespace),
	]);
}

/**
 * Frames beyond one page have several buffers on a veth (veth_convert_skb_to_xdp_buff() of
 * drivers/net/veth.c). In generic mode a frame is made one buffer before the program runs.
 */
function largeFrames(requirements: Requirements, { name, forwarding }: Namespace): KernelNeed[] {
	const routes = [...modeRoutes(name, forwarding), ...programRoutes(requirements, name)];
	const isLarge = (end: EndName) => (requirements.ends.get(end)?.mtu ?? 0) > MAX_PEER_MTU;
	const large = routes.filter(([from, to]) => from !== to && isLarge(from) && isLarge(to));
	const between = [...new Set(large.flat())];
	if (between.length === 0) return [];
	return [
		{
			feature: "multi-buffer redirect",
			between,
			loses: "large packets",
			without: `${name}: this kernel drops packets of more than ${MAX_PEER_MTU} bytes that XDP redirects between ${listOf(between)}`,
			or: `an \`mtu\` of at most ${MAX_PEER_MTU}`,
		},
	];
}

type Route = readonly [from: EndName, to: EndName];

/** Ways of frames through a namespace that its forwarding mode redirects in native mode. */
function modeRoutes(namespace: string, forwarding: Namespace["forwarding"]): Route[] {
	if (!forwarding || forwarding.mode === "kernel" || forwarding.attach !== "native") return [];
	const end = (name: string): EndName => `${namespace}:${name}`;
	if (forwarding.mode !== "fib") return forwarding.redirect.map(({ from, to }) => [end(from), end(to)]);
	const ends = forwarding.interfaces.map(end);
	return ends.flatMap((from) => ends.map((to): Route => [from, to]));
}

/** The same of programs of the file's own, which may redirect to each interface that they are given. */
function programRoutes({ attachments, ends, own }: Requirements, namespace: string): Route[] {
	return [...attachments].flatMap(([from, { program, attach }]) => {
		const declared = own.get(program);
		if (!declared || attach !== "native" || ends.get(from)?.namespace !== namespace) return [];
		const values = [
			...declared.globals.map(({ value }) => value),
			...declared.entries.flatMap(({ key, value }) => [key, value]),
		];
		return values.flatMap(endsOf).map((to): Route => [from, to]);
	});
}

/** In `host` the global switch of IPv6 forwarding is left alone: {@link forwardingSysctls}. */
function ipv6InHost({ ends }: Requirements, { name, forwarding }: Namespace): KernelNeed[] {
	if (name !== HOST || forwarding?.mode !== "kernel") return [];
	const between = [...ends.values()].filter((end) => end.namespace === HOST && hasIpv6(end));
	if (between.length === 0) return [];
	return [
		{
			feature: "force_forwarding",
			between: between.map((end) => end.name),
			loses: "IPv6",
			without: "host: this kernel has no `force_forwarding`, so the lab's IPv6 is not forwarded",
			or: "`sysctl net.ipv6.conf.all.forwarding=1`, which makes the whole machine a router",
		},
	];
}

/** Link-local addresses are not forwarded. */
function hasIpv6({ addresses }: End): boolean {
	return addresses.some((address) => address.includes(":") && !/^fe[89ab]/.test(address));
}

function listOf(names: readonly string[]): string {
	return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
