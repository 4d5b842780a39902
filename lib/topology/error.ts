import type { Diagnostic } from "./diagnostic.js";
import { printable } from "./printable.js";
import { type RenderOptions, renderErrors } from "./render.js";
import { placeText, type Source } from "./source.js";

/** A topology file is wrong; `diagnostics` says how, in the order of the file. */
export class TopologyError extends Error {
	readonly diagnostics: readonly Diagnostic[];
	/** There are more mistakes than these; only where there are very many. */
	readonly truncated: boolean;
	readonly #source: Source;

	/** @internal @param diagnostics at least one, in the order of the file */
	constructor(source: Source, diagnostics: readonly Diagnostic[], options: { truncated?: boolean } = {}) {
		super(summary(source, diagnostics));
		this.name = "TopologyError";
		this.diagnostics = diagnostics;
		this.truncated = options.truncated === true;
		this.#source = source;
	}

	/** The full report: each mistake with its line and a caret, then their number. Ends in a newline. */
	render(options: RenderOptions = {}): string {
		return renderErrors(this.#source, this.diagnostics, { ...options, truncated: this.truncated });
	}
}

function summary(source: Source, diagnostics: readonly Diagnostic[]): string {
	const first = diagnostics[0];
	if (first === undefined) throw new Error("bug: a topology error without a diagnostic");
	const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : "";
	return printable(`${placeText({ ...first, file: source.file })} ${first.message}${more}`);
}
