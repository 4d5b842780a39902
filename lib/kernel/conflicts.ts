import { closeSync } from "node:fs";
import type { Snapshot } from "../snapshot/snapshot.js";
import { HOST, type Topology } from "../topology/topology.js";
import { type Lab, labOfMark } from "./lab.js";
import { isSomethingElse, listNames, NETNS_DIRECTORY, openNamed } from "./netns.js";
import { ownerOf } from "./observe.js";

/**
 * Names that the topology wants and that something holds which is not the lab's. Nothing of somebody
 * else's is ever taken over.
 * @returns a line for each: what holds the name and what to do
 */
export function findConflicts(lab: Lab, topology: Topology, snapshot: Snapshot): string[] {
	return [...namespaceConflicts(lab, topology, snapshot), ...linkConflicts(topology, snapshot)];
}

function namespaceConflicts(lab: Lab, { namespaces }: Topology, snapshot: Snapshot): string[] {
	const taken = new Set(listNames());
	return namespaces.flatMap(({ name }) => {
		if (name === HOST || !taken.has(name) || snapshot.namespaces.has(name)) return [];
		const fd = openNamed(name);
		if (fd === undefined) return isSomethingElse(name) ? [notANamespace(name)] : [];
		closeSync(fd);
		const owner = ownerOf(lab, name);
		// Made since the observation, by another command: the lock keeps that from an apply.
		if (owner === lab.name) return [];
		return owner === undefined
			? [
					`namespace ${name} exists and was not made by xdp-apply: choose another name, or \`ip netns del ${name}\``,
				]
			: [belongsTo(`namespace ${name}`, owner)];
	});
}

function belongsTo(what: string, lab: string): string {
	return `${what} belongs to lab ${lab}: choose another name, or \`xdp-destroy ${lab}\``;
}

function notANamespace(name: string): string {
	return `${NETNS_DIRECTORY}/${name} is there and is no namespace: choose another name, or remove it`;
}

function linkConflicts({ name: lab, veths }: Topology, { namespaces, ends }: Snapshot): string[] {
	return veths
		.flatMap(({ ends }) => ends)
		.flatMap(({ name, namespace, interface: link }) => {
			if (ends.has(name)) return [];
			const found = namespaces.get(namespace)?.links.find((one) => one.name === link);
			if (!found) return [];
			const owner = labOfMark(found.alias);
			if (owner !== undefined && owner !== lab) return [belongsTo(name, owner)];
			const alias = found.alias === undefined ? "" : `, alias ${JSON.stringify(found.alias)}`;
			return [
				`${name} is held by a link that is not this lab's (${found.kind ?? "a device"}, ifindex ${found.index}${alias}): choose another name, or remove it`,
			];
		});
}
