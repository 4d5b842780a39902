import { closeSync } from "node:fs";
import { type Lab, markOf } from "../kernel/lab.js";
import { inFresh, openCurrent } from "../kernel/netns.js";
import { NETLINK_ROUTE, NetlinkSocket } from "../kernel/socket.js";
import { changeLink, createVeth, deleteLink, type LinkSetting, type VethEnd } from "../netlink/link.js";
import type { LabObject } from "../plan/object.js";
import { pairName, sortEnds } from "../snapshot/identify.js";
import { IPV6_MIN_MTU, MAX_PEER_MTU } from "../topology/mtu.js";
import { splitEnd } from "../topology/names.js";
import { type EndName, HOST } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { setMtu, settle, updateSide } from "./veth-change.js";
import { actualSide, differences, type VethSide, wantedSide } from "./veth-side.js";

export interface Veth {
	/** In the order of {@link sortEnds}; one where the other is in somebody else's namespace. */
	ends: Record<EndName, VethSide>;
	/** The ifindexes are of the lab's choice and unique in it, as shared programs need. */
	numbered: boolean;
}

/** A veth pair: two interfaces, each the other's wire. */
export const veth: Kind<Veth> = {
	name: "veth",
	title: ["veth pair", "veth pairs"],
	declare: ({ topology }) => {
		const namespaces = new Map(topology.namespaces.map((namespace) => [namespace.name, namespace]));
		return topology.veths.map(({ ends }) =>
			vethObject(
				ends.map((end) => [end.name, wantedSide(end, namespaces.get(end.namespace))]),
				true,
			),
		);
	},
	observe: ({ pairs, lab }) =>
		pairs.map(({ ends, numbered }) =>
			vethObject(
				ends.map((end) => [end.name, actualSide(end, markOf(lab))]),
				numbered,
			),
		),
	equal: (desired, actual) =>
		actual.numbered &&
		Object.entries(desired.ends).every(([name, side]) => {
			const now = actual.ends[name as EndName];
			return now !== undefined && differences(side, now).length === 0;
		}),
	replaces: (from, to) =>
		!from.numbered ||
		Object.entries(to.ends).some(([name, side]) => {
			const now = from.ends[name as EndName];
			if (!now || now.queues.join() !== side.queues.join()) return true;
			// Below IPv6's least MTU the kernel forgets all IPv6 of the link, and nothing brings it back.
			return now.mtu < IPV6_MIN_MTU !== side.mtu < IPV6_MIN_MTU;
		}),
	// What a native program can take limits its peer's MTU (max_mtu, set by veth_xdp_set()): one that can
	// take more has to be there before.
	waits: (from, to) =>
		Object.entries(to.ends).some(([name, { mtu }]) => {
			const now = from.ends[name as EndName]?.mtu ?? mtu;
			return mtu > now && mtu > MAX_PEER_MTU;
		}),
	// A new MAC flushes the link's neighbours (neigh_changeaddr()); a link that is down has lost its
	// routes, neighbours and IPv6 addresses already, which the observation shows.
	takes: (from, to, other) =>
		other.kind === "neighbor" &&
		Object.entries(to.spec.ends).some(
			([name, side]) =>
				other.name.startsWith(`${name} `) && from.spec.ends[name as EndName]?.mac !== side.mac,
		),
	// An end in a namespace that stays would outlive the other's by as long as the kernel takes to clean up.
	lingers: ({ spec, within }, gone) =>
		Object.keys(spec.ends).some((name) => name.startsWith(`${HOST}:`)) ||
		within.some((namespace) => !gone.has(namespace)),
	prepare: (wanted, removed, lab) => {
		const names = (objects: readonly LabObject<Veth>[]) =>
			objects.flatMap(({ spec }) => sides(spec).map(([name]) => name));
		const gone = new Set(names(removed));
		const made = names(wanted).filter((name) => gone.has(name) || lab.ends.find(name) === undefined);
		lab.ends.foresee(made, gone);
	},
	create: createPairs,
	start: (objects, lab) => {
		forEach(objects, lab, ({ spec }) => {
			for (const [name] of sides(spec))
				lab.queue(splitEnd(name).namespace, changeLink(lab.ends.ifindex(name), { up: true }));
		});
		lab.flush();
		// A lab answers from its first packet: there is nothing left to come by itself.
		forEach(objects, lab, ({ spec }) => {
			for (const [name] of sides(spec)) lab.settleCarrier(name);
		});
	},
	update: (changes, lab) => {
		const before = new Map(changes.map(({ from, object }) => [object, from.spec]));
		forEach([...before.keys()], lab, (object) => {
			const ends = sides(object.spec);
			for (const [i, [end, side]] of ends.entries()) {
				const now = before.get(object)?.ends[end];
				if (!now) continue;
				updateSide(lab, end, now, side);
				if (now.mtu !== side.mtu) setMtu(lab, end, ends[1 - i]?.[0], side.mtu);
			}
		});
	},
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec }) => {
			const [[end] = []] = sides(spec);
			const { namespace } = splitEnd(end as EndName);
			if (lab.has(namespace)) lab.queue(namespace, deleteLink(lab.ends.ifindex(end as EndName)), GONE);
			for (const [name] of sides(spec)) lab.ends.remove(name);
		}),
	describe: ({ spec }) => {
		const mtus = [...new Set(sides(spec).map(([, { mtu }]) => mtu))];
		const names = sides(spec).map(([name]) => name);
		return `${names.join(" ")}${mtus.join() === "1500" ? "" : ` mtu ${mtus.join("/")}`}`;
	},
	describeChange: (from, to) =>
		from.numbered
			? sides(to)
					.flatMap(([name, side]) => {
						const now = from.ends[name];
						return now ? differences(side, now).map((text) => `${name} ${text}`) : [];
					})
					.join(", ")
			: "it was not made by xdp-apply: its ifindexes are not the lab's",
};

