import { expandFeature } from "../netlink/features.js";
import type { Attach, End, Peers } from "../topology/topology.js";
import type { Requirements } from "./requirements.js";

/** The TX checksum features of a veth: VETH_FEATURES of drivers/net/veth.c. */
const TX_CHECKSUMS = ["tx-checksum-ip-generic", "tx-checksum-sctp"];

/**
 * What comes in by `end` is handed on by XDP. In native mode such a frame keeps no partial checksum,
 * so its sender, the peer, has to finish checksums by itself: TX checksum offload off.
 */
export function prepareIngress(requirements: Requirements, end: End, attach: Attach, who: string): void {
	// In generic mode the program runs on the sk_buff, which keeps its partial checksum.
	if (attach === "generic") return;
	const peer = requirements.peers.get(end.name) as End;
	const explicit = Object.entries(peer.offloads).filter(
		([feature]) => expandFeature(feature, TX_CHECKSUMS).length > 0,
	);
	if (explicit.some(([, on]) => on))
		requirements.warnings.push(
			`TCP and UDP from ${peer.name} will be lost: it keeps its TX checksum offload, and ${who}`,
		);
	else if (!requirements.offloads.some(({ end, feature }) => end === peer.name && feature === "tx"))
		requirements.offloads.push({
			end: peer.name,
			feature: "tx",
			on: false,
			reason: `${who}, and keeps no partial checksum`,
		});
}

/**
 * Frames leave by `end` through XDP. A veth delivers such a frame only where its peer runs a native
 * program, or, if it was redirected, has GRO on (veth_xdp_xmit() and veth_xdp_xmit's `rq->napi`).
 */
export function prepareEgress(
	requirements: Requirements,
	end: End,
	mode: { attach: Attach; peers: Peers },
	who: string,
): void {
	if (mode.attach === "generic") return;
	const { peers, attachments, offloads, programs, warnings } = requirements;
	const peer = peers.get(end.name) as End;
	const attached = attachments.get(peer.name);
	if (attached?.attach === "native") return;
	const answers = who.endsWith("XDP_TX");
	if (attached || peer.xdp === "none") {
		if (peer.offloads["gro"] && !answers) return;
		const what = attached ? "its program is a generic one" : "`xdp: none`";
		warnings.push(`${end.name} will not deliver to ${peer.name}: ${what}, and ${who}`);
	} else if (mode.peers === "gro") {
		if (peer.offloads["gro"] === false)
			warnings.push(`${end.name} will not deliver to ${peer.name}: GRO is off there, and ${who}`);
		else if (
			peer.offloads["gro"] === undefined &&
			!offloads.some(({ end, feature }) => end === peer.name && feature === "gro")
		)
			offloads.push({
				end: peer.name,
				feature: "gro",
				on: true,
				reason: `${who}; a veth delivers only to GRO or a program`,
			});
	} else {
		const reason = `${who}; a veth delivers only to a program`;
		if (!programs.has("pass")) programs.set("pass", { builtin: "pass", globals: {}, constants: {}, reason });
		attachments.set(peer.name, { program: "pass", attach: "native", prepares: true, reason });
	}
}
