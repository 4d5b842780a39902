import type { ChangeDocument } from "../../../lib/plan/render.js";
import type { EndStatus, LabStatus } from "../../../lib/status.js";
import type { EndName } from "../../../lib/topology/topology.js";

/** A lab of one router and two hosts as xdp-status would tell it, with these changes to be made. */
export function live(changes: ChangeDocument[] = [], without: EndName[] = []): LabStatus {
	const end = (name: EndName, peer: EndName, address: string, program: string): EndStatus => ({
		name,
		peer: without.includes(peer) ? null : peer,
		ifindex: 7,
		up: true,
		mac: "02:00:00:00:00:07",
		mtu: 1500,
		addresses: [address, "fe80::7/64"],
		xdp: [{ mode: "native", id: 1, name: program, tag: "0123456789abcdef", ours: true }],
	});
	const ends = [
		end("r:uno", "uno:veth0", "10.0.1.1/24", "fib"),
		end("r:dos", "dos:veth0", "10.0.2.1/24", "fib"),
		end("uno:veth0", "r:uno", "10.0.1.2/24", "pass"),
		end("dos:veth0", "r:dos", "10.0.2.2/24", "pass"),
	].filter(({ name }) => !without.includes(name));
	const of = (namespace: string) => ends.filter(({ name }) => name.startsWith(`${namespace}:`));
	return {
		lab: "small",
		namespaces: [
			{ name: "r", forwarding: "fib", addresses: [], ends: of("r") },
			{ name: "uno", forwarding: null, addresses: [], ends: of("uno") },
			{ name: "dos", forwarding: null, addresses: ["10.255.0.2/32"], ends: of("dos") },
		],
		drift: {
			lab: "small",
			changes,
			counts: { create: 0, update: 0, replace: 0, remove: 0 },
			folded: 0,
			warnings: [],
		},
		warnings: [],
	};
}

/** A change as the plan's document has it. */
export function change(
	action: ChangeDocument["action"],
	kind: string,
	name: string,
	text = name,
	reason?: string,
): ChangeDocument {
	return { action, kind, name, text, ...(reason !== undefined && { reason }) };
}
