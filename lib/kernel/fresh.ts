import { closeSync } from "node:fs";
import { createVeth, type VethEnd } from "../netlink/link.js";
import type { Features } from "../snapshot/features.js";
import type { InterfaceFeatures } from "./interface-features.js";
import { inFresh, openCurrent } from "./netns.js";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.js";
import type { Sysctls } from "./sysctl.js";

/**
 * What the kernel gives IPv4's devconf where the host has not been told otherwise: the tables
 * ipv4_devconf and ipv4_devconf_dflt of net/ipv4/devinet.c. What is not named here is 0.
 */
const IPV4_DEFAULTS: Readonly<Record<string, string>> = {
	accept_redirects: "1",
	send_redirects: "1",
	secure_redirects: "1",
	shared_media: "1",
	igmpv2_unsolicited_report_interval: "10000",
	igmpv3_unsolicited_report_interval: "1000",
	arp_evict_nocarrier: "1",
};

/** mc_forwarding belongs to a multicast routing daemon and cannot be written. */
const READ_ONLY: ReadonlySet<string> = new Set(["mc_forwarding"]);

/**
 * What a namespace just made has to be told, to be the same on every machine: `net.ipv4.conf.all` and
 * `.default` start as copies of the host's (net.core.devconf_inherit_init_net), so that a lab would
 * behave differently where the host has, say, `rp_filter` set. And no interface that comes into it
 * waits for duplicate address detection or listens to router advertisements.
 * @returns names and values, in the order in which to write them
 */
export function deviations(sysctls: Sysctls): [name: string, value: string][] {
	const wanted: [string, string][] = [
		// Writing ip_forward resets other values (inet_forward_change() of devinet.c): first.
		["net.ipv4.ip_forward", "0"],
		...["all", "default"].flatMap((scope) => ipv4Defaults(sysctls, scope)),
		// Inherited where net.core.devconf_inherit_init_net says so.
		["net.ipv6.conf.all.disable_ipv6", "0"],
		["net.ipv6.conf.default.disable_ipv6", "0"],
		["net.ipv6.conf.default.accept_dad", "0"],
		["net.ipv6.conf.default.accept_ra", "0"],
	];
	return wanted.filter(([name, value]) => {
		const now = sysctls.read(name);
		return now !== undefined && now !== value;
	});
}

function ipv4Defaults(sysctls: Sysctls, scope: string): [string, string][] {
	return sysctls.list(`net.ipv4.conf.${scope}`).flatMap((name): [string, string][] => {
		const key = name.slice(name.lastIndexOf(".") + 1);
		if (READ_ONLY.has(key)) return [];
		const otherwise = key === "accept_source_route" && scope === "default" ? "1" : "0";
		return [[name, IPV4_DEFAULTS[key] ?? otherwise]];
	});
}

/** What the kernel gives what is just made, found out once for a command: all that one makes inherits the same. */
export class Fresh {
	readonly #sysctls: Sysctls;
	#deviations: [name: string, value: string][] | undefined;
	/** By sysctl(8) name. */
	readonly #values = new Map<string, string | null>();
	#features: Features | undefined;

	constructor(sysctls: Sysctls) {
		this.#sysctls = sysctls;
	}

	/** The {@link deviations} of the namespace that this thread is in, which is just made. */
	deviations(): readonly [name: string, value: string][] {
		this.#deviations ??= deviations(this.#sysctls);
		return this.#deviations;
	}

	/** The value that a namespace has once its {@link deviations} are written; null where there is no such name. */
	sysctl(name: string): string | null {
		let value = this.#values.get(name);
		if (value === undefined) {
			value = inFresh(() => new Map(this.deviations()).get(name) ?? this.#sysctls.read(name) ?? null);
			this.#values.set(name, value);
		}
		return value;
	}

	/** The features of a veth that nobody has changed. */
	features(reader: InterfaceFeatures): Features {
		this.#features ??= readFreshFeatures(reader);
		return this.#features;
	}
}

/** The features of a veth just made, in a namespace that is gone afterwards. */
function readFreshFeatures(reader: InterfaceFeatures): Features {
	const end = (index: number, netnsFd: number): VethEnd => {
		const mac = `02:00:00:00:00:0${index}`;
		return { name: `veth${index}`, index, mac, mtu: 1500, queues: 1, netnsFd };
	};
	return inFresh(() => {
		const fd = openCurrent();
		const socket = new NetlinkSocket(NETLINK_ROUTE);
		try {
			socket.queue(createVeth(end(2, fd), end(3, fd)));
			socket.flush();
			return reader.read(socket, "veth2");
		} finally {
			socket.close();
			closeSync(fd);
		}
	});
}
