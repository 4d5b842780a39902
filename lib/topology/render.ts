import type { Diagnostic } from "./diagnostic.js";
import { columns, pictured, printable, printableLines } from "./printable.js";
import { type Place, placeText, type Source } from "./source.js";
import type { Warning } from "./topology.js";

export interface RenderOptions {
	/** ANSI colours. Default: false. */
	color?: boolean;
}

/** How much of a source line is shown, and of that, before the caret. In UTF-16 code units. */
const SHOWN = 100;
const BEFORE = 40;

const TAB_WIDTH = 4;

type Style = (text: string) => string;

interface Styles {
	error: Style;
	warning: Style;
	strong: Style;
	dim: Style;
}

function styles(color: boolean): Styles {
	const sgr = (code: number): Style => (color ? (text) => `\u001b[${code}m${text}\u001b[0m` : (text) => text);
	return { error: sgr(31), warning: sgr(33), strong: sgr(1), dim: sgr(2) };
}

/** A piece of a source line as it is shown, and the columns it takes on a terminal. */
function layOut(text: string): { shown: string; width: number } {
	let shown = "";
	let width = 0;
	for (const character of text) {
		const piece = character === "\t" ? " ".repeat(TAB_WIDTH - (width % TAB_WIDTH)) : pictured(character);
		shown += piece;
		width += character === "\t" ? piece.length : columns(piece);
	}
	return { shown, width };
}

/** The source line and the line below it that marks `length` code units from `column` on. */
function excerpt(line: string, column: number, length: number): [string, string] {
	const start = column - 1;
	const from = line.length > SHOWN ? Math.max(0, start - BEFORE) : 0;
	const to = from + SHOWN;
	const end = Math.min(start + length, to);
	// Tabs are laid out from where the shown part begins, so the whole is laid out in one go.
	const before = layOut((from > 0 ? "…" : "") + line.slice(from, start));
	const until = layOut((from > 0 ? "…" : "") + line.slice(from, end));
	const all = layOut((from > 0 ? "…" : "") + line.slice(from, to) + (to < line.length ? "…" : ""));
	const marks = "^".repeat(Math.max(1, until.width - before.width));
	return [all.shown.trimEnd(), " ".repeat(before.width) + marks];
}

function entry(
	source: Source,
	at: Place & { message: string; hint?: string; detail?: string },
	severity: "error" | "warning",
	style: Styles,
): string {
	const place = printable(placeText({ ...at, file: source.file }));
	const lines = [`${style.strong(place)} ${style[severity](`${severity}:`)} ${printable(at.message)}`];
	const gutter = String(at.line ?? "").padStart(4);
	const blank = " ".repeat(gutter.length);
	const line = at.line === undefined ? "" : source.line(at.line);
	if (line.trim() !== "") {
		const [shown, caret] = excerpt(line, at.column ?? 1, at.length ?? 1);
		lines.push(
			`${style.dim(`${gutter} |`)} ${shown}`,
			`${style.dim(`${blank} |`)} ${style[severity](caret)}`,
		);
	}
	if (at.hint !== undefined) lines.push(`${blank} ${style.dim("=")} ${printable(at.hint)}`);
	if (at.detail !== undefined) lines.push(printableLines(at.detail.trimEnd()));
	return `${lines.join("\n")}\n`;
}

/** The full report of a wrong file: one entry a mistake, then how many there are. Ends in a newline. */
export function renderErrors(
	source: Source,
	diagnostics: readonly Diagnostic[],
	options: RenderOptions & { truncated?: boolean } = {},
): string {
	const style = styles(options.color === true);
	const entries = diagnostics.map((diagnostic) => entry(source, diagnostic, "error", style));
	const more = options.truncated === true ? ", and more that are not shown" : "";
	return `${entries.join("")}${entries.length} ${entries.length === 1 ? "error" : "errors"}${more}\n`;
}

/** The warnings of a topology, in the same form, without a count. Empty if there are none. */
export function renderWarnings(
	source: Source,
	warnings: readonly Warning[],
	options: RenderOptions = {},
): string {
	const style = styles(options.color === true);
	return warnings.map((warning) => entry(source, warning, "warning", style)).join("");
}
