/**
 * A number in so many units, `-` for one that is not known. The tutorial rounds to whole units and shows 0 for a
 * ping; here a small number has places after the point, four digits in all.
 */
export function figure(value: number | null | undefined, unit = 1): string {
	if (value === null || value === undefined) return "-";
	const number = value / unit;
	const places = number >= 1000 ? 0 : number >= 100 ? 1 : number >= 10 ? 2 : 3;
	return String(Number(number.toFixed(places)));
}
