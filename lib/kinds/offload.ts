import type { Lab } from "../kernel/lab.js";
import { expandFeature } from "../netlink/feature-names.js";
import type { LabObject } from "../plan/object.js";
import type { Features } from "../snapshot/features.js";
import { splitEnd } from "../topology/names.js";
import type { EndName } from "../topology/topology.js";
import { forEach, type Kind } from "./kind.js";
import { pairOf } from "./veth.js";

export interface Offload {
	end: EndName;
	/** As `ethtool -K` takes it: `tx`, `tx-checksum-ip-generic`. */
	feature: string;
	/** "mixed" where a short name stands for several that differ. */
	state: "on" | "off" | "mixed";
	/** The device does not let it be changed, as TSO while the peer runs native XDP. */
	fixed?: true;
	/** Where the device does not let it be changed, its state is as good as another. */
	optional?: true;
}

/**
 * A feature of one of the lab's ends, on or off. What is compared is what was asked for, not what is
 * active: attaching XDP switches TSO and GSO off and GRO on by itself, and back again.
 */
export const offload: Kind<Offload> = {
	name: "offload",
	title: ["offload", "offloads"],
	declare: ({ offloads, pairs }) =>
		Array.from(offloads.values(), ({ end, feature, on, optional, reason }) => ({
			...object(end, feature, on ? "on" : "off", pairOf(pairs, end), optional),
			...(reason !== undefined && { reason }),
		})),
	ask: (objects) => objects.map(({ spec }) => ({ namespace: splitEnd(spec.end).namespace, features: true })),
	observe: ({ ends, wanted }) =>
		[...wanted.values()].flatMap((object) => {
			if (object.kind !== "offload") return [];
			const { end, feature } = (object as LabObject<Offload>).spec;
			const found = ends.get(end);
			const features = found?.namespace.features.get(found.link.index);
			if (!found || !features) return [];
			return [{ ...object, spec: { end, feature, ...stateOf(feature, features) }, within: [found.pair] }];
		}),
	equal: (desired, actual) =>
		desired.state === actual.state || (desired.optional === true && actual.fixed === true),
	create: set,
	update: (changes, lab) =>
		set(
			changes.map(({ object }) => object),
			lab,
		),
	remove: () => {},
	refuse: (wanted, _removed, lab) =>
		wanted.flatMap(({ spec: { end, feature, state, optional } }) =>
			!optional && isFixed(feature, state, lab.freshFeatures())
				? [`${end} cannot have the offload ${feature} ${state}: a veth does not let it be changed`]
				: [],
		),
	restores: ({ spec: { state } }) => state === "on" || state === "off",
	forget: (object, lab) => {
		const { end, feature } = object.spec;
		if (lab.ends.find(end) === undefined) return undefined;
		const { state } = stateOf(feature, lab.freshFeatures());
		const reason = "no longer needed: as a new veth has it";
		return { ...object, spec: { end, feature, state, optional: true }, reason, late: true };
	},
	describe: ({ spec: { end, feature, state } }) => `${end} ${feature} ${state}`,
	describeChange: (from, to) => `${from.state}${from.fixed ? " (fixed)" : ""} → ${to.state}`,
};

function isFixed(feature: string, wanted: Offload["state"], fresh: Features): boolean {
	const { state, fixed } = stateOf(feature, fresh);
	return fixed === true && state !== wanted;
}

function stateOf(
	feature: string,
	{ changeable, wanted, active }: Features,
): Pick<Offload, "state" | "fixed"> {
	const names = expandFeature(feature, changeable);
	if (names.length === 0)
		return { state: expandFeature(feature, active).length > 0 ? "on" : "off", fixed: true };
	const on = names.filter((name) => wanted.has(name)).length;
	return { state: on === 0 ? "off" : on === names.length ? "on" : "mixed" };
}

function object(
	end: EndName,
	feature: string,
	state: Offload["state"],
	pair: string,
	optional?: true,
): LabObject<Offload> {
	return {
		kind: "offload",
		name: `${end} ${feature}`,
		spec: { end, feature, state, ...(optional && { optional }) },
		within: [pair],
		needs: [],
	};
}

function set(objects: readonly LabObject<Offload>[], lab: Lab): void {
	forEach(objects, lab, ({ spec: { end, feature, state } }) => {
		const names = expandFeature(feature, lab.featureNames(end));
		lab.setFeatures(end, new Map(names.map((name) => [name, state === "on"])));
	});
}
