import { isUtf8 } from "node:buffer";
import type { DiagnosticCode } from "./diagnostic.js";
import { TopologyError } from "./error.js";
import { Source } from "./source.js";

/** The largest topology file, in bytes. A lab of 5,000 namespaces takes about 1 MiB. */
export const MAX_SIZE = 2 * 1024 * 1024;

const NEWLINE = 0x0a;

function refuse(source: Source, offset: number, message: string, hint: string): never {
	const code: DiagnosticCode = "encoding";
	const place = source.locate({ start: offset, end: offset + 1 });
	throw new TopologyError(source, [{ code, ...place, message, hint }]);
}

/**
 * The text of a topology file.
 *
 * @throws {TopologyError} for what is no UTF-8 text, holds NUL bytes, or is larger than MAX_SIZE
 */
export function decode(bytes: Uint8Array, file: string): string {
	const nothing = new Source("", file);
	if (bytes.length > MAX_SIZE) refuse(nothing, 0, "the file is too large", `at most ${MAX_SIZE} bytes`);
	// What somebody who comes from xdp-loader may give.
	if (/\.[ch]$/.test(file) || Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "\x7fELF") {
		const [what, key] = /\.[ch]$/.test(file) ? ["C source", "source"] : ["an ELF object", "object"];
		refuse(
			nothing,
			0,
			`the file is ${what}`,
			`a topology names it: \`programs: { NAME: { ${key}: FILE } }\``,
		);
	}
	if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
		refuse(nothing, 0, "the file is UTF-16", "save it as UTF-8");
	// Not fatal: a wrong byte is replaced, so that its line can be shown. A UTF-8 BOM is removed.
	const text = new TextDecoder("utf-8").decode(bytes);
	if (!isUtf8(bytes))
		refuse(new Source(text, file), firstReplaced(bytes, text), "the file is not UTF-8", "save it as UTF-8");
	const nul = text.indexOf("\0");
	if (nul !== -1)
		refuse(new Source(text, file), nul, "the file holds a NUL byte", "a topology is a text file");
	return text;
}

/** Where in the decoded text the first invalid byte was. U+FFFD may also stand in the file itself. */
function firstReplaced(bytes: Uint8Array, text: string): number {
	let offset = 0;
	for (let start = 0; start < bytes.length; ) {
		const newline = bytes.indexOf(NEWLINE, start);
		const end = newline === -1 ? bytes.length : newline;
		if (!isUtf8(bytes.subarray(start, end))) return Math.max(offset, text.indexOf("\uFFFD", offset));
		offset = text.indexOf("\n", offset) + 1;
		start = end + 1;
	}
	return 0;
}
