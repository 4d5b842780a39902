import { closeSync } from "node:fs";
import { NetlinkError } from "../errors.js";
import { type Lab, markOf } from "../kernel/lab.js";
import { inFresh, openCurrent } from "../kernel/netns.js";
import { NETLINK_ROUTE, NetlinkSocket } from "../kernel/socket.js";
import { deleteAddress, isOfMac, linkLocal, setAddress } from "../netlink/address.js";
import {
	changeLink,
	createVeth,
	deleteLink,
	type LinkSetting,
	setXdp,
	type VethEnd,
} from "../netlink/link.js";
import type { LabObject } from "../plan/object.js";
import { ofLink } from "../snapshot/by-link.js";
import { pairName, sortEnds } from "../snapshot/identify.js";
import type { LabEnd } from "../snapshot/snapshot.js";
import { IPV6_MIN_MTU, MAX_PEER_MTU } from "../topology/mtu.js";
import { splitEnd } from "../topology/names.js";
import { type End, type EndName, HOST, type Namespace } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";

export interface Veth {
	/** In the order of {@link sortEnds}; one where the other is in somebody else's namespace. */
	ends: Record<EndName, VethSide>;
	/** The ifindexes are of the lab's choice and unique in it, as shared programs need. */
	numbered: boolean;
}

interface VethSide {
	mac: string;
	/** Addresses that the kernel has made of this MAC or another; none are asked for. */
	linkLocal: string[];
	mtu: number;
	up: boolean;
	/** Of an end in `host`: it can outlive its peer's name, and the alias then still says whose it is. */
	marked: boolean;
	/** Receive and transmit queues. */
	queues: [rx: number, tx: number];
	/** Of the interface's own; null where that is not looked at, as the file sets it or it has no IPv6. */
	settings: Record<LinkSetting, number | null>;
}

