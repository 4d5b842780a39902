import { endsOf } from "../btf/encoded.js";
import { ANSWERS, isBuiltin } from "../programs/builtin.js";
import { pairId } from "../snapshot/identify.js";
import type { Attach, End, EndName, Forwarding, Namespace, Program, Topology } from "../topology/topology.js";
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
		pairs: new Map(
			topology.veths.flatMap(({ ends }) => {
				const id = pairId(ends.map(({ name }) => name));
				return ends.map(({ name }): [EndName, string] => [name, id]);
			}),
		),
		programs: new Map(),
		own: new Map(),
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

function explicitProgram(requirements: Requirements, end: End): void {
	if (!end.xdp || end.xdp === "none") return;
	const { program, attach } = end.xdp;
	requireProgram(requirements, program);
	requirements.attachments.set(end.name, { program, attach });
}

/** A program by the name that the file has for it, with those that its entries name. */
function requireProgram(requirements: Requirements, name: string): void {
	const { programs, own, topology } = requirements;
	if (programs.has(name) || own.has(name)) return;
	const declared = topology.programs.find((program) => program.name === name);
	if (declared) {
		own.set(name, declared);
		for (const { program } of declared.entries)
			if (program !== undefined) requireProgram(requirements, program);
	} else {
		if (!isBuiltin(name)) throw new Error(`no program ${name}`);
		programs.set(name, { builtin: name, globals: {}, constants: {} });
	}
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
	for (const [name, { program, attach }] of [...attachments])
		prepareProgram(requirements, ends.get(name) as End, program, attach);
}

/** A program of the file's own may do what it likes: it is taken to answer, and to redirect to what it names. */
function prepareProgram(requirements: Requirements, end: End, program: string, attach: Attach): void {
	const own = requirements.own.get(program);
	if (!own && !ANSWERS.has(program)) return;
	const who = own ? `${end.name} runs ${program}` : `${end.name} answers by XDP_TX`;
	// In generic mode an answer is an sk_buff, and takes the ordinary way back.
	if (own || attach === "native") prepareIngress(requirements, end, attach, who);
	if (attach === "generic") return;
	// GRO on the peer helps a frame that was redirected, not one that was answered.
	prepareEgress(requirements, end, { attach, peers: "program", answers: true }, who);
	for (const target of own ? targetsOf(own) : []) {
		const egress = requirements.ends.get(target) as End;
		prepareEgress(requirements, egress, { attach, peers: "program" }, `${program} may redirect to ${target}`);
	}
}

/** The ends that a program names by `{ ifindex: … }`. */
function targetsOf({ globals, entries }: Program): Set<EndName> {
	const values = [...globals.map(({ value }) => value), ...entries.flatMap(({ key, value }) => [key, value])];
	return new Set(values.flatMap(endsOf));
}

type XdpForwarding = Exclude<Forwarding, { mode: "kernel" }> & { attach: Attach };

function ingresses(forwarding: XdpForwarding): string[] {
	return forwarding.mode === "fib" ? forwarding.interfaces : forwarding.redirect.map(({ from }) => from);
}

function egresses(forwarding: XdpForwarding): string[] {
	const all = forwarding.mode === "fib" ? forwarding.interfaces : forwarding.redirect.map(({ to }) => to);
	return [...new Set(all)];
}
