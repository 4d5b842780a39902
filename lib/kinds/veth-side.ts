/** One end of a veth pair: what the topology wants of it, what the kernel has, and how the two differ. */
import { isOfMac, linkLocal } from "../netlink/address.js";
import type { LinkSetting } from "../netlink/link.js";
import { ofLink } from "../snapshot/by-link.js";
import type { LabEnd } from "../snapshot/snapshot.js";
import { IPV6_MIN_MTU, MAX_PEER_MTU } from "../topology/mtu.js";
import { sysctlOf } from "../topology/sysctl-interface.js";
import { type End, HOST, type Namespace } from "../topology/topology.js";

export interface VethSide {
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

export function wantedSide(end: End, namespace: Namespace | undefined): VethSide {
	const sysctls = namespace?.sysctls ?? {};
	const forwards = namespace?.forwarding ? 1 : 0;
	const unlessTold = (setting: LinkSetting, value: number, ...names: string[]): number | null => {
		if (setting.startsWith("ipv6.") && end.mtu < IPV6_MIN_MTU) return null;
		return [sysctlOf(end.interface, setting), ...names].some((sysctl) => sysctls[sysctl] !== undefined)
			? null
			: value;
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

export function actualSide({ link, namespace }: LabEnd, mark: string): VethSide {
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

export function differences(wanted: VethSide, now: VethSide): string[] {
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
export function strays(wanted: VethSide, now: VethSide): string[] {
	return now.linkLocal.filter((address) => address !== linkLocal(wanted.mac));
}

export function differingSettings(wanted: VethSide, now: VethSide): LinkSetting[] {
	return (Object.keys(wanted.settings) as LinkSetting[]).filter((name) => {
		const [to, from] = [wanted.settings[name], now.settings[name]];
		if (to === null || to === from) return false;
		return from !== null || !name.endsWith(".forwarding");
	});
}
