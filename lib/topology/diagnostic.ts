import type { Position, Range, Source } from "./source.js";

/** What kind of mistake it is, for programs; the message is for people. */
export type DiagnosticCode =
	/** The bytes are no text: encoding, NUL bytes, size. */
	| "encoding"
	/** The text is no YAML, or uses what a topology may not. */
	| "yaml"
	/** A key stands twice in one mapping. */
	| "duplicate-key"
	| "unknown-key"
	| "missing-key"
	/** A value of the wrong kind, such as a list for a string. */
	| "type"
	/** A value of the right kind that is out of its range. */
	| "value"
	/** A name that cannot be one. */
	| "name"
	/** A reference to something that the file does not declare. */
	| "reference"
	/** Something that may stand once stands twice. */
	| "duplicate"
	| "address"
	| "mac"
	| "route"
	| "forwarding"
	| "sysctl"
	/** A program's object, or a value for what is in it. */
	| "program";

/** One mistake, and where it is. */
export interface Diagnostic extends Position {
	code: DiagnosticCode;
	/** Of the text that is wrong, in UTF-16 code units; at least 1, within one line. */
	length: number;
	message: string;
	/** What was expected, or what to write instead. */
	hint?: string;
	/** What another tool says about it, in lines of its own: a compiler's diagnostics. */
	detail?: string;
}

/** The part of a range that a diagnostic underlines: its first line, without white space at its end. */
export function underline(source: Source, range: Range): Position & { length: number } {
	const position = source.position(range.start);
	const rest = source.line(position.line).slice(position.column - 1);
	const marked = rest.slice(0, Math.max(1, range.end - range.start)).trimEnd();
	return { ...position, length: Math.max(1, marked.length) };
}
