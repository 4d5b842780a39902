import type { KernelNeed } from "../declare/kernel-needs.js";
import type { Requirements } from "../declare/requirements.js";
import { warningOf } from "../kernel/features.js";
import { ANSWERS } from "../programs/builtin.js";
import type { LabEnd, Snapshot } from "../snapshot/snapshot.js";
import type { EndName, Protocol } from "../topology/topology.js";
import { forwardingSysctl } from "./hops.js";
import { contains } from "./no-route.js";
import type { Hop } from "./path.js";

/** What a look has at hand. */
export interface Scene {
	snapshot: Snapshot;
	requirements: Requirements;
	/** The packets' destination and, where it is known, source. */
	destination: string;
	source?: string | undefined;
	family: 4 | 6;
	protocol: Protocol;
	/** What the lab needs of the kernel and the kernel lacks. */
	unfulfilled: readonly KernelNeed[];
}

/** One thing that may be wrong where packets pass: a sentence, or undefined where it is not. */
type Look = (hop: Hop, scene: Scene) => string | undefined;

const isDown: Look = (hop, scene) => {
	const { ingress, egress, peer } = hop;
	const ends = egress ? [ingress, egress, peer] : [ingress, ...wouldLeaveBy(hop, scene)];
	const down = ends.find((end) => end && !end.link.up);
	return down && `${down.name} is down`;
};

/** A link that is down takes its routes along: the ends that lead to the destination by the topology. */
function wouldLeaveBy({ namespace }: Hop, { snapshot, requirements, destination }: Scene): LabEnd[] {
	const { topology, ends } = requirements;
	const routes = topology.namespaces.find(({ name }) => name === namespace.name)?.routes ?? [];
	const leading = routes.filter(({ to }) => contains(to, destination));
	return [...snapshot.ends.values()].filter(({ namespace: its, name, link }) => {
		if (its !== namespace) return false;
		const routed = leading.some((route) =>
			[route.interface, ...route.via.map((hop) => hop.interface)].includes(link.name),
		);
		return routed || ends.get(name)?.addresses.some((prefix) => contains(prefix, destination));
	});
}

/** What the kernel itself does with the packets; what is down has been named already. */
const stops: Look = (hop, scene) => (isDown(hop, scene) === undefined ? hop.stop : undefined);

const lacksEnd: Look = ({ namespace }, { snapshot, requirements }) => {
	const missing = [...requirements.ends.values()].find(
		(end) => end.namespace === namespace.name && !snapshot.ends.has(end.name),
	);
	return missing && `${missing.name} is not there`;
};

const lacksProgram: Look = ({ ingress }, scene) => ingress && wrongProgram(ingress.name, scene);

/** What a veth counts is what its driver runs; in generic mode only the lab's own programs count, by themselves. */
export function nobodyCounts(end: EndName, { ends, programs }: Snapshot): string[] {
	const generic = ends.get(end)?.link.xdp.find(({ mode }) => mode === "generic");
	const label = generic && programs.get(generic.id)?.label;
	if (!generic || (label && !label.own)) return [];
	return [`nobody counts on ${end}: a program of one's own is counted by the interface, in native mode only`];
}

/** An end that does not run the program that it should. */
export function wrongProgram(
	name: EndName,
	{ snapshot, requirements }: Pick<Scene, "snapshot" | "requirements">,
): string | undefined {
	const wanted = requirements.attachments.get(name)?.program;
	const end = snapshot.ends.get(name);
	if (wanted === undefined || !end) return undefined;
	const [attached] = end.link.xdp;
	if (!attached) return `${name} runs no program, and should run ${wanted}`;
	const program = snapshot.programs.get(attached.id);
	if (program?.label?.program === wanted) return undefined;
	return `${name} runs ${program?.label?.program ?? program?.name ?? "another program"} instead of ${wanted}`;
}

const drops: Look = ({ ingress }, { snapshot }) => {
	const label = ingress?.link.xdp.map(({ id }) => snapshot.programs.get(id)?.label).find((one) => one);
	return ingress && label?.program === "drop" && !label.own
		? `${ingress.name} runs drop, which drops all packets`
		: undefined;
};

const forwardingOff: Look = ({ namespace, ingress, egress, next }, { family }) => {
	if (!ingress || !egress || next === undefined) return undefined;
	const value = namespace.sysctls.get(forwardingSysctl(ingress.link.name, family));
	return value === "0" ? `IPv${family} forwarding is off on ${ingress.name}` : undefined;
};

/** bpf_fib_lookup() does not look at the source; the network stack does: fib_validate_source(). */
const sourceRefused: Look = (hop, scene) => {
	const { namespace, ingress, egress, refused } = hop;
	if (!refused || !ingress || forwardingOff(hop, scene) || (egress && runsProgram(ingress))) return undefined;
	return `${namespace.name} takes no packets from ${scene.source} by ${ingress.name}: its route there is another (rp_filter)`;
};

