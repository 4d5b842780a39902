import { type Graph, isDrifted } from "./model.js";

/** Differences at one place, beyond which the picture only counts. */
const LINES = 4;

/** What stands below a picture: what it is of, and what the colours mean where they mean something. */
export function caption(graph: Graph): { text: string; drift: boolean }[] {
	const { lab, differences, namespaces, drift } = graph;
	if (differences === undefined) return [{ text: lab, drift: false }];
	const verdict =
		differences === null
			? "what was applied is not known"
			: differences === 0
				? "as applied"
				: `${differences} ${differences === 1 ? "difference" : "differences"} from what was applied, in red`;
	const gone = namespaces.some((one) => one.gone || one.ends.some((end) => end.gone));
	const down = namespaces.some(({ ends }) => ends.some((end) => end.down));
	const legend = [...(gone ? ["dashed: gone"] : []), ...(down ? ["dotted: a link is down"] : [])];
	const red = Boolean(differences) || namespaces.some(({ ends }) => ends.some(isDrifted));
	return [
		{ text: [`${lab}, live: ${verdict}`, ...legend].join("; "), drift: red },
		...drift.map((text) => ({ text, drift: true })),
	];
}

/** What fits in a card: the first few, how many more, and no line longer than a card is wide. */
export function shorten(drift: readonly string[]): string[] {
	const shown = drift.length > LINES ? drift.slice(0, LINES - 1) : drift;
	const more = drift.length - shown.length;
	return [...shown.flatMap(wrap), ...(more ? [`and ${more} more`] : [])];
}

/** Characters; about what a name, an address and a program take beside each other. */
const WIDTH = 34;

/** Breaks between words; what follows is indented. */
function wrap(text: string): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		if (line.trim() !== "" && line.length + 1 + word.length > WIDTH) {
			lines.push(line);
			line = `  ${word}`;
		} else line = line === "" ? word : `${line} ${word}`;
	}
	return [...lines, line];
}
