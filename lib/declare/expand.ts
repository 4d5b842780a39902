import { ANSWERS, isBuiltin } from "../programs/builtin.js";
import type { Attach, End, EndName, Forwarding, Namespace, Topology } from "../topology/topology.js";
import { forwardingSysctls } from "./forwarding-sysctls.js";
import { fibMode, redirectMode } from "./modes.js";
import { isSegmentation, prepareEgress, prepareIngress, warnOfSegmentation } from "./peers.js";
import type { Requirements } from "./requirements.js";

/** Spells a topology out. Pure. */
export function expand(topology: Topology): Requirements {
	const pairs = topology.veths.flatMap(({ ends: [a, b] }): [End, End][] => [
		[a, b],
		[b, a],
	]);
	const requirements: Requirements = {
		topology,
		ends: new Map(pairs.map(([end]) => [end.name, end])),
		peers: new Map(pairs.map(([end, peer]) => [end.name, peer])),
		programs: new Map(),
		attachments: new Map(),
		entries: [],
		sysctls: [],
		offloads: new Map(),
		warnings: [],
	};
	for (const [end] of pairs) {
		explicitProgram(requirements, end);
		for (const [feature, on] of Object.entries(end.offloads)) {
			const optional = on && isSegmentation(feature);
			const offload = { end: end.name, feature, on, ...(optional && { optional }) };
			requirements.offloads.set(`${end.name} ${feature}`, offload);
		}
	}
	for (const namespace of topology.namespaces) {
		mode(requirements, namespace);
		for (const [name, value] of Object.entries(namespace.sysctls))
			requirements.sysctls.push({ namespace: namespace.name, name, value });
		forwardingSysctls(requirements, namespace);
	}
	prepare(requirements);
	warnOfSegmentation(requirements);
	return requirements;
}

function explicitProgram({ programs, attachments }: Requirements, end: End): void {
	if (!end.xdp || end.xdp === "none") return;
	const { program, attach } = end.xdp;
	if (!isBuiltin(program)) throw new Error(`no built-in program ${program}`);
	programs.set(program, { builtin: program, globals: {}, constants: {} });
	attachments.set(end.name, { program, attach });
}

function mode(requirements: Requirements, namespace: Namespace): void {
	switch (namespace.forwarding?.mode) {
		case "hardcoded":
		case "map":
			redirectMode(requirements, namespace, namespace.forwarding);
			break;
		case "fib":
			fibMode(requirements, namespace, namespace.forwarding);
			break;
	}
}

/** What a frame may leave by and where it may come from by XDP decides what the peers need. */
function prepare(requirements: Requirements): void {
	const { topology, ends, attachments } = requirements;
	const end = (namespace: Namespace, name: string) => ends.get(`${namespace.name}:${name}`) as End;
	for (const namespace of topology.namespaces) {
		const forwarding = namespace.forwarding;
		if (!forwarding || forwarding.mode === "kernel") continue;
		const who = `${namespace.name} forwards by ${forwarding.mode}`;
		for (const name of ingresses(forwarding))
			prepareIngress(requirements, end(namespace, name), forwarding.attach, who);
		for (const name of egresses(forwarding))
			prepareEgress(requirements, end(namespace, name), forwarding, who);
	}
	for (const [name, { program, attach }] of [...attachments]) {
		// In generic mode an answer is an sk_buff, and takes the ordinary way back.
		if (!ANSWERS.has(program) || attach === "generic") continue;
		const answering = ends.get(name as EndName) as End;
		const who = `${name} answers by XDP_TX`;
		prepareIngress(requirements, answering, attach, who);
		// GRO on the peer helps a frame that was redirected, not one that was answered.
		prepareEgress(requirements, answering, { attach, peers: "program", answers: true }, who);
	}
}

type XdpForwarding = Exclude<Forwarding, { mode: "kernel" }> & { attach: Attach };

function ingresses(forwarding: XdpForwarding): string[] {
	return forwarding.mode === "fib" ? forwarding.interfaces : forwarding.redirect.map(({ from }) => from);
}

function egresses(forwarding: XdpForwarding): string[] {
	const all = forwarding.mode === "fib" ? forwarding.interfaces : forwarding.redirect.map(({ to }) => to);
	return [...new Set(all)];
}