function runsProgram({ link }: LabEnd): boolean {
	return link.xdp.length > 0;
}

const otherMac: Look = ({ egress, peer, next, stop }, { requirements }) => {
	// What a neighbour entry does not say, the program has from the topology.
	const wanted = peer && requirements.ends.get(peer.name)?.mac;
	if (!egress || !peer || next !== undefined || stop !== undefined || wanted === peer.link.mac)
		return undefined;
	return `${peer.name} has MAC ${peer.link.mac}, and what ${egress.name} sends is for ${wanted}`;
};

/** Whether what comes in here leaves by a native program, if all is as it should be. */
function redirects({ forwarding, ingress, egress }: Hop): boolean {
	if (!forwarding || forwarding.mode === "kernel" || !ingress || !egress) return false;
	return ingress.link.xdp.some(({ mode }) => mode === "native");
}

const peerNotReady: Look = (hop) => {
	const { egress, peer } = hop;
	if (!redirects(hop) || !egress || !peer || hop.stop !== undefined) return undefined;
	const ready = peer.link.xdp.some(({ mode }) => mode === "native") || has(peer, "rx-gro");
	return ready
		? undefined
		: `${peer.name} has neither a native program nor GRO: what ${egress.name} sends by XDP is lost`;
};

/** A program of the file's own may answer as well: the plan makes its peer ready for that. */
const answerNotReady: Look = ({ ingress }, { snapshot, requirements }) => {
	const { program, attach } = (ingress && requirements.attachments.get(ingress.name)) ?? {};
	if (!ingress || program === undefined || attach !== "native") return undefined;
	if (!ANSWERS.has(program) && !requirements.own.has(program)) return undefined;
	const peer = requirements.peers.get(ingress.name);
	const end = peer && snapshot.ends.get(peer.name);
	if (!end || end.link.xdp.some(({ mode }) => mode === "native")) return undefined;
	return `${end.name} has no native program: what ${ingress.name} answers by XDP_TX is lost`;
};

const checksumOffload: Look = (hop, { snapshot, requirements, protocol }) => {
	const { ingress } = hop;
	// No offload makes the checksum of an echo request.
	if (protocol === "ping" || !ingress || !redirects(hop)) return undefined;
	const sender = snapshot.ends.get(requirements.peers.get(ingress.name)?.name as EndName);
	// Between routers a frame has its checksum already.
	const originates = requirements.topology.namespaces.some(
		({ name, forwarding }) => name === sender?.namespace.name && !forwarding,
	);
	if (!sender || !originates || !has(sender, "tx-checksum-ip-generic")) return undefined;
	return `${sender.name} has TX checksum offload on: TCP and UDP lose their checksum where ${ingress.name} redirects`;
};

/** TCP alone sends packets that are longer than any MTU allows. */
const mtuTooSmall: Look = ({ ingress, egress, peer, next, stop }, { protocol }) => {
	if (!egress || stop !== undefined || protocol !== "tcp") return undefined;
	if (peer && peer.link.mtu !== egress.link.mtu) {
		// The same words for both directions.
		const [a, b] = [egress, peer].sort((a, b) => (a.name < b.name ? -1 : 1)) as [LabEnd, LabEnd];
		return `the MTU of ${a.name} is ${a.link.mtu}, and that of ${b.name} ${b.link.mtu}: longer packets are lost`;
	}
	// Who looks routes up answers that a packet is too long, and TCP sends shorter ones.
	if (!ingress || next !== undefined || egress.link.mtu >= ingress.link.mtu) return undefined;
	return `the MTU of ${egress.name} is ${egress.link.mtu}, and ${ingress.name} takes up to ${ingress.link.mtu}`;
};

const kernelLacks: Look = ({ ingress, egress }, { unfulfilled, family, protocol }) => {
	const lost = unfulfilled.find(
		({ between, loses }) =>
			ingress &&
			egress &&
			between.includes(ingress.name) &&
			between.includes(egress.name) &&
			// Only the packets of TCP are as long as the MTU allows.
			(loses === "IPv6" ? family === 6 : protocol === "tcp"),
	);
	return lost && warningOf(lost);
};

function has({ namespace, link }: LabEnd, feature: string): boolean {
	return namespace.features.get(link.index)?.active.has(feature) ?? false;
}

/** What is looked at, the most certain cause first. */
export const LOOKS: readonly Look[] = [
	lacksEnd,
	isDown,
	drops,
	forwardingOff,
	kernelLacks,
	sourceRefused,
	stops,
	otherMac,
	lacksProgram,
	peerNotReady,
	answerNotReady,
	checksumOffload,
	mtuTooSmall,
];
