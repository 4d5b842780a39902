import type { ErrorCode, YAMLError } from "yaml";
import type { Report } from "./report.js";
import type { Range, Source } from "./source.js";

/** An address that ends in `::` without quotes. Colons only at the end would be a key of one letter. */
const UNQUOTED_ADDRESS = /^(?:[0-9a-f]{1,4}:)*[0-9a-f]{0,4}::(?=[\s,\]}]|$)/i;

/** `key:value`, which is one word. */
const NO_VALUE = /^Implicit map keys need to be followed by map values/;
const noValue: [string, string] = ["a key without a value", "a space follows the colon: `key: value`"];

const noSpace: [string, string] = ["this does not belong here", "a space follows the colon: `key: { … }`"];

/** A `{` or `[` that finds no end. */
const UNCLOSED = /must be sufficiently indented and end with a ([\]}])$/;

/** What the YAML library says, for people who do not know its terms. */
const words: Partial<Record<ErrorCode, [message: string, hint?: string]>> = {
	BAD_ALIAS: ["an alias is not written like this", "`*NAME`, where `&NAME` marks an earlier value"],
	BAD_DQ_ESCAPE: ["no such escape within double quotes", "single quotes take every character as it is"],
	BAD_INDENT: ["the indentation does not fit what is around it"],
	BAD_SCALAR_START: ["a value cannot begin with this character", "put the value in quotes"],
	BLOCK_AS_IMPLICIT_KEY: [
		"a second `: ` in one line",
		"put a value that holds `: ` or ends in `:` in quotes; put a nested mapping on lines of its own",
	],
	BLOCK_IN_FLOW: [
		"within `{ }` and `[ ]` a mapping needs braces of its own",
		"put a value that ends in `:` in quotes",
	],
	MULTIPLE_DOCS: ["a second document begins here", "one file is one topology: remove the `---`"],
	RESOURCE_EXHAUSTION: ["values are nested too deeply"],
	TAB_AS_INDENT: ["a tab cannot indent YAML", "use spaces"],
	TAG_RESOLVE_FAILED: ["this tag means nothing here", "a topology needs no tags: remove the `!…`"],
};

/** The text at an error if it is an address that YAML takes for a mapping. */
export function unquotedAddress(source: Source, offset: number): string | undefined {
	return UNQUOTED_ADDRESS.exec(source.text.slice(offset, offset + 64))?.[0];
}

/**
 * Reports errors of the YAML library, at most one a line, since one slip often yields several.
 *
 * An unquoted address is passed over: it is a mapping to YAML, and reported where the value is read.
 */
export function reportYamlErrors(errors: readonly YAMLError[], report: Report): void {
	const { source } = report;
	const lines = new Set<number>();
	for (const error of errors) {
		const range = opening(error, source) ?? { start: error.pos[0], end: error.pos[1] };
		if (error.code.startsWith("BLOCK_") && unquotedAddress(source, range.start) !== undefined) continue;
		const { line } = source.position(range.start);
		if (!lines.has(line)) {
			lines.add(line);
			report.error(range, "yaml", ...explain(error, source));
		}
	}
}

function explain({ code, message }: YAMLError, source: Source): [message: string, hint?: string] {
	if (NO_VALUE.test(message)) return noValue;
	const closer = UNCLOSED.exec(message)?.[1];
	if (closer !== undefined) return [`this bracket is never closed`, `\`${closer}\``];
	// `namespaces:{ a: }` is a key that begins a mapping in braces, and the braces make no sense then.
	if (code === "UNEXPECTED_TOKEN" && /\w:[{[]/.test(source.text)) return noSpace;
	return words[code] ?? [uncapitalised(message)];
}

/** Where a quoted value or a bracket begins that never ends; the library points at where it noticed. */
function opening({ message, pos }: YAMLError, source: Source): Range | undefined {
	const quote = /^Missing closing (["'])quote$/.exec(message)?.[1];
	const closer = UNCLOSED.exec(message)?.[1];
	const opener = quote ?? (closer === undefined ? undefined : closer === "}" ? "{" : "[");
	const offset = opener === undefined ? -1 : source.text.lastIndexOf(opener, pos[0]);
	return offset === -1 ? undefined : { start: offset, end: offset + 1 };
}

function uncapitalised(message: string): string {
	return message.charAt(0).toLowerCase() + message.slice(1).replace(/(["'])quote$/, "quote $1");
}
