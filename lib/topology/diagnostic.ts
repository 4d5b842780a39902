import type { Place } from "./source.js";

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

/** One mistake, and where it is: a line and a column of a text, or a path of a document. */
export interface Diagnostic extends Place {
	code: DiagnosticCode;
	message: string;
	/** What was expected, or what to write instead. */
	hint?: string;
	/** What another tool says about it, in lines of its own: a compiler's diagnostics. */
	detail?: string;
}