function sides({ ends }: Veth): [EndName, VethSide][] {
	return Object.entries(ends) as [EndName, VethSide][];
}

function vethObject(ends: [EndName, VethSide][], numbered: boolean): LabObject<Veth> {
	const byName = new Map(ends);
	const names = sortEnds([...byName.keys()]);
	return {
		kind: "veth",
		name: pairName(names),
		spec: {
			ends: Object.fromEntries(names.map((name) => [name, byName.get(name)])) as Veth["ends"],
			numbered,
		},
		within: [...new Set(names.map((name) => splitEnd(name).namespace))]
			.filter((namespace) => namespace !== HOST)
			.map((namespace) => `netns ${namespace}`),
		needs: [],
	};
}

/** Creates down, and settles what must be settled before IPv6 starts. */
function createPairs(objects: readonly LabObject<Veth>[], lab: Lab): void {
	const free = lab.ends.free();
	forEach(objects, lab, ({ spec }) => {
		const ends = sides(spec).map(([name, { mac, mtu, queues }]) => {
			const { namespace, interface: link } = splitEnd(name);
			const index = free.next().value;
			lab.ends.add(name, index);
			return {
				namespace,
				name: link,
				index,
				mac,
				mtu,
				queues: queues[0],
				netnsFd: lab.namespace(namespace).fd,
			};
		});
		const [one, other] = ends;
		if (!one || !other) throw new Error("a veth has two ends");
		if (one.namespace === HOST && other.namespace === HOST) createInHost(lab, one, other);
		// Each end is told its namespace: all pairs go through one socket, many at a time.
		else lab.queue(HOST, createVeth(one, other));
	});
	lab.flush();
	forEach(objects, lab, ({ spec }) => {
		for (const [name, side] of sides(spec)) {
			const { namespace } = splitEnd(name);
			// What comes into a namespace of the lab's own making starts with the values of its `default`.
			if (!lab.isFresh(namespace)) settle(lab, name, side, BEFORE_UP);
			// An end in `host` can outlive its peer's name; the alias then still says whose it is.
			if (namespace === HOST) lab.queue(HOST, changeLink(lab.ends.ifindex(name), { alias: lab.mark }));
		}
	});
}

/**
 * A pair with both ends in `host` has no marked namespace to be known by: it is made in a namespace
 * without a name, marked there, then moved. A crash on the way leaves nothing.
 */
function createInHost(lab: Lab, one: VethEnd, other: VethEnd): void {
	inFresh(() => {
		const netnsFd = openCurrent();
		const socket = new NetlinkSocket(NETLINK_ROUTE);
		try {
			socket.queue(createVeth({ ...one, netnsFd }, { ...other, netnsFd }), lab.owner);
			for (const { index } of [one, other]) socket.queue(changeLink(index, { alias: lab.mark }), lab.owner);
			for (const { index, netnsFd } of [one, other]) socket.queue(changeLink(index, { netnsFd }), lab.owner);
			socket.flush();
		} finally {
			socket.close();
			closeSync(netnsFd);
		}
	});
}

/** What must be settled before the link comes up: how IPv6 begins on it. Forwarding follows the namespace. */
const BEFORE_UP: readonly LinkSetting[] = ["ipv6.disable_ipv6", "ipv6.accept_dad", "ipv6.accept_ra"];

/** The id of the pair that an end of the topology is one of. */
export function pairOf(pairs: ReadonlyMap<EndName, string>, end: EndName): string {
	const pair = pairs.get(end);
	if (pair === undefined) throw new Error(`${end} is no end of the lab`);
	return pair;
}
