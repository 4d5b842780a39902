import { distance } from "fastest-levenshtein";
import { quote } from "./printable.js";

/** `did you mean …?` for the candidate nearest to a name, if one is near enough. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
	// One letter in three may be wrong.
	let limit = Math.max(1, Math.floor(name.length / 3));
	let nearest: string | undefined;
	for (const candidate of candidates) {
		if (Math.abs(candidate.length - name.length) > limit || candidate === "") continue;
		const far = difference(name.toLowerCase(), candidate.toLowerCase());
		if (far < limit || (far === limit && nearest === undefined)) {
			nearest = candidate;
			limit = far;
		}
	}
	return nearest === undefined ? undefined : `did you mean ${quote(nearest)}?`;
}

/** How many letters differ; letters in another order, such as `dso` for `dos`, are one slip. */
function difference(a: string, b: string): number {
	const sorted = (text: string) => [...text].sort().join("");
	return a.length === b.length && a !== b && sorted(a) === sorted(b) ? 1 : distance(a, b);
}
