import { escapeHtml } from "./dot-syntax.js";
import type { Graph, GraphEndName } from "./model.js";
import { darkStyle, FONTS } from "./theme.js";

/** Makes Graphviz's SVG fit a page: fonts that are there, light and dark, and titles that say something. */
export function finishSvg(svg: string, { lab, pairs }: Graph): string {
	const title = (number: string) => {
		const [one, other] = pairs[Number(number)]?.ends ?? [null, null];
		return `${endName(one)} — ${other ? endName(other) : "another namespace"}`;
	};
	return svg
		.replace(/<!--.*?-->\n?/gs, "")
		.replace(/<\?xml[^>]*>\n?|<!DOCTYPE[^>]*>\n?/g, "")
		.replace(/<svg ([^>]*)>/, (_, rest) => `<svg role="img" ${rest}>\n<style>${darkStyle()}</style>`)
		.replaceAll('font-family="Courier,monospace"', `font-family="${FONTS}"`)
		.replace(/(<g id="graph0"[^>]*>\n<title>).*?(?=<\/title>)/s, (_, head) => `${head}${escapeHtml(lab)}`)
		.replace(
			/(<g id="pair(\d+)"[^>]*>\n<title>).*?(?=<\/title>)/gs,
			(_, head, number) => `${head}${escapeHtml(title(number))}`,
		);
}

function endName(end: GraphEndName | null): string {
	return end ? `${end.namespace}:${end.interface}` : "";
}
