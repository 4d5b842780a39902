import type { Encoded } from "../btf/encoded.js";
import type { FilePosition, Place } from "./source.js";

/**
 * A topology as the rest of the program sees it: validated, every default
 * applied, every derived value (MACs, sides, references) resolved. Plain data.
 */

/** `NAMESPACE:INTERFACE`, the name of one end of a veth pair. */
export type EndName = `${string}:${string}`;

/** The name under which a topology speaks of the namespace a command runs in. */
export const HOST = "host";

export interface Topology {
	/** The lab's name. */
	name: string;
	/** In the order of the file; `host` is first when the file uses it, declared or not. */
	namespaces: Namespace[];
	veths: Veth[];
	/** The file's own, in its order; those built in need no declaration. */
	programs: Program[];
	/** What must hold once the lab is up, in the order of the file. */
	expect: Expectation[];
	/** Legal but doubtful things, each with a position; shown, never fatal. */
	warnings: Warning[];
}

/** Something legal but doubtful: at a line and a column of a text, or at a path of a document. */
export interface Warning extends Omit<Place, "length"> {
	message: string;
	/** What another tool says about it, in lines of its own: a compiler's warnings. */
	detail?: string;
}

export interface Namespace {
	name: string;
	/** Addresses on `lo`, as those of an {@link End}; absent where the file gives none. */
	addresses?: string[];
	/** Absent where the namespace does not forward. */
	forwarding?: Forwarding;
	/** Static routes, `gateway` included (as `to: "default"`). */
	routes: Route[];
	/** The entries that the file itself lists, not those that follow from a veth. */
	neighbors: Neighbor[];
	/** `neighbors: learned`: leave the neighbours of this namespace to ARP and ND. */
	learned: boolean;
	/** Value by sysctl(8) name with dots: `net.ipv4.ip_forward`; an interface's own dots are `/`. */
	sysctls: Record<string, string>;
}

export type Attach = "native" | "generic";

/** How the peers of the ends that packets leave through are made ready. */
export type Peers = "program" | "gro";

export type Forwarding =
	| { mode: "kernel" }
	| {
			mode: "hardcoded" | "map";
			/** Interface names of this namespace: what arrives on `from` leaves through `to`. */
			redirect: { from: string; to: string }[];
			attach: Attach;
			peers: Peers;
	  }
	| {
			mode: "fib";
			/** Interface names of this namespace, in the file's order of veths unless listed. */
			interfaces: string[];
			cache: boolean;
			attach: Attach;
			peers: Peers;
	  };

export type RouteType = "unicast" | "blackhole" | "unreachable" | "prohibit";

export interface Route {
	family: 4 | 6;
	/** A canonical prefix (host bits cleared, RFC 5952): `10.2.0.0/24`; `default` is `0.0.0.0/0` or `::/0`. */
	to: string;
	/** Next hops; more than one are equal-cost paths; none for a route that is only an interface or not unicast. */
	via: NextHop[];
	/** The output interface of a route without a next hop. */
	interface?: string;
	metric?: number;
	type: RouteType;
	/** Preferred source address. */
	source?: string;
}

export interface NextHop {
	/** Of an IPv4 route also IPv6. */
	address: string;
	interface: string;
	/** Its share among equal-cost paths, at least 2; absent where it is 1. */
	weight?: number;
	/** It is on the interface's link, whatever subnets and other routes say. */
	onlink?: true;
}

export interface Neighbor {
	/** Canonical address. */
	ip: string;
	/** Lower case, colons. */
	mac: string;
	interface: string;
}

/** An interface by its addresses: an end, or a namespace's `lo`. */
export type Addressed = Pick<End, "name" | "namespace" | "addresses">;

export interface Veth {
	ends: [End, End];
}

