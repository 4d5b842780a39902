import type { Lab } from "../kernel/lab.js";
import { readRoutes } from "../kernel/read-namespace.js";
import * as netlink from "../netlink/route.js";
import type { LabObject } from "../plan/object.js";
import { HOST } from "../topology/topology.js";
import { displayNameOf, type Hop, isIpv6, type Place } from "./route-hops.js";

type Wanted = LabObject<Place & { hops: readonly Hop[] }>;

/**
 * Routes that hold the place of a wanted one and are not the lab's: the kernel takes one route of a prefix, a
 * type of service and a metric.
 * @returns a line for each: whose it is and what to do
 */
export function findHeld(wanted: readonly Wanted[], lab: Lab): string[] {
	const namespaces = [...new Set(wanted.map(({ spec }) => spec.namespace))].filter((name) => lab.has(name));
	return namespaces.flatMap((namespace) => {
		const ofNamespace = wanted.filter(({ spec }) => spec.namespace === namespace);
		const names = new Map(lab.links(namespace).map(({ index, name }) => [index, name]));
		return ([4, 6] as const).flatMap((family) => {
			const ofFamily = ofNamespace.filter(({ spec }) => isIpv6(spec.to) === (family === 6));
			if (ofFamily.length === 0) return [];
			const held = theirs(lab, namespace, family);
			return ofFamily.flatMap(({ spec }) => {
				const found = held.get(`${spec.to} ${spec.metric}`);
				return found ? [conflict(spec, found, names)] : [];
			});
		});
	});
}

/** The routes of a namespace that are not the lab's, by prefix and metric. */
function theirs(lab: Lab, namespace: string, family: 4 | 6): Map<string, netlink.Route> {
	const ours = new Set(lab.ends.ifindexes());
	const { route: socket } = lab.namespace(namespace);
	const isOurs = ({ protocol, hops }: netlink.Route): boolean => {
		const byLab =
			namespace === HOST
				? hops.length > 0 && hops.every(({ index }) => ours.has(index))
				: hops.length === 0 || hops.some(({ index }) => ours.has(index));
		return byLab && [netlink.RTPROT_KERNEL, netlink.RTPROT_BOOT, netlink.RTPROT_STATIC].includes(protocol);
	};
	const routes = readRoutes(socket, family, netlink.decodeRoute).filter((one) => !one.tos && !isOurs(one));
	return new Map(routes.map((one) => [`${one.to} ${one.metric}`, one]));
}

function conflict(
	spec: Wanted["spec"],
	{ type, hops, protocol }: netlink.Route,
	names: ReadonlyMap<number, string>,
): string {
	const by = hops.map(({ index }) => `dev ${names.get(index) ?? index}`).join(", ") || type;
	const proto = protocol === netlink.RTPROT_BOOT ? "" : `, proto ${netlink.protocolName(protocol)}`;
	return `a route ${displayNameOf(spec)} is there that is not this lab's (${by}${proto}): choose another metric, or remove it`;
}
