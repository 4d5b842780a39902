import type { Positions } from "./positions.js";
import { type Place, type Range, Source } from "./source.js";

/** A document that a program has made, as the JSON text that is read like a file. Places in it are paths. */
export class DocumentSource extends Source {
	/** Every key and value with where it begins in the text, in that order. */
	#paths: { start: number; path: string }[] = [];

	/** Whether the document can be written as JSON: nothing in it contains itself. */
	readonly isFinite: boolean;

	/** @param document plain data; fields that are undefined are missing, a bigint is a whole number */
	constructor(document: unknown, file: string) {
		const text = textOf(document);
		super(text ?? "", file);
		this.isFinite = text !== undefined;
	}

	/** Remembers the paths, before the checks remove wrong parts. */
	remember(root: unknown, positions: Positions): void {
		const paths = [{ start: 0, path: "" }];
		const visit = (container: unknown, path: string): void => {
			if (typeof container !== "object" || container === null) return;
			const entries = positions.entries<unknown>(container as Record<string, unknown>);
			for (const { name, value, key, at } of entries) {
				const inner = Array.isArray(container) ? `${path}[${name}]` : `${path}${step(name, path === "")}`;
				paths.push({ start: key.start, path: inner }, { start: at.start, path: inner });
				visit(value, inner);
			}
		};
		visit(root, "");
		this.#paths = paths.sort((a, b) => a.start - b.start);
	}

	/** Path of the innermost value around a range: `namespaces.r1.routes[0].via`; empty for the document itself. */
	override locate(range: Range): Place {
		return { path: this.#paths.findLast(({ start }) => start <= range.start)?.path ?? "" };
	}
}

/** A key as JavaScript writes it after what holds the value. */
function step(name: string, first: boolean): string {
	if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `[${JSON.stringify(name)}]`;
	return first ? name : `.${name}`;
}

function textOf(document: unknown): string | undefined {
	try {
		return JSON.stringify(document ?? null, (_, value) =>
			typeof value === "bigint" ? String(value) : value,
		);
	} catch {
		return undefined;
	}
}
