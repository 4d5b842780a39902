import { closeSync } from "node:fs";
import { groupBy } from "../group-by.js";
import type { Snapshot } from "../snapshot/snapshot.js";
import { HOST, type Topology } from "../topology/topology.js";
import { type Lab, labOfMark } from "./lab.js";
import { isSomethingElse, listNames, NETNS_DIRECTORY, openNamed } from "./netns.js";
import { ownerOf } from "./observe.js";

/** A name that the topology wants and that something else holds. */
interface Conflict {
	/** `namespace uno`, `host:uno` */
	what: string;
	/** Lab that has the name already; absent if no lab has the name. */
	lab?: string;
	/** What holds it and what to do, where it is no lab's. */
	message?: string;
}

/**
 * Names that the topology wants and that something holds which is not the lab's. Nothing of somebody
 * else's is ever taken over.
 * @returns a line for each lab that holds some, and one for each other name: what to do about it
 */
export function findConflicts(lab: Lab, topology: Topology, snapshot: Snapshot): string[] {
	const conflicts = [...namespaceConflicts(lab, topology, snapshot), ...linkConflicts(topology, snapshot)];
	const byLab = groupBy(
		conflicts.filter((one) => one.lab !== undefined),
		({ lab = "" }) => lab,
	);
	return [
		...Array.from(byLab, ([owner, held]) => heldBy(owner, held)),
		...conflicts.flatMap(({ message }) => message ?? []),
	];
}

/** Names of one lab that a message lists. */
const SHOWN = 8;

function heldBy(lab: string, held: readonly Conflict[]): string {
	const one = held.length === 1;
	const names = held.slice(0, SHOWN).map(({ what }) => (one ? what : what.replace("namespace ", "")));
	const more = held.length > SHOWN ? ` and ${held.length - SHOWN} more names` : "";
	return `${names.join(", ")}${more} ${one ? "belongs" : "belong"} to lab ${lab}: \`xdp-destroy ${lab}\` removes it`;
}

function namespaceConflicts(lab: Lab, { namespaces }: Topology, snapshot: Snapshot): Conflict[] {
	const taken = new Set(listNames());
	return namespaces.flatMap(({ name }): Conflict[] => {
		const what = `namespace ${name}`;
		if (name === HOST || !taken.has(name) || snapshot.namespaces.has(name)) return [];
		const fd = openNamed(name);
		if (fd === undefined) return isSomethingElse(name) ? [{ what, message: notANamespace(name) }] : [];
		closeSync(fd);
		const owner = ownerOf(lab, name);
		// Made since the observation, by another command: the lock keeps that from an apply.
		if (owner === lab.name) return [];
		if (owner !== undefined) return [{ what, lab: owner }];
		const message = `${what} exists and was not made by xdp-apply: choose another name, or \`ip netns del ${name}\``;
		return [{ what, message }];
	});
}

function notANamespace(name: string): string {
	return `${NETNS_DIRECTORY}/${name} is there and is no namespace: choose another name, or remove it`;
}

function linkConflicts({ name: lab, veths }: Topology, { namespaces, ends }: Snapshot): Conflict[] {
	return veths
		.flatMap(({ ends }) => ends)
		.flatMap(({ name, namespace, interface: link }): Conflict[] => {
			if (ends.has(name)) return [];
			const found = namespaces.get(namespace)?.links.find((one) => one.name === link);
			if (!found) return [];
			const owner = labOfMark(found.alias);
			if (owner !== undefined && owner !== lab) return [{ what: name, lab: owner }];
			const alias = found.alias === undefined ? "" : `, alias ${JSON.stringify(found.alias)}`;
			const message = `${name} is held by a link that is not this lab's (${found.kind ?? "a device"}, ifindex ${found.index}${alias}): choose another name, or remove it`;
			return [{ what: name, message }];
		});
}
