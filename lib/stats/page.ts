/** A sample as text, in parts that a terminal may have no room for. */
export interface Page {
	head: string[];
	/** An interface each. */
	blocks: Block[];
	foot: string[];
}

interface Block {
	name: string;
	lines: string[];
}

/** Size of a terminal, in characters. */
export interface Room {
	rows: number;
	columns: number;
}

/** All of a page, or, with `room`, as many interfaces as there is room for and the names of the rest. */
export function pageText({ head, blocks, foot }: Page, room?: Room): string {
	const all = [...head, ...blocks.flatMap(({ lines }) => lines), ...foot];
	if (!room || height(all, room) <= room.rows) return lines(all);
	// A line says what is left out; the foot is of the least use.
	let left = room.rows - height(head, room) - 1;
	const shown: Block[] = [];
	for (const block of blocks) {
		left -= height(block.lines, room);
		if (left < 0) break;
		shown.push(block);
	}
	const rest = blocks.slice(shown.length).map(({ name }) => name);
	const note = `… no room for ${rest.length} more: ${rest.join(" ")}`;
	return lines([...head, ...shown.flatMap((block) => block.lines), cut(note, room.columns)]);
}

/** A line no longer than the terminal is wide. */
export function cut(line: string, columns: number): string {
	return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
}

/** Rows of a terminal that lines take: a line that is too long goes on in the next row. */
function height(lines: readonly string[], { columns }: Room): number {
	return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(width(line) / columns)), 0);
}

/** Characters that are seen, without colours: ECMA-48 SGR. */
function width(line: string): number {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins a colour
	return line.replaceAll(/\x1b\[\d*m/g, "").length;
}

function lines(all: readonly string[]): string {
	return all.map((line) => `${line}\n`).join("");
}
