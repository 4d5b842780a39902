import type { BuiltinName, RedirectValue, Value } from "../programs/builtin.js";
import type { Attach, End, EndName, Program, Topology } from "../topology/topology.js";

/**
 * What a topology comes to once every forwarding mode is spelled out: the file's own words and what
 * follows from them, each with its reason. The kinds turn this into objects.
 */
export interface Requirements {
	topology: Topology;
	ends: ReadonlyMap<EndName, End>;
	/** The other end of a pair. */
	peers: ReadonlyMap<EndName, End>;
	/** The id of the veth object that an end is one of. */
	pairs: ReadonlyMap<EndName, string>;
	/** Those built in, by name. */
	programs: Map<string, ProgramRequirement>;
	/** The file's own that something uses, by name. */
	own: Map<string, Program>;
	attachments: Map<EndName, AttachmentRequirement>;
	entries: EntryRequirement[];
	sysctls: SysctlRequirement[];
	/** By end and feature. */
	offloads: Map<`${EndName} ${string}`, OffloadRequirement>;
	/** What will not work although it is legal. */
	warnings: string[];
}

export interface ProgramRequirement {
	builtin: BuiltinName;
	/** `const volatile` variables of one byte. */
	globals: Record<string, boolean>;
	/** The frozen table by ingress end. */
	constants: Record<EndName, RedirectValue>;
	reason?: string;
}

export interface AttachmentRequirement {
	/** A key of `programs` or `own`. */
	program: string;
	attach: Attach;
	/** It is there so that the peer can send, and is to be attached before the peer's program. */
	prepares?: boolean;
	reason?: string;
}

/** An entry of a map by port. */
export interface EntryRequirement {
	program: string;
	map: string;
	/** The end whose port is the key. */
	key: EndName;
	value: Value;
	reason?: string;
}

export interface SysctlRequirement {
	namespace: string;
	name: string;
	value: string;
	/** Where the kernel has no such name, that is no difference. */
	optional?: boolean;
	reason?: string;
}

export interface OffloadRequirement {
	end: EndName;
	/** As `ethtool -K` takes it. */
	feature: string;
	on: boolean;
	/** A device that does not let it be changed is as good. */
	optional?: true;
	reason?: string;
}
