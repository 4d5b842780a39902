import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** A target, and what was measured in one run. */
export interface Result {
	what: string;
	against: string;
	/** How many times what it is measured against; or an amount where `unit` says of what. */
	measured: number;
	unit?: string;
	/** Absent where nothing is to be reached, and the figure is for information. */
	limit?: number;
	/** Whether the limit is the most or the least that is good; the default is the most. */
	least?: boolean;
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length - 1 - middle], sorted[middle]];
	return (low + high) / 2;
}

export function verdict({ measured, limit, least = false }: Result): "reached" | "missed" | "" {
	if (limit === undefined) return "";
	return (least ? measured >= limit : measured <= limit) ? "reached" : "missed";
}

/** A Markdown table, a line a target. */
export function table(results: readonly Result[]): string {
	const number = (value: number) => value.toPrecision(value < 1000 ? 3 : 4);
	const rows = results.map((result) => {
		const { what, against, measured, unit = "times", limit, least } = result;
		const target = limit === undefined ? "" : `${least ? "at least" : "at most"} ${limit} ${unit}`;
		return [what, against, target, number(measured), verdict(result)];
	});
	return aligned(["what", "against", "to reach", "measured", "verdict"], rows);
}

/** A Markdown table whose columns line up. */
export function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
	return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** Writes what was measured, whole, for who wants to compare runs. */
export function writeJson(file: string, document: object): void {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, `${JSON.stringify(document, null, "\t")}\n`);
}
