import { LOOPBACK } from "../topology/names.js";
import { shorten } from "./caption.js";
import type { Detail } from "./detail.js";
import { bold, font, lines, row, table } from "./dot-syntax.js";
import { type GraphEnd, type GraphNamespace, type GraphProgram, isDrifted } from "./model.js";
import { LIGHT } from "./theme.js";

const SMALL = "10";

/** A namespace as the HTML-like label of a node: its name and mode, a row an end, and what differs. */
export function card(namespace: GraphNamespace, detail: Detail): string {
	const { host, gone } = namespace;
	return table(
		{
			border: host ? "2" : "1",
			style: gone ? "rounded,dashed" : "rounded",
			cellborder: "0",
			cellspacing: "0",
			cellpadding: "3",
			color: gone ? LIGHT.drift : host ? LIGHT.borderHost : LIGHT.border,
			bgcolor: gone ? LIGHT.cardGone : host ? LIGHT.cardHost : LIGHT.card,
		},
		rows(namespace, detail),
	);
}

function rows(namespace: GraphNamespace, detail: Detail): string[] {
	const { addresses, ends, drift, forwarding, gone } = namespace;
	const [only, ...others] = ends;
	// One line is enough for the many that have one end and do nothing but send and receive.
	if (!detail.addresses && detail.ends && only && !others.length && forwarding === null && !gone)
		return [...endRows(only, 0, detail, namespace.name), ...driftRow(drift)];
	return [
		title(namespace),
		...loopbackRow(detail.addresses ? addresses : []),
		...driftRow(drift),
		...ends.flatMap((end, i) =>
			detail.ends || isDrifted(end) || end.down ? ["<hr/>", ...endRows(end, i, detail)] : [],
		),
	];
}

function title({ name, forwarding, gone }: GraphNamespace): string {
	const tag = gone
		? font({ color: LIGHT.drift, "point-size": SMALL }, "gone")
		: forwarding === null
			? ""
			: font({ color: LIGHT.mode, "point-size": SMALL }, `forwards: ${forwarding}`);
	const head = bold(font({ color: gone ? LIGHT.drift : LIGHT.text }, name));
	const cells = row([{ align: "left" }, head], [{ align: "right" }, tag]);
	// In a table of its own, so that it does not widen the columns below.
	const inner = table({ border: "0", cellspacing: "0", cellpadding: "3" }, [cells]);
	return row([{ colspan: "3", cellpadding: "1" }, { html: inner }]);
}

/** What is on `lo`, which no line comes to. */
function loopbackRow(addresses: readonly string[]): string[] {
	if (addresses.length === 0) return [];
	return [
		"<hr/>",
		row(
			[{ align: "left" }, font({ color: LIGHT.muted }, LOOPBACK)],
			[{ align: "left", balign: "left" }, addressLines(addresses)],
			[{}, ""],
		),
	];
}

/** Lines come to the row's ends: to its first cell from the left, to its last from the right. */
function endRows(end: GraphEnd, number: number, detail: Detail, head?: string): string[] {
	const color = isDrifted(end) || end.down ? LIGHT.drift : LIGHT.text;
	const name = font({ color }, end.interface);
	const addresses = addressLines(detail.addresses ? end.addresses : []);
	return [
		row(
			[
				{ port: `l${number}`, align: "left" },
				head === undefined ? name : bold(font({ color: LIGHT.text }, head)),
			],
			[{ align: "left", balign: "left" }, head === undefined ? addresses : name],
			[{ port: `r${number}`, align: "right" }, programs(end)],
		),
		...driftRow(end.drift),
	];
}

function addressLines(addresses: readonly string[]) {
	return addresses.length === 0 ? "" : font({ color: LIGHT.muted, "point-size": SMALL }, lines(addresses));
}

function programs({ programs, gone, down }: GraphEnd) {
	const state = gone ? "gone" : down ? "down" : undefined;
	const pills = [
		...(state === undefined ? [] : [pill(state, LIGHT.drift, LIGHT.driftFill)]),
		...programs.map(programPill),
	];
	return pills.length === 0
		? ""
		: { html: table({ border: "0", cellspacing: "1", cellpadding: "0" }, pills) };
}

function programPill({ name, generic, foreign }: GraphProgram): string {
	const text = `${name}${generic ? " generic" : ""}${foreign ? ", not the lab's" : ""}`;
	if (foreign) return pill(text, LIGHT.foreign, LIGHT.foreignFill);
	return generic
		? pill(text, LIGHT.generic, LIGHT.genericFill)
		: pill(text, LIGHT.program, LIGHT.programFill);
}

function pill(text: string, color: string, bgcolor: string): string {
	// A table fills its cell, unless its size is given: of Courier at 10 points, a character is 6 wide.
	const width = String(6 * [...text].length + 10);
	const size = { fixedsize: "true", width, height: "16" };
	const box = { border: "0", style: "rounded", cellpadding: "0", cellspacing: "0", bgcolor, ...size };
	const inner = table(box, [row([size, font({ color, "point-size": SMALL }, text)])]);
	return row([{ align: "right" }, { html: inner }]);
}

function driftRow(drift: readonly string[]): string[] {
	if (drift.length === 0) return [];
	const text = font({ color: LIGHT.drift, "point-size": SMALL }, lines(shorten(drift)));
	const box = { border: "0", style: "rounded", cellspacing: "0", cellpadding: "3", bgcolor: LIGHT.driftFill };
	const inner = table(box, [row([{ align: "left", balign: "left" }, text])]);
	return [row([{ colspan: "3" }, { html: inner }])];
}
