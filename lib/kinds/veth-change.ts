/** Changes an end of a veth pair in place. */
import { NetlinkError } from "../errors.js";
import type { Lab } from "../kernel/lab.js";
import { deleteAddress, linkLocal, setAddress } from "../netlink/address.js";
import { changeLink, type LinkSetting, setXdp } from "../netlink/link.js";
import { IPV6_MIN_MTU, MAX_PEER_MTU } from "../topology/mtu.js";
import { splitEnd } from "../topology/names.js";
import { sysctlOf } from "../topology/sysctl-interface.js";
import type { EndName } from "../topology/topology.js";
import { GONE } from "./kind.js";
import { differingSettings, strays, type VethSide } from "./veth-side.js";

/** Writes those of an interface's own settings that are not as they should be. */
export function settle(lab: Lab, end: EndName, { settings }: VethSide, which: readonly LinkSetting[]): void {
	const { namespace, interface: link } = splitEnd(end);
	lab.enter(namespace, () => {
		for (const setting of which) {
			const sysctl = sysctlOf(link, setting);
			const value = settings[setting];
			if (value !== null && lab.sysctls.read(sysctl) !== String(value))
				lab.sysctls.write(sysctl, String(value));
		}
	});
}

/** All but the MTU: {@link setMtu}. */
export function updateSide(lab: Lab, end: EndName, now: VethSide, wanted: VethSide): void {
	const { namespace } = splitEnd(end);
	const index = lab.ends.ifindex(end);
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
export function setMtu(lab: Lab, end: EndName, peer: EndName | undefined, mtu: number): void {
	const EINVAL = 22;
	const set = () => {
		lab.queue(splitEnd(end).namespace, changeLink(lab.ends.ifindex(end), { mtu }));
		lab.flush();
	};
	lab.flush();
	const runs = peer === undefined ? undefined : lab.ends.attached.get(peer);
	const fd = runs?.mode === "native" ? lab.held.get(runs.id)?.fd : undefined;
	try {
		set();
	} catch (error) {
		const inTheWay = error instanceof NetlinkError && error.errno === EINVAL && mtu > MAX_PEER_MTU;
		if (!inTheWay || peer === undefined || fd === undefined) throw error;
		const attach = (program: number) => {
			lab.queue(splitEnd(peer).namespace, setXdp(lab.ends.ifindex(peer), "native", program));
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
