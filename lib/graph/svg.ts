import { printable } from "../topology/printable.js";
import { escapeHtml } from "./dot-syntax.js";
import type { Graph, GraphEndName } from "./model.js";
import { darkStyle, FONTS } from "./theme.js";

/** Makes Graphviz's SVG fit a page: fonts that are there, light and dark, and titles that say something. */
export function finishSvg(svg: string, { lab, namespaces, pairs }: Graph): string {
	const titles = new Map([
		["graph0", lab],
		...namespaces.map(({ name }, i) => [`namespace${i}`, name] as const),
		...pairs.map(({ ends: [one, other] }, i) => [`pair${i}`, `${endName(one)} — ${endName(other)}`] as const),
	]);
	return svg
		.replace(/<!--.*?-->\n?/gs, "")
		.replace(/<\?xml[^>]*>\n?|<!DOCTYPE[^>]*>\n?/g, "")
		.replace(/<svg /, '<svg role="img" ')
		.replace(/(?<=<svg [^>]*>)/, `\n<style>${darkStyle()}</style>`)
		.replaceAll('font-family="Courier,monospace"', `font-family="${FONTS}"`)
		.replace(/(?<=<g id="(\w+)"[^>]*>\n)<title>.*?<\/title>/gs, (title, id) => {
			const text = titles.get(id);
			return text === undefined ? title : `<title>${escapeHtml(printable(text))}</title>`;
		});
}

function endName(end: GraphEndName | null): string {
	return end ? `${end.namespace}:${end.interface}` : "another namespace";
}
