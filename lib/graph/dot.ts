import { caption } from "./caption.js";
import { columns, type Place } from "./columns.js";
import { type Detail, detailFor } from "./detail.js";
import { card } from "./dot-card.js";
import { attributes, font, quoted, row, table } from "./dot-syntax.js";
import { type Graph, type GraphEnd, type GraphEndName, type GraphPair, isDrifted } from "./model.js";
import { LIGHT } from "./theme.js";

/** The picture for Graphviz: a card a namespace, a row in it an end, a line a pair. Deterministic. */
export function toDot(graph: Graph, options: { full?: boolean } = {}): string {
	const detail = detailFor(graph, options.full ?? false);
	const edges = new Edges(graph, detail);
	const nodes = graph.namespaces.map(
		(namespace, i) => `\t${quoted(namespace.name)} [id="namespace${i}" label=<${card(namespace, detail)}>]`,
	);
	const lines = graph.pairs.map((pair, i) => edges.draw(pair, i));
	return [
		`graph ${quoted(graph.lab)} {`,
		`\tgraph ${attributes({ ...page, ...spacing(detail) })}`,
		`\tgraph [label=<${legend(graph)}>]`,
		`\tnode ${attributes({ shape: "plain", fontname: FIXED, fontsize: "12", fontcolor: LIGHT.text })}`,
		`\tedge ${attributes({ color: LIGHT.line, penwidth: "1.4" })}`,
		...nodes,
		...lines,
		...edges.columns(),
		"}",
		"",
	].join("\n");
}

/** Courier stands for every font of fixed pitch: Graphviz knows its widths. */
const FIXED = "Courier";

const page = {
	rankdir: "LR",
	bgcolor: "transparent",
	pad: "0.2",
	fontname: FIXED,
	fontsize: "10",
	labelloc: "b",
	labeljust: "l",
};

/** In inches. Many small cards stand closer, with more room for the lines between their columns. */
function spacing({ addresses }: Detail): { nodesep: string; ranksep: string } {
	return addresses ? { nodesep: "0.3", ranksep: "0.7" } : { nodesep: "0.15", ranksep: "1.1" };
}

/** Lines from the right side of one card to the left side of another in a later column. */
class Edges {
	readonly #places: Map<string, Place>;
	/** With its number in its card. */
	readonly #ends: Map<string, { end: GraphEnd; number: number }>;
	readonly #detail: Detail;

	constructor(graph: Graph, detail: Detail) {
		this.#places = columns(graph);
		this.#detail = detail;
		this.#ends = new Map(
			graph.namespaces.flatMap(({ name, ends }) =>
				ends.map((end, number) => [`${name}:${end.interface}`, { end, number }] as const),
			),
		);
	}

	#find({ namespace, interface: link }: GraphEndName) {
		return this.#ends.get(`${namespace}:${link}`);
	}

	draw({ ends: [one, other] }: GraphPair, number: number): string {
		const style = { ...this.#style(one, other), id: `pair${number}` };
		if (!other) {
			const elsewhere = `elsewhere ${number}`;
			const node = attributes({ label: "another namespace", shape: "none", fontcolor: LIGHT.caption });
			return `\t${quoted(elsewhere)} ${node}\n\t${this.#end(one, "r")} -- ${quoted(elsewhere)} ${attributes(style)}`;
		}
		const place = (end: GraphEndName) => this.#places.get(end.namespace) ?? { column: 0, row: 0 };
		const [from, to] = place(one).column <= place(other).column ? [one, other] : [other, one];
		// From one row of a folded lab to the next, a line goes round the end of the row.
		const turns = place(from).row !== place(to).row;
		const same = turns || place(from).column === place(to).column;
		const side = turns && place(from).column === 0 ? "l" : "r";
		// Without a label, Graphviz keeps no room for a line that comes back to the card that it left.
		const loop = from.namespace === to.namespace ? { label: " " } : { constraint: "false" };
		const more = same ? { ...style, ...loop } : style;
		return `\t${this.#end(from, side)} -- ${this.#end(to, same ? side : "l")} ${attributes(more)}`;
	}

	/** In a folded lab no line says which cards stand above one another. */
	columns(): string[] {
		const places = [...this.#places];
		if (places.every(([, { row }]) => row === 0)) return [];
		const numbers = [...new Set(places.map(([, { column }]) => column))].sort((a, b) => a - b);
		return numbers.map((number) => {
			const names = places.filter(([, { column }]) => column === number).map(([name]) => quoted(name));
			return `\t{ rank=same; ${names.join("; ")} }`;
		});
	}

	/**
	 * The side of an end's row that the line comes to. Ports go by number, as a name is not escaped alike
	 * in an ID and in a label's attribute.
	 */
	#end(end: GraphEndName, side: "l" | "r"): string {
		const node = quoted(end.namespace);
		if (!this.#detail.ends) return node;
		return `${node}:${side}${this.#find(end)?.number ?? 0}:${side === "l" ? "w" : "e"}`;
	}

	#style(...names: (GraphEndName | null)[]): Record<string, string> {
		const ends = names.map((name) => name && this.#find(name)?.end);
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
