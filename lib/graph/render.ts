import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import { toDot } from "./dot.js";
import type { Graph } from "./model.js";
import { finishSvg } from "./svg.js";

/** Namespaces and ends beyond which the layout takes minutes, and its picture can be read by nobody. */
const LARGEST = 4000;

/** Laid out by Graphviz, which is compiled to WebAssembly and loaded here only: it takes some 100 ms. */
export async function renderSvg(graph: Graph, options: { full?: boolean }): Promise<string> {
	const size = graph.namespaces.reduce((sum, { ends }) => sum + 1 + ends.length, 0);
	if (size > LARGEST)
		throw new UsageError(
			`${graph.lab} has ${size} namespaces and interfaces, and a picture at most ${LARGEST}: \`--format dot\` has no limit`,
		);
	const { instance } = await import("@viz-js/viz");
	const viz = await instance();
	const result = viz.render(toDot(graph, options), { format: "svg" });
	if (result.status === "failure")
		throw new Error(`Graphviz: ${result.errors.map(({ message }) => message).join("; ")}`);
	return finishSvg(result.output, graph);
}

/** Twice the size of the SVG, for screens with small pixels, unless that is more than viewers take. */
export async function renderPng(graph: Graph, options: { full?: boolean }): Promise<Buffer> {
	const svg = await renderSvg(graph, options);
	const { Resvg } = await import("@resvg/resvg-js");
	const [, width = 0, height = 0] = /width="(\d+)pt" height="(\d+)pt"/.exec(svg)?.map(Number) ?? [];
	const zoom = Math.min(2, PIXELS / (Math.max(width, height, 1) * PIXELS_PER_POINT));
	const picture = new Resvg(svg, {
		background: "#ffffff",
		fitTo: { mode: "zoom", value: zoom },
		// The system's are for letters that this one lacks.
		font: { fontFiles: fonts(), defaultFontFamily: "DejaVu Sans Mono", loadSystemFonts: true },
	});
	return picture.render().asPng();
}

/** Of each side, at most. */
const PIXELS = 16_000;

/** CSS: 96 pixels and 72 points an inch. */
const PIXELS_PER_POINT = 96 / 72;

/** The build puts the fonts beside what it bundles: a machine may have none. */
function fonts(): string[] {
	return ["DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"]
		.map((name) => fileURLToPath(new URL(`dist/fonts/${name}`, packageRoot())))
		.filter((path) => existsSync(path));
}
