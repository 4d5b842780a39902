import { caption } from "./caption.js";
import { type Detail, detailFor } from "./detail.js";
import { card } from "./dot-card.js";
import { attributes, font, quoted, row, table } from "./dot-syntax.js";
import { levels } from "./levels.js";
import { type Graph, type GraphEnd, type GraphEndName, type GraphPair, isDrifted } from "./model.js";
import { LIGHT } from "./theme.js";

/** The picture for Graphviz: a card a namespace, a row in it an end, a line a pair. Deterministic. */
export function toDot(graph: Graph, options: { full?: boolean } = {}): string {
	const detail = detailFor(graph, options.full ?? false);
	const edges = new Edges(graph, detail);
	const nodes = graph.namespaces.map(
		(namespace) => `\t${quoted(namespace.name)} [label=<${card(namespace, detail)}>]`,
	);
	const lines = graph.pairs.map((pair, i) => edges.draw(pair, i));
	return [
		`graph ${quoted(graph.lab)} {`,
		// Courier stands for every fixed pitch: Graphviz knows its widths.
		`\tgraph ${attributes({ rankdir: "LR", bgcolor: "transparent", pad: "0.2", nodesep: detail.addresses ? "0.3" : "0.15", ranksep: detail.addresses ? "0.7" : "1.1", fontname: "Courier", fontsize: "10", labelloc: "b", labeljust: "l" })}`,
		`\tgraph [label=<${legend(graph)}>]`,
		`\tnode ${attributes({ shape: "plain", fontname: "Courier", fontsize: "12", fontcolor: LIGHT.text })}`,
		`\tedge ${attributes({ color: LIGHT.line, penwidth: "1.4" })}`,
		...nodes,
		...lines,
		"}",
		"",
	].join("\n");
}

/** Lines from the right side of one card to the left side of another in a later column. */
class Edges {
	readonly #levels: Map<string, number>;
	readonly #ends: Map<string, GraphEnd>;
	readonly #detail: Detail;

	constructor(graph: Graph, detail: Detail) {
		this.#levels = levels(graph);
		this.#detail = detail;
		this.#ends = new Map(
			graph.namespaces.flatMap(({ name, ends }) =>
				ends.map((end): [string, GraphEnd] => [`${name}:${end.interface}`, end]),
			),
		);
	}

	draw({ ends: [one, other] }: GraphPair, number: number): string {
		const style = { ...this.#style(one, other), id: `pair${number}` };
		if (!other) {
			const elsewhere = `elsewhere ${number}`;
			const node = attributes({ label: "another namespace", shape: "none", fontcolor: LIGHT.caption });
			return `\t${quoted(elsewhere)} ${node}\n\t${this.#end(one, "r")} -- ${quoted(elsewhere)} ${attributes(style)}`;
		}
		const level = (end: GraphEndName) => this.#levels.get(end.namespace) ?? 0;
		const [from, to] = level(one) <= level(other) ? [one, other] : [other, one];
		const same = level(from) === level(to);
		const more = same ? { ...style, constraint: "false" } : style;
		return `\t${this.#end(from, "r")} -- ${this.#end(to, same ? "r" : "l")} ${attributes(more)}`;
	}

	/** The side of an end's row that the line comes to. */
	#end({ namespace, interface: link }: GraphEndName, side: "l" | "r"): string {
		if (!this.#detail.ends) return quoted(namespace);
		return `${quoted(namespace)}:${quoted(`${side} ${link}`)}:${side === "l" ? "w" : "e"}`;
	}

	#style(...names: (GraphEndName | null)[]): Record<string, string> {
		const ends = names.flatMap((name) =>
			name ? [this.#ends.get(`${name.namespace}:${name.interface}`)] : [],
		);
		if (ends.some((end) => end?.gone)) return { color: LIGHT.drift, style: "dashed" };
		if (ends.some((end) => end?.down)) return { color: LIGHT.drift, style: "dotted" };
		return ends.some((end) => end && isDrifted(end)) ? { color: LIGHT.drift } : {};
	}
}

function legend(graph: Graph): string {
	const lines = caption(graph).map(({ text, drift }) =>
		row([{ align: "left" }, font({ color: drift ? LIGHT.drift : LIGHT.caption }, text)]),
	);
	return table({ border: "0", cellspacing: "0", cellpadding: "1" }, lines);
}
