import { expandFeature } from "../netlink/feature-names.js";
import type { Attach, End, Peers } from "../topology/topology.js";
import type { OffloadRequirement, Requirements } from "./requirements.js";

/** What a mode of attaching cannot take from a sender, so that the sender must do it by itself. */
const UNFIT: Record<Attach, { features: string[]; why: string; lost: string }> = {
	// A frame that native XDP hands on keeps no partial checksum.
	native: { features: ["tx"], why: "XDP frames keep no partial checksum", lost: "TCP and UDP" },
	// Generic XDP sees an sk_buff before it is segmented, and redirects none that is longer than the
	// egress's MTU: xdp_ok_fwd_dev() of <linux/filter.h>.
	generic: {
		features: ["tso", "tx-udp-segmentation"],
		why: "generic XDP redirects no frame longer than the MTU",
		lost: "large TCP and UDP segments",
	},
};

/** The features of a veth that a name can stand for: VETH_FEATURES of drivers/net/veth.c. */
const VETH_FEATURES = [
	"tx-checksum-ip-generic",
	"tx-checksum-sctp",
	"tx-tcp-segmentation",
	"tx-tcp6-segmentation",
	"tx-udp-segmentation",
];

/** What comes in by `end` is handed on by XDP: its sender, the peer, must send what XDP can hand on. */
export function prepareIngress(requirements: Requirements, end: End, attach: Attach, who: string): void {
	const { offloads, peers, warnings } = requirements;
	const peer = peers.get(end.name) as End;
	const { features, why, lost } = UNFIT[attach];
	for (const feature of features) {
		const meant = expandFeature(feature, VETH_FEATURES);
		const explicit = Object.entries(peer.offloads).filter(([name]) => expandFeature(name, meant).length > 0);
		if (explicit.some(([, on]) => on))
			warnings.push(`${lost} from ${peer.name} will be lost: its ${feature} offload stays on, and ${who}`);
		else addOffload(offloads, { end: peer.name, feature, on: false, reason: `${who}: ${why}` });
	}
}

/** Adds what a mode needs, unless the file has its own word on it. */
function addOffload(offloads: Requirements["offloads"], offload: OffloadRequirement): void {
	const key = `${offload.end} ${offload.feature}` as const;
	if (!offloads.has(key)) offloads.set(key, offload);
}

/**
 * Frames leave by `end` through XDP. A veth takes them only where its peer runs a native program, or,
 * of frames that were redirected, has GRO on: veth_xdp_xmit() looks for the peer's `rq->napi`.
 */
export function prepareEgress(
	requirements: Requirements,
	end: End,
	mode: { attach: Attach; peers: Peers; answers?: boolean },
	who: string,
): void {
	if (mode.attach === "generic") return;
	const { peers, attachments, offloads, programs, warnings } = requirements;
	const peer = peers.get(end.name) as End;
	const attached = attachments.get(peer.name);
	if (attached?.attach === "native") return;
	const lost = (why: string) =>
		warnings.push(`${end.name} will not deliver to ${peer.name}: ${why}, and ${who}`);
	if (attached || peer.xdp === "none") {
		if (mode.answers || !peer.offloads["gro"])
			lost(attached ? "its program is a generic one" : "`xdp: none`");
	} else if (mode.peers === "gro") {
		const reason = `${who}: a veth drops XDP frames unless its peer has GRO or a program`;
		if (peer.offloads["gro"] === false) lost("GRO is off there");
		else addOffload(offloads, { end: peer.name, feature: "gro", on: true, reason });
	} else {
		const reason = `${who}: a veth drops XDP frames unless its peer runs a program`;
		if (!programs.has("pass")) programs.set("pass", { builtin: "pass", globals: {}, constants: {}, reason });
		attachments.set(peer.name, { program: "pass", attach: "native", prepares: true, reason });
	}
}

/** Whether a name stands for a feature of segmenting what is sent: NETIF_F_GSO_SOFTWARE. */
export function isSegmentation(feature: string): boolean {
	return expandFeature(feature, VETH_FEATURES).some((name) => name.endsWith("-segmentation"));
}

/** Native XDP on an end takes segmentation offload from its peer: veth_xdp_set(). */
export function warnOfSegmentation({ attachments, ends, peers, warnings }: Requirements): void {
	for (const end of ends.values()) {
		const peer = peers.get(end.name);
		if (!peer || attachments.get(peer.name)?.attach !== "native") continue;
		for (const [feature, on] of Object.entries(end.offloads))
			if (on && isSegmentation(feature))
				warnings.push(`${end.name} keeps ${feature} off as long as ${peer.name} runs native XDP`);
	}
}
