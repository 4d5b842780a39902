import type { EndName, Protocol, XdpAction } from "../topology/topology.js";

/** What came of an `expect` list: plain data, from which every form of the report is made. */
export interface VerifyReport {
	lab: string;
	/** The lab is what its topology says, and nothing failed. */
	ok: boolean;
	milliseconds: number;
	/** In the order of the list. */
	checks: CheckReport[];
	/** Expectations that were not tried, as something had failed before: `--fail-fast`. */
	untried: UntriedReport[];
	/** How the lab differs from its topology, or from the file that was given, in the plan's words. */
	drift: string[];
}

export interface UntriedReport {
	/** The expectation's name, or `uno reaches dos:veth0 by ping, TCP and UDP`. */
	title: string;
	/** Line of the topology file, from 1; 0 if the topology is of a document that a program has made. */
	line: number;
}

/** One expectation. */
export interface CheckReport extends UntriedReport {
	ok: boolean;
	milliseconds: number;
	/** The most that any of its traffic was tried. */
	attempts: number;
	/** What was sent, as it was seen the last time. */
	flows: FlowReport[];
	actions: ActionReport[];
	/** Likely causes of a failure, found by looking at the lab. */
	causes: string[];
}

/** The traffic of one protocol over one address family. */
export interface FlowReport {
	protocol: Protocol;
	family: 4 | 6;
	address: string;
	/** Where the expectation names one. */
	port?: number;
	/** It came through if it should, and did not if it should not. */
	ok: boolean;
	/** `0 of 3 replies` */
	detail: string;
	attempts: number;
	/** Of all attempts. */
	milliseconds: number;
}

/** Packets by what became of them; without what is not counted apart, as `XDP_ABORTED` of a veth is not. */
export type Packets = Partial<Record<XdpAction, number>>;

/** What an end counted of the traffic. */
export interface ActionReport {
	end: EndName;
	action: XdpAction;
	/** The traffic that was to be counted: `TCP to 10.0.2.2`. */
	of: string;
	ok: boolean;
	/** Null where nobody counts: no program, or in generic mode one that does not count itself. */
	counts: Packets | null;
	/** The packets that the traffic had at least. */
	least: number;
	/** Other traffic is counted by the same action there, and cannot be told from what was sent. */
	disturbed?: true;
}
