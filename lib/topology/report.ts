import type { Diagnostic, DiagnosticCode } from "./diagnostic.js";
import { TopologyError } from "./error.js";
import type { Range, Source } from "./source.js";
import { suggest } from "./suggest.js";
import type { Warning } from "./topology.js";

/** Mistakes that are kept; a file with more is no work of a person. */
const MAX_DIAGNOSTICS = 1000;

/** Comparisons spent on looking for the nearest name, so that a hostile file costs no minutes. */
const MAX_COMPARISONS = 200_000;

/** Why a value is not what it should be, without a place: what a parser of one value returns. */
export interface Problem {
	problem: string;
	hint?: string;
}

export type Parsed<T> = { value: T } | Problem;

/** What to write instead; as a function where finding it out takes time. */
export type Hint = string | undefined | (() => string | undefined);

interface Mistake extends Range {
	code: DiagnosticCode;
	message: string;
	hint?: Hint;
	detail?: string | undefined;
}

/** Collects what is wrong with one file, in any order, each thing once. */
export class Report {
	readonly source: Source;
	/** By place and message: what an alias brings in twice is one mistake. */
	readonly #mistakes = new Map<string, Mistake>();
	readonly #fallbacks: Mistake[] = [];
	readonly #warnings = new Map<string, Range & { message: string; detail?: string }>();
	#truncated = false;
	#comparisons = 0;

	constructor(source: Source) {
		this.source = source;
	}

	/** @param detail what another tool says about it */
	error(range: Range, code: DiagnosticCode, message: string, hint?: Hint, detail?: string): void {
		this.#add({ start: range.start, end: range.end, code, message, hint, detail });
	}

	/** A mistake that is told only if nothing else is said about the same place. */
	fallback(range: Range, code: DiagnosticCode, message: string, hint?: Hint): void {
		this.#fallbacks.push({ start: range.start, end: range.end, code, message, hint });
	}

	warn(range: Range, message: string, detail?: string): void {
		this.#warnings.set(`${range.start}:${message}`, { ...range, message, ...(detail && { detail }) });
	}

	/** The value, or undefined after its problem is reported. */
	take<T>(range: Range, code: DiagnosticCode, parsed: Parsed<T>): T | undefined {
		if ("value" in parsed) return parsed.value;
		this.error(range, code, parsed.problem, parsed.hint);
		return undefined;
	}

	/** `did you mean …?` for the candidate nearest to a name, if one is near enough. */
	suggest(name: string, candidates: Iterable<string>): string | undefined {
		return suggest(name, this.#affordable(candidates));
	}

	*#affordable(candidates: Iterable<string>): Iterable<string> {
		for (const candidate of candidates) {
			this.#comparisons += 1;
			if (this.#comparisons > MAX_COMPARISONS) return;
			yield candidate;
		}
	}

	/** Nothing more is taken in, so looking further is of no use. */
	get full(): boolean {
		return this.#truncated;
	}

	get failed(): boolean {
		return this.#mistakes.size > 0 || this.#fallbacks.length > 0;
	}

	/** @throws {TopologyError} if there is a mistake */
	finish(): void {
		const said = new Set([...this.#mistakes.values()].map(({ start }) => start));
		for (const mistake of this.#fallbacks.splice(0)) {
			if (!said.has(mistake.start)) this.#add(mistake);
		}
		if (this.#mistakes.size > 0) {
			const mistakes = [...this.#mistakes.values()].sort((a, b) => a.start - b.start);
			const diagnostics = mistakes.map((mistake) => this.#diagnostic(mistake));
			throw new TopologyError(this.source, diagnostics, { truncated: this.#truncated });
		}
	}

	/** In the order of the file. */
	warnings(): Warning[] {
		return [...this.#warnings.values()]
			.sort((a, b) => a.start - b.start)
			.map(({ start, end, ...rest }) => {
				const { length: _, ...place } = this.source.locate({ start, end });
				return { ...place, ...rest };
			});
	}

	#add(mistake: Mistake): void {
		const identity = `${mistake.start}:${mistake.end}:${mistake.message}`;
		if (this.#mistakes.has(identity)) return;
		if (this.#mistakes.size < MAX_DIAGNOSTICS) {
			const { hint } = mistake;
			this.#mistakes.set(identity, { ...mistake, hint: typeof hint === "function" ? hint() : hint });
		} else {
			this.#truncated = true;
		}
	}

	#diagnostic({ code, message, hint, detail, ...range }: Mistake): Diagnostic {
		const place = this.source.locate(range);
		return {
			code,
			...place,
			message,
			...(typeof hint === "string" ? { hint } : {}),
			...(detail === undefined ? {} : { detail }),
		};
	}
}
