/** Draws a text over a terminal from its top: ECMA-48 CUP, EL and ED. */
export function redraw(text: string): string {
	const HOME = "\x1b[H";
	const REST_OF_LINE = "\x1b[K";
	const REST_OF_SCREEN = "\x1b[J";
	const lines = text.trimEnd().split("\n");
	return `${HOME}${lines.map((line) => `${line}${REST_OF_LINE}\n`).join("")}${REST_OF_SCREEN}`;
}
