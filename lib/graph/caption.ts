import { type Graph, isDrifted } from "./model.js";

/** Lines of drift at one place, after which the picture only counts. */
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
		...shorten(drift).map((text) => ({ text, drift: true })),
	];
}

/** Lines that fit in a card: the first few, and how many more; each no longer than a card is wide. */
export function shorten(drift: readonly string[]): string[] {
	const shown = drift.length > LINES ? drift.slice(0, LINES - 1) : drift;
	const more = drift.length - shown.length;
	return [...shown.map(cut), ...(more ? [`and ${more} more`] : [])];
}

/** Characters. */
const WIDTH = 56;

function cut(text: string): string {
	return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text;
}