export interface End {
	name: EndName;
	namespace: string;
	interface: string;
	/** Canonical addresses with prefix length, host bits kept: `10.1.0.2/24`, `fc00:1::2/64`. */
	addresses: string[];
	/** Given, or derived from the lab's and the end's name. Lower case, colons. */
	mac: string;
	mtu: number;
	/** What the file itself says of this end; absent where it says nothing. */
	xdp?: { program: string; attach: Attach } | "none";
	/** On or off by the feature's canonical name: `tx`, `gro`, `tx-checksum-ip-generic`. */
	offloads: Record<string, boolean>;
}

/** A program of the file's own, and what its object came to. */
export interface Program {
	name: string;
	/** The object's absolute path. */
	path: string;
	/** @internal Digest of the object's content. */
	digest: string;
	/** What the file calls it: `custom.bpf.c`. */
	origin: string;
	/** Where the file says so. */
	at: FilePosition;
	/** It was compiled from a source. */
	compiled: boolean;
	/** Its C function. */
	function: string;
	/** Where it runs: on an interface, or on what a map of devices or of CPUs has redirected. */
	place: "interface" | "devmap" | "cpumap";
	/** It takes frames in several buffers, and so a peer of any MTU. */
	frags: boolean;
	/** @internal The maps that its object defines. */
	maps: ProgramMap[];
	/** @internal */
	globals: Global[];
	/** @internal */
	entries: MapEntry[];
	/** The absolute path of the folder in which its maps are pinned. */
	pin?: string;
}

export interface ProgramMap {
	name: string;
	/** enum bpf_map_type of <linux/bpf.h>. */
	type: number;
	/** All that must be the same for a map to keep its content under another program. */
	definition: string;
	/** Its values have timers, which need a reference from user space. */
	timer: boolean;
	/** It may hold no entries but those of the file. */
	exact: boolean;
	/** The room that it is given, where that is not what the object says. */
	maxEntries?: number;
	/** Its keys are ifindexes, and it has room for those below max_entries only. */
	byIfindex: boolean;
}

/** The value that a global variable has when the program is loaded. */
export interface Global {
	name: string;
	/** As the file writes it: `XDP_PASS`. */
	text: string;
	value: Encoded;
}

export interface MapEntry {
	map: string;
	/** The key as the file writes it: `10.0.0.0/8`. */
	label: string;
	key: Encoded;
	/** The value as the file writes it: `XDP_PASS`. */
	text: string;
	value: Encoded;
	/** It is written where it is missing, and what the program makes of it is left alone. */
	initial?: true;
	/** The program that runs on what the entry redirects; its descriptor is the value's last 4 bytes. */
	program?: string;
	/** The CPU that is the key of a cpumap's entry, and where the file says so: the machine must have it. */
	cpu?: { number: number; at: FilePosition };
	/** What the value stands for: a map or a function of the same object. */
	target?: EntryTarget;
}

export type EntryTarget = { map: string } | { function: string };

export type Protocol = "ping" | "tcp" | "udp";

/** What a program makes of a frame: enum xdp_action of <linux/bpf.h>. */
export type XdpAction = "XDP_ABORTED" | "XDP_DROP" | "XDP_PASS" | "XDP_TX" | "XDP_REDIRECT";

/** Traffic between two places, and what must become of it. */
export interface Expectation {
	/** Line of the file that says it, from 1; 0 if the topology is of a document that a program has made. */
	line: number;
	/** What reports call it; no two expectations have the same. */
	name?: string;
	/** `reach` is all of them. */
	protocols: Protocol[];
	/** The namespace that sends; with `end`, from an address of that end. */
	from: { namespace: string; end?: EndName };
	/** An end, or a namespace's `lo`. */
	to: EndName;
	/** Of TCP and UDP; absent where any will do. */
	port?: number;
	/** UDP datagrams over each address family. */
	packets: number;
	/** False where nothing may come through. */
	reachable: boolean;
	/** The action that must count this traffic, by end. */
	actions: Record<EndName, XdpAction>;
}
