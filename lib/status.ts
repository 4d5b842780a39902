import { requireCapabilities } from "./kernel/capabilities.js";
import { Lab } from "./kernel/lab.js";
import { listLabs, notUp } from "./kernel/labs.js";
import { inspectState } from "./kernel/state.js";
import { requireHost } from "./kernel/whereabouts.js";
import { addressesOnLo } from "./kinds/address.js";
import { kindOf } from "./kinds/registry.js";
import { NONE } from "./plan/object.js";
import { type PlanDocument, planDocument } from "./plan/render.js";
import { declare, look } from "./reconcile.js";
import type { LabEnd, Snapshot } from "./snapshot/snapshot.js";
import type { EndName, Forwarding, Topology } from "./topology/topology.js";

/** A lab as it is in the kernel, compared with what was applied last. */
export interface LabStatus {
	lab: string;
	namespaces: NamespaceStatus[];
	/** What an apply of the same topology would do now; null where it is not known what was applied. */
	drift: PlanDocument | null;
	/** Why it is not known, where what was remembered cannot be used. */
	warnings: string[];
}

export interface NamespaceStatus {
	name: string;
	/** `hardcoded`, `map`, `fib`, `kernel`; null where the namespace does not forward, or nobody knows. */
	forwarding: Forwarding["mode"] | null;
	/** On `lo`, with prefix length: of a namespace of the lab's, without the kernel's own. */
	addresses: string[];
	ends: EndStatus[];
}

export interface EndStatus {
	name: EndName;
	/** Null where the other end is in somebody else's namespace. */
	peer: EndName | null;
	ifindex: number;
	up: boolean;
	mac: string;
	/** Bytes. */
	mtu: number;
	/** With prefix length, link-local ones of the kernel's among them. */
	addresses: string[];
	xdp: ProgramStatus[];
}

export interface ProgramStatus {
	mode: "native" | "generic" | "offload";
	id: number;
	/** The lab's name of it, or, where it is not the lab's, that of its function. */
	name: string;
	/** Hash of the instructions, 16 hex digits, as bpftool(8) shows it. */
	tag: string;
	/** It was loaded by an apply of this lab. */
	ours: boolean;
}

/**
 * What a lab consists of and how it differs from what was applied. Needs no file and changes nothing.
 * @throws UsageError where no such lab is up
 * @throws UnsupportedError where this machine or user cannot
 */
export function status(name: string): LabStatus {
	requireCapabilities();
	const labs = listLabs();
	if (!labs.includes(name)) throw notUp(name, labs);
	const { state, damage } = inspectState(name);
	requireHost(state);
	const lab = new Lab(name);
	lab.recall(state);
	try {
		const { objects, warnings } = state ? declare(state.topology) : { objects: NONE, warnings: [] };
		const { snapshot, plan } = look(lab, objects);
		return {
			lab: name,
			namespaces: describeNamespaces(snapshot, state?.topology),
			drift: state ? planDocument(name, plan, warnings, (kind) => kindOf({ kind })) : null,
			warnings: damage === undefined ? [] : [damage],
		};
	} finally {
		lab.closeAll();
	}
}

function describeNamespaces(snapshot: Snapshot, topology: Topology | undefined): NamespaceStatus[] {
	const declared = new Map(topology?.namespaces.map((namespace) => [namespace.name, namespace]));
	const order = [...new Set([...declared.keys(), ...snapshot.namespaces.keys()])];
	return order.flatMap((name) => {
		const ends = snapshot.pairs.flatMap(({ ends }) =>
			ends
				.filter(({ namespace }) => namespace.name === name)
				.map((end) =>
					describeEnd(
						snapshot,
						end,
						ends.find((other) => other !== end),
					),
				),
		);
		const namespace = snapshot.namespaces.get(name);
		if (!namespace || (ends.length === 0 && !namespace.made)) return [];
		ends.sort((a, b) => a.ifindex - b.ifindex);
		const forwarding = declared.get(name)?.forwarding?.mode ?? null;
		return [{ name, forwarding, addresses: namespace.made ? addressesOnLo(namespace) : [], ends }];
	});
}

function describeEnd({ programs }: Snapshot, { name, link, namespace }: LabEnd, peer?: LabEnd): EndStatus {
	return {
		name,
		peer: peer?.name ?? null,
		ifindex: link.index,
		up: link.up,
		mac: link.mac,
		mtu: link.mtu,
		addresses: namespace.addresses.filter(({ index }) => index === link.index).map(({ prefix }) => prefix),
		xdp: link.xdp.map(({ mode, id }) => {
			const program = programs.get(id);
			const ours = program?.label !== undefined;
			return {
				mode,
				id,
				name: program?.label?.program ?? program?.name ?? "",
				tag: program?.tag ?? "",
				ours,
			};
		}),
	};
}
