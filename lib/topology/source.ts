import type { FilePosition } from "./topology.js";

/** A half-open range of offsets in a text, in UTF-16 code units. */
export interface Range {
	start: number;
	end: number;
}

/** Line and column from 1; the column counts UTF-16 code units, as editors do. */
export interface Position {
	line: number;
	column: number;
}

/** A text, the name it is reported under, and where its lines begin. */
export class Source {
	readonly text: string;
	/** As the user named it; `(standard input)` for `-`. */
	readonly file: string;
	readonly #lineStarts: number[] = [0];

	constructor(text: string, file: string) {
		this.text = text;
		this.file = file;
		for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1))
			this.#lineStarts.push(at + 1);
	}

	position(offset: number): Position {
		let low = 0;
		let high = this.#lineStarts.length - 1;
		while (low < high) {
			const middle = (low + high + 1) >> 1;
			if ((this.#lineStarts[middle] ?? 0) <= offset) {
				low = middle;
			} else {
				high = middle - 1;
			}
		}
		return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
	}

	/** The same with the name of the file. */
	place(offset: number): FilePosition {
		return { file: this.file, ...this.position(offset) };
	}

	/** The text of a line without its end; empty for a line that is not there. */
	line(line: number): string {
		const start = this.#lineStarts[line - 1];
		if (start === undefined) return "";
		const next = this.#lineStarts[line] ?? this.text.length + 1;
		const end = next - 1;
		return this.text.slice(start, this.text[end - 1] === "\r" ? end - 1 : end);
	}
}
