import { LOOPBACK } from "../topology/names.js";
import { caption } from "./caption.js";
import { type Detail, detailFor } from "./detail.js";
import { type Graph, type GraphEnd, type GraphEndName, type GraphNamespace, isDrifted } from "./model.js";
import { LIGHT } from "./theme.js";

/** The picture as a Mermaid flowchart, for Markdown. Mermaid's own theme decides on light or dark. */
export function toMermaid(graph: Graph, options: { full?: boolean } = {}): string {
	const detail = detailFor(graph, options.full ?? false);
	const ids = new Map(graph.namespaces.map(({ name }, i) => [name, `n${i}`]));
	const ends = new Map(
		graph.namespaces.flatMap(({ name, ends }) =>
			ends.map((end): [string, GraphEnd] => [`${name}:${end.interface}`, end]),
		),
	);
	const endOf = (name: GraphEndName) => ends.get(`${name.namespace}:${name.interface}`);
	const lines: string[] = [];
	const red: number[] = [];
	graph.pairs.forEach(({ ends: [one, other] }, i) => {
		const labels = [one, other].flatMap((name) => (name ? [endLabel(name, endOf(name), detail)] : []));
		const to = other ? ids.get(other.namespace) : `elsewhere${i}["another namespace"]`;
		const drawn = [one, other].map((name) => name && endOf(name));
		const line = drawn.some((end) => end?.gone) ? "-.-" : "---";
		if (drawn.some((end) => end && (end.down || isDrifted(end)))) red.push(i);
		lines.push(`\t${ids.get(one.namespace)} ${line}|"${labels.join("<br/>")}"| ${to}`);
	});
	return [
		"flowchart LR",
		...caption(graph).map(({ text }) => `\t%% ${text.replaceAll("{", "(")}`),
		...graph.namespaces.map(
			(namespace) => `\t${ids.get(namespace.name)}("${label(namespace, detail)}")${classOf(namespace)}`,
		),
		...lines,
		"\tclassDef host stroke-width:3px",
		`\tclassDef drift stroke:${LIGHT.drift},color:${LIGHT.drift}`,
		...(red.length ? [`\tlinkStyle ${red.join(",")} stroke:${LIGHT.drift}`] : []),
		"",
	].join("\n");
}

function label({ name, forwarding, addresses, gone, drift }: GraphNamespace, detail: Detail): string {
	const mode = gone ? ["gone"] : forwarding === null ? [] : [`forwards: ${forwarding}`];
	const loopback = detail.addresses && addresses.length ? [`${LOOPBACK} ${addresses.join(" ")}`] : [];
	return [`<b>${encode(name)}</b>`, ...[...mode, ...loopback, ...drift].map(encode)].join("<br/>");
}

function classOf({ host, gone, drift }: GraphNamespace): string {
	return gone || drift.length ? ":::drift" : host ? ":::host" : "";
}

function endLabel({ namespace, interface: link }: GraphEndName, end: GraphEnd | undefined, detail: Detail) {
	if (!end || (!detail.ends && !end.drift.length)) return encode(`${namespace}:${link}`);
	const programs = end.programs.map(
		({ name, generic, foreign }) => `${name}${generic ? " generic" : ""}${foreign ? ", not the lab's" : ""}`,
	);
	const state = end.gone ? ["gone"] : end.down ? ["down"] : [];
	const parts = [
		`${namespace}:${link}`,
		...(detail.addresses ? end.addresses : []),
		...programs.map((program) => `(${program})`),
		...state,
	];
	return [parts.join(" "), ...end.drift].map(encode).join("<br/>");
}

/** Whatever could mean something to Mermaid, or to the HTML that it makes, as its number. */
function encode(text: string): string {
	return text.replace(/[^\p{L}\p{N} .,:/()=→…-]/gu, (character) => `#${character.codePointAt(0)};`);
}
