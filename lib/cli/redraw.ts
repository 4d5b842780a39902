/** What of a terminal drawing needs. */
export interface Screen {
	rows?: number;
	columns?: number;
}

/** From the top of the screen over what was there before: ECMA-48 CUP, EL and ED. */
export function redraw(text: string, { rows = 24, columns = 80 }: Screen): string {
	const HOME = "\x1b[H";
	const REST_OF_LINE = "\x1b[K";
	const REST_OF_SCREEN = "\x1b[J";
	const lines = cut(text.trimEnd().split("\n"), rows - 1, columns);
	return `${HOME}${lines.map((line) => `${line}${REST_OF_LINE}\n`).join("")}${REST_OF_SCREEN}`;
}

/** As many lines as there is room for, the last of them saying how many are missing. */
function cut(lines: string[], rows: number, columns: number): string[] {
	// A line that is too long goes on in the next.
	const heights = lines.map((line) => Math.max(1, Math.ceil(line.length / columns)));
	const total = heights.reduce((sum, height) => sum + height, 0);
	if (total <= rows) return lines;
	let used = 1;
	let shown = 0;
	while (used + (heights[shown] ?? 0) <= rows) used += heights[shown++] ?? 0;
	return [...lines.slice(0, shown), `… ${lines.length - shown} more lines: name interfaces to see fewer`];
}