/** One queue each way: packets of a lab keep their order, and native XDP needs as many at both ends. */
const QUEUES = 1;

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
	create: createPairs,
	start: (objects, lab) => {
		forEach(objects, lab, ({ spec }) => {
			for (const [name] of sides(spec))
				lab.queue(splitEnd(name).namespace, changeLink(lab.ifindex(name), { up: true }));
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
			if (lab.has(namespace)) lab.queue(namespace, deleteLink(lab.ifindex(end as EndName)), GONE);
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

function wantedSide(end: End, namespace: Namespace | undefined): VethSide {
	const sysctls = namespace?.sysctls ?? {};
	const link = end.interface.replaceAll(".", "/");
	const forwards = namespace?.forwarding ? 1 : 0;
	const unlessTold = (setting: LinkSetting, value: number, ...names: string[]): number | null => {
		const [family, name] = setting.split(".");
		if (family === "ipv6" && end.mtu < IPV6_MIN_MTU) return null;
		const own = `net.${family}.conf.${link}.${name}`;
		return [own, ...names].some((sysctl) => sysctls[sysctl] !== undefined) ? null : value;
	};
	// In `host` they are objects of their own, with the reason why they are set. What the file says of a whole
	// namespace holds for its interfaces.
	const forwarding = (setting: LinkSetting, all: string) =>
		end.namespace === HOST ? null : unlessTold(setting, Number(sysctls[all] ?? forwards));
	return {
		mac: end.mac,
		linkLocal: [],
		mtu: end.mtu,
		up: true,
		marked: end.namespace === HOST,
		queues: [QUEUES, QUEUES],
		settings: {
			"ipv4.forwarding": forwarding("ipv4.forwarding", "net.ipv4.ip_forward"),
			"ipv6.forwarding": forwarding("ipv6.forwarding", "net.ipv6.conf.all.forwarding"),
			"ipv6.disable_ipv6": unlessTold(
				"ipv6.disable_ipv6",
				0,
				"net.ipv6.conf.all.disable_ipv6",
				"net.ipv6.conf.default.disable_ipv6",
			),
			"ipv6.accept_dad": unlessTold("ipv6.accept_dad", 0),
			"ipv6.accept_ra": unlessTold("ipv6.accept_ra", 0),
		},
	};
}

function actualSide({ link, namespace }: LabEnd, mark: string): VethSide {
	const { settings } = link;
	// What follows the namespace's own switch, turns with it.
	const forwarding = (setting: LinkSetting, all: string) =>
		String(settings[setting]) === namespace.sysctls.get(all) ? null : (settings[setting] ?? null);
	return {
		mac: link.mac,
		linkLocal: ofLink(namespace.addresses, link.index)
			.filter(
				({ prefix, byKernel }) => isOfMac(prefix) && (byKernel === true || prefix === linkLocal(link.mac)),
			)
			.map(({ prefix }) => prefix),
		mtu: link.mtu,
		up: link.up,
		marked: link.alias === mark,
		queues: [link.rxQueues, link.txQueues],
		settings: {
			"ipv4.forwarding": forwarding("ipv4.forwarding", "net.ipv4.ip_forward"),
			"ipv6.forwarding": forwarding("ipv6.forwarding", "net.ipv6.conf.all.forwarding"),
			"ipv6.disable_ipv6": settings["ipv6.disable_ipv6"] ?? null,
			"ipv6.accept_dad": settings["ipv6.accept_dad"] ?? null,
			"ipv6.accept_ra": settings["ipv6.accept_ra"] ?? null,
		},
	};
}

function differences(wanted: VethSide, now: VethSide): string[] {
	const text = (name: string, from: unknown, to: unknown) => (from === to ? [] : [`${name} ${from} → ${to}`]);
	return [
		...text("mac", now.mac, wanted.mac),
		// What a change of the MAC was stopped at.
		...(now.mac === wanted.mac
			? strays(wanted, now).map((address) => `link-local ${address} → ${linkLocal(wanted.mac)}`)
			: []),
		...text("mtu", now.mtu, wanted.mtu),
		...(wanted.mtu > now.mtu && wanted.mtu > MAX_PEER_MTU
			? ["(packets between may be lost: a program that limits it is taken off for it)"]
			: []),
		...text("state", now.up ? "up" : "down", wanted.up ? "up" : "down"),
		...(wanted.marked && !now.marked ? ["mark missing → set"] : []),
		...text("rx queues", now.queues[0], wanted.queues[0]),
		...text("tx queues", now.queues[1], wanted.queues[1]),
		...differingSettings(wanted, now).map(
			(name) => `${name} ${now.settings[name] ?? "unset"} → ${wanted.settings[name]}`,
		),
	];
}

/** Link-local addresses of a MAC that the end is not to have. */
function strays(wanted: VethSide, now: VethSide): string[] {
	return now.linkLocal.filter((address) => address !== linkLocal(wanted.mac));
}

function differingSettings(wanted: VethSide, now: VethSide): LinkSetting[] {
	return (Object.keys(wanted.settings) as LinkSetting[]).filter((name) => {
		const [to, from] = [wanted.settings[name], now.settings[name]];
		if (to === null || to === from) return false;
		return from !== null || !name.endsWith(".forwarding");
	});
}

/** Creates down, and settles what must be settled before IPv6 starts. */
function createPairs(objects: readonly LabObject<Veth>[], lab: Lab): void {
	const taken = new Set(lab.ifindexes.values());
	forEach(objects, lab, ({ spec }) => {
		const ends = sides(spec).map(([name, { mac, mtu, queues }]) => {
			const { namespace, interface: link } = splitEnd(name);
			const index = lab.allocate(name, taken);
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
			if (namespace === HOST) lab.queue(HOST, changeLink(lab.ifindex(name), { alias: lab.mark }));
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

function settle(lab: Lab, end: EndName, { settings }: VethSide, which: readonly LinkSetting[]): void {
	const { namespace, interface: link } = splitEnd(end);
	lab.enter(namespace, () => {
		for (const setting of which) {
			const [family, name] = setting.split(".");
			const sysctl = `net.${family}.conf.${link.replaceAll(".", "/")}.${name}`;
			const value = settings[setting];
			if (value !== null && lab.sysctls.read(sysctl) !== String(value))
				lab.sysctls.write(sysctl, String(value));
		}
	});
}

function updateSide(lab: Lab, end: EndName, now: VethSide, wanted: VethSide): void {
	const { namespace } = splitEnd(end);
	const index = lab.ifindex(end);
	settle(lab, end, wanted, differingSettings(wanted, now));
	const newMac = now.mac !== wanted.mac;
	const unmarked = wanted.marked && !now.marked;
	const old = strays(wanted, now);
	// The kernel keeps the link-local address of the old MAC. In this order a crash leaves one too many,
	// never none. Where IPv6 is disabled there is none.
	const EACCES = 13;
	if ((newMac || old.length) && wanted.mtu >= IPV6_MIN_MTU && wanted.up)
		lab.queue(namespace, setAddress(index, linkLocal(wanted.mac)), [EACCES]);
	if (newMac || unmarked || now.up !== wanted.up)
		lab.queue(
			namespace,
			changeLink(index, {
				...(newMac && { mac: wanted.mac }),
				...(now.up !== wanted.up && { up: wanted.up }),
				...(unmarked && { alias: lab.mark }),
			}),
		);
	for (const address of old) lab.queue(namespace, deleteAddress(index, address), GONE);
}

/**
 * A peer's native program may limit an MTU, and the limit stays where another takes its place: veth_xdp_set()
 * raises it only for the first. So it is taken off for a moment where the kernel says that it is in the way.
 */
function setMtu(lab: Lab, end: EndName, peer: EndName | undefined, mtu: number): void {
	const EINVAL = 22;
	const set = () => {
		lab.queue(splitEnd(end).namespace, changeLink(lab.ifindex(end), { mtu }));
		lab.flush();
	};
	lab.flush();
	const runs = peer === undefined ? undefined : lab.attached.get(peer);
	const fd = runs?.mode === "native" ? lab.held.get(runs.id)?.fd : undefined;
	try {
		set();
	} catch (error) {
		const inTheWay = error instanceof NetlinkError && error.errno === EINVAL && mtu > MAX_PEER_MTU;
		if (!inTheWay || peer === undefined || fd === undefined) throw error;
		const attach = (program: number) => {
			lab.queue(splitEnd(peer).namespace, setXdp(lab.ifindex(peer), "native", program));
			lab.flush();
		};
		attach(-1);
		try {
			set();
		} finally {
			attach(fd);
		}
	}
}

/** The id of the pair that an end of the topology is one of. */
export function pairOf(pairs: ReadonlyMap<EndName, string>, end: EndName): string {
	const pair = pairs.get(end);
	if (pair === undefined) throw new Error(`${end} is no end of the lab`);
	return pair;
}
