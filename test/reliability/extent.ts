/** `npm run soak` tries everything; `npm test` a part, another one each time. */
export const LONG = process.env["SOAK"] === "1";

/** What is random follows from it; printed, and given again by `SEED=…`. */
export const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

/** Of the places 1 to `total` some `few`, evenly apart from a place that the seed decides; or all. */
export function sample(total: number, few: number): number[] {
	const step = LONG ? 1 : Math.max(1, Math.ceil(total / few));
	const first = 1 + (SEED % step);
	return Array.from({ length: Math.ceil((total - first + 1) / step) }, (_, i) => first + i * step);
}
