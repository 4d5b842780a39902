import { printable } from "../topology/printable.js";

/** What the dot language and its HTML-like labels look like, with all that is foreign escaped. */

/**
 * A quoted ID. A backslash is kept as it is by the language, except before a quote or a line's end
 * (https://graphviz.org/doc/info/lang.html); doubled, it can be before neither.
 */
export function quoted(text: string): string {
	return `"${printable(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

export function attributes(values: Record<string, string>): string {
	return `[${Object.entries(values)
		.map(([name, value]) => `${name}=${quoted(value)}`)
		.join(" ")}]`;
}

/** Text in XML, or in an HTML-like label. Spaces at a line's start are kept. */
export function escapeHtml(text: string): string {
	return text
		.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
		.replace(/^ +/, (spaces) => "&#160;".repeat(spaces.length));
}

type Html = { html: string };
type Attributes = Record<string, string | undefined>;

function element(name: string, values: Attributes, content: string): string {
	const list = Object.entries(values)
		.filter(([, value]) => value !== undefined)
		.map(([key, value]) => ` ${key}="${escapeHtml(value as string)}"`);
	return `<${name}${list.join("")}>${content}</${name}>`;
}

/** Even in these labels Graphviz fills in `\N` and `\G`, the names of node and graph; `\\` is one `\`. */
function html(content: string | Html): string {
	return typeof content === "string" ? escapeHtml(printable(content).replaceAll("\\", "\\\\")) : content.html;
}

export function font(values: { color: string; "point-size"?: string }, text: string | Html): Html {
	return { html: element("font", values, html(text)) };
}

export function bold(text: string | Html): Html {
	return { html: element("b", {}, html(text)) };
}

/** Several one below the other. */
export function lines(parts: readonly (string | Html)[]): Html {
	return { html: parts.map((part) => `${html(part)}<br align="left"/>`).join("") };
}

/** A row of cells, each with its attributes. */
export function row(...cells: [Attributes, string | Html][]): string {
	return `<tr>${cells.map(([values, content]) => element("td", values, html(content))).join("")}</tr>`;
}

export function table(values: Attributes, rows: readonly string[]): string {
	return element("table", values, rows.join(""));
}
