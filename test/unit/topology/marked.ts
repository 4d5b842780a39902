import { expect } from "vitest";
import { type Diagnostic, parseTopology, TopologyError } from "../../../lib/topology/index.js";

/** A topology of one pair, each part of which may be replaced. */
export function lab(
	parts: { host?: string; uno?: string; a?: string; b?: string; more?: string } = {},
): string {
	return `name: lab
namespaces:
  host: {${parts.host ?? ""}}
  uno: {${parts.uno ?? ""}}
veths:
  - host:uno: ${parts.a ?? "10.1.0.1/24"}
    uno:veth0: ${parts.b ?? "10.1.0.2/24"}
${parts.more ?? ""}`;
}

/** The mistakes of a text, in the order of the file; none if it is right. */
export function mistakes(text: string): readonly Diagnostic[] {
	try {
		parseTopology(text, "lab.yaml");
		return [];
	} catch (error) {
		if (error instanceof TopologyError) return error.diagnostics;
		throw error;
	}
}

/** A text without its «marks», and where each marked part is. */
function unmark(marked: string): {
	text: string;
	places: { line: number; column: number; length: number }[];
} {
	const places: { line: number; column: number; length: number }[] = [];
	let text = "";
	for (const [index, part] of marked.split(/[«»]/).entries()) {
		if (index % 2 === 1) {
			const lines = text.split("\n");
			places.push({ line: lines.length, column: (lines.at(-1) ?? "").length + 1, length: part.length });
		}
		text += part;
	}
	return { text, places };
}

/**
 * Expects one mistake for each «marked» part, exactly there, and no other.
 *
 * @param words for each, what its message and hint must say
 */
export function expectMistakes(marked: string, words: readonly (string | readonly string[])[]): void {
	const { text, places } = unmark(marked);
	const found = mistakes(text);
	expect(found.map(({ line, column, length }) => ({ line, column, length }))).toEqual(places);
	for (const [index, { message, hint }] of found.entries()) {
		for (const word of [words[index] ?? []].flat()) expect(`${message} (${hint ?? ""})`).toContain(word);
	}
	expect(words).toHaveLength(places.length);
}
