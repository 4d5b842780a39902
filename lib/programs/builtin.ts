/** The programs of bpf/, as user space knows them: what has to be set, and how their maps are laid out. */
import { mac, u32 } from "../netlink/attribute.js";

/** A value of a map, with names where the kernel has numbers. */
export type Value = { ifindex: string } | { source: string; destination: string } | RedirectValue;
export interface RedirectValue {
	ifindex: string;
	source: string;
	destination: string;
}

/** From and to the bytes of a map, given how an end's name and its ifindex go together. */
export interface Layout {
	size: number;
	encode(value: Value, ifindexOf: (end: string) => number): Buffer;
	decode(bytes: Buffer, endOf: (ifindex: number) => string): Value;
}

/** `__u32 ifindex`, host byte order. */
const ifindex: Layout = {
	size: 4,
	encode: (value, ifindexOf) => Buffer.from(u32.encode(ifindexOf((value as RedirectValue).ifindex))),
	decode: (bytes, endOf) => ({ ifindex: endOf(u32.decode(bytes)) }),
};

/** `struct macs { __u8 destination[6], source[6]; }`, as an Ethernet header begins. */
const macs: Layout = {
	size: 12,
	encode: (value) => {
		const { source, destination } = value as RedirectValue;
		return Buffer.concat([mac.encode(destination), mac.encode(source)]);
	},
	decode: (bytes) => ({
		source: mac.decode(bytes.subarray(6, 12)),
		destination: mac.decode(bytes.subarray(0, 6)),
	}),
};

/** `struct redirect { struct macs macs; __u32 ifindex; }` */
const redirect: Layout = {
	size: 16,
	encode: (value, ifindexOf) =>
		Buffer.concat([macs.encode(value, ifindexOf), ifindex.encode(value, ifindexOf)]),
	decode: (bytes, endOf) =>
		({ ...macs.decode(bytes, endOf), ...ifindex.decode(bytes.subarray(12), endOf) }) as RedirectValue,
};

export interface Builtin {
	/** The name of its function in the object. */
	function: string;
	/** Maps with one entry a port; their max_entries is the lab's number of ports. */
	byPort: readonly string[];
	/** The maps that user space fills, keyed by port (`__u32`, host byte order). */
	maps: Readonly<Record<string, Layout>>;
	/** Constants by port, behind the counters of each CPU: filled and frozen before anything is attached. */
	constants?: Layout;
}

/** By the name under which a topology knows it, which is also that of its object: `pass.bpf.o`. */
export const BUILTINS = {
	pass: { function: "xdp_pass", byPort: ["counters"], maps: {} },
	drop: { function: "xdp_drop", byPort: ["counters"], maps: {} },
	"icmp-echo": { function: "xdp_icmp_echo", byPort: ["counters"], maps: {} },
	hardcoded: {
		function: "xdp_hardcoded",
		byPort: ["counters"],
		maps: {},
		constants: redirect,
	},
	map: {
		function: "xdp_map",
		byPort: ["counters", "redirects", "ports", "macs"],
		maps: { redirects: ifindex, ports: ifindex, macs },
	},
	fib: { function: "xdp_fib", byPort: ["counters", "ports"], maps: { ports: ifindex } },
} as const satisfies Record<string, Builtin>;

export type BuiltinName = keyof typeof BUILTINS;

export function isBuiltin(name: string): name is BuiltinName {
	return Object.hasOwn(BUILTINS, name);
}

/** The definition of a built-in program, with the optional fields that it may lack. */
export function builtin(name: BuiltinName): Builtin {
	return BUILTINS[name];
}

/** Programs that answer a frame on the interface that it came by (`XDP_TX`). */
export const ANSWERS: ReadonlySet<string> = new Set<BuiltinName>(["icmp-echo"]);
