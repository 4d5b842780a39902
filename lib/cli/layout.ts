/**
 * Rows of several groups of words, laid out in lines of at most `width` characters. A group begins a new line in
 * every row if there is a row in which it does not fit on the line, so that all rows look alike; a group that is
 * longer than a line is broken between its words.
 * @param indent of all lines but the first of a row
 * @returns the lines of each row
 */
export function layOut(rows: readonly (readonly string[][])[], width: number, indent: number): string[][] {
	const breaks = new Set<number>();
	for (let group = 1; group < Math.max(0, ...rows.map(({ length }) => length)); group++) {
		const start = Math.max(0, ...[...breaks].filter((at) => at < group));
		const fits = rows.every((row) => {
			const line = join(row.slice(start, group + 1).flat());
			return line.length + (start ? indent : 0) <= width;
		});
		if (!fits) breaks.add(group);
	}
	return rows.map((row) => {
		const lines: string[][] = [[]];
		for (const [at, words] of row.entries()) {
			if (breaks.has(at) && words.length) lines.push([]);
			for (const word of words) {
				const line = lines.at(-1) as string[];
				const before = lines.length > 1 ? indent : 0;
				if (line.length && before + join([...line, word]).length > width) lines.push([word]);
				else line.push(word);
			}
		}
		return lines.map((line, i) => " ".repeat(i ? indent : 0) + join(line));
	});
}

function join(words: readonly string[]): string {
	return words.join("  ");
}
