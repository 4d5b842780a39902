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

/** Where something stands: by line and column in a text, by path in a document that a program has made. */
export interface Place extends Partial<Position> {
	/** Number of UTF-16 code units, at least 1, within one line. */
	length?: number;
	/** `namespaces.r1.routes[0].via`; empty for the document itself. Absent for a text. */
	path?: string;
}

/** A place in a topology file, or a path in a document. */
export interface FilePosition extends Omit<Place, "length"> {
	/** As the user named it; empty for a document without a name. */
	file: string;
}

/** `lab.yaml:3:7:`, or of a document: `namespaces.r1.routes[0].via:`, after its name if it has one. */
export function placeText({ file, line, column, path }: FilePosition): string {
	if (path === undefined) return `${file}:${line}:${column}:`;
	const parts = [file, path].filter((part) => part !== "");
	return `${parts.join(": ") || "the document"}:`;
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

	/** Where an offset stands, with the name of the file. */
	place(offset: number): FilePosition {
		const { length: _, ...place } = this.locate({ start: offset, end: offset + 1 });
		return { file: this.file, ...place };
	}

	/** Where a range stands: its first line, without white space at its end. */
	locate(range: Range): Place {
		const position = this.position(range.start);
		const rest = this.line(position.line).slice(position.column - 1);
		const marked = rest.slice(0, Math.max(1, range.end - range.start)).trimEnd();
		return { ...position, length: Math.max(1, marked.length) };
	}

	/** Where an offset stands, in words: `in line 3`, or in a document: ``at `veths[0]` ``. */
	where(offset: number): string {
		const { line, path } = this.locate({ start: offset, end: offset + 1 });
		return path === undefined ? `in line ${line}` : `at \`${path}\``;
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
