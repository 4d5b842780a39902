import type { Flow } from "../expect/flow.js";
import type { Packets } from "../expect/report.js";
import type { Lab } from "../kernel/lab.js";
import type { LabCounters } from "../kernel/lab-counters.js";
import { deepEqual } from "../plan/object.js";
import type { Reading } from "../stats/reading.js";
import { splitEnd } from "../topology/names.js";
import type { EndName, Topology } from "../topology/topology.js";
import { TCP_BYTES } from "./orders.js";

/** What ends have counted until now. */
export type Sample = ReadonlyMap<EndName, Reading>;

/** The ends whose counters an expectation looks at. */
export function countedEnds({ expect }: Topology): ReadonlySet<string> {
	return new Set(expect.flatMap(({ actions }) => Object.keys(actions)));
}

export function takeSample(counters: LabCounters): Sample {
	return new Map(counters.sample().map((reading) => [reading.interface, reading]));
}

/** What an end has counted in between; null where nobody counts, or somebody else than before. */
export function difference(end: EndName, before: Sample, after: Sample): Packets | null {
	const [from, to] = [before.get(end), after.get(end)];
	if (!from?.counts || !to?.counts || !deepEqual(from.source, to.source)) return null;
	const { actions } = from.counts;
	const packets = Object.entries(to.counts.actions).flatMap(([name, count]) => {
		const earlier = actions[name as keyof typeof actions];
		return count && earlier ? [[name, count.packets - earlier.packets]] : [];
	});
	return Object.fromEntries(packets) as Packets;
}

/** The packets of a flow that every end on its way sees at least. */
export function leastPackets(
	lab: Lab,
	end: EndName,
	{ protocol, packets }: Flow,
	reachable: boolean,
): number {
	if (protocol !== "tcp") return packets;
	if (!reachable) return 1; // the first SYN
	// Data goes both ways. Native XDP takes no frame longer than the MTU: its peer segments.
	const native = lab.ends.attached.get(end)?.mode === "native";
	const mtu = native ? mtuOf(lab, end) : undefined;
	return mtu === undefined ? 3 : Math.ceil(TCP_BYTES / mtu); // SYN, data, FIN
}

function mtuOf(lab: Lab, end: EndName): number | undefined {
	const { namespace, interface: name } = splitEnd(end);
	return lab.has(namespace) ? lab.links(namespace).find((link) => link.name === name)?.mtu : undefined;
}
