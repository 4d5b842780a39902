import { SEED } from "../random.js";

/** `npm run soak` tries everything; `npm test` a part, another one with each seed. */
export const LONG = process.env["SOAK"] === "1";

/** How often, where `RUNS=…` says so. */
export const RUNS = process.env["RUNS"] ? Number(process.env["RUNS"]) : undefined;

/** All, or some `few` of them, another few with each seed. */
export function some<T>(all: readonly T[], few: number): readonly T[] {
	return sample(all.length, few).map((place) => all[place - 1] as T);
}

/** Of the places 1 to `total` some `few`, evenly apart from a place that the seed decides; or all. */
export function sample(total: number, few: number): number[] {
	const step = LONG ? 1 : Math.max(1, Math.ceil(total / few));
	const first = 1 + (SEED % step);
	return Array.from({ length: Math.ceil((total - first + 1) / step) }, (_, i) => first + i * step);
}
