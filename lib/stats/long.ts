import { printable } from "../topology/printable.js";
import { ACTIONS } from "./counts.js";
import { figure } from "./figure.js";
import type { Page } from "./page.js";
import { aboutVeth, programText } from "./program-text.js";
import type { InterfaceStats, Row } from "./rates.js";

export interface LongOptions {
	color: boolean;
	/** Also the program's tag, and the map that was read. */
	verbose: boolean;
}

/** Five rows an interface, in the columns of the tutorial's xdp_stats; interfaces without counts at the end. */
export function longPage(interfaces: readonly InterfaceStats[], options: LongOptions): Page {
	const uncounted = interfaces.filter(({ program, total }) => program && !total);
	const bare = interfaces.filter(({ program }) => !program);
	const foot: string[][] = [];
	if (interfaces.some(({ source }) => source?.kind === "veth")) foot.push(aboutVeth("(veth)"));
	if (uncounted.length) foot.push([`not counted by anybody: ${uncounted.map(nameWithProgram).join(", ")}`]);
	if (bare.length) foot.push([`no program: ${bare.map(nameOf).join(", ")}`]);
	const blocks = interfaces
		.filter(({ total }) => total)
		.map((one, i) => ({ name: nameOf(one), lines: [...(i ? [""] : []), ...interfaceLines(one, options)] }));
	const separated = foot.flatMap((lines, i) => (i || blocks.length ? ["", ...lines] : lines));
	return { head: [], blocks, foot: separated };
}

/** One interface that is counted: what runs there, and its rows. */
function interfaceLines(one: InterfaceStats, { color, verbose }: LongOptions): string[] {
	const name = color ? `\x1b[1m${nameOf(one)}\x1b[22m` : nameOf(one);
	const rows = ACTIONS.map((action) => rowText(action, one.actions?.[action] ?? null, one.period));
	if (one.source?.kind === "veth") rows.push(rowText("total", one.total, one.period));
	if (one.lost) rows.push(`${"lost".padEnd(12)} ${String(one.lost).padStart(11)} pkts`);
	return [`${name}  ${programText(one, verbose)}`, ...rows];
}

/** Interfaces are anybody's to rename. */
function nameOf(one: InterfaceStats): string {
	return printable(one.interface);
}

function nameWithProgram(one: InterfaceStats): string {
	return `${nameOf(one)} ${programText(one, false)}`;
}

/** stats_print() of the tutorial's xdp_stats.c: "%-12s %'11lld pkts (%'10.0f pps) %'11lld Kbytes (%'6.0f Mbits/s) period:%f\n" */
function rowText(title: string, row: Row | null, period: number | null): string {
	const packets = row ? String(row.packets) : "-";
	const pps = figure(row?.packetsPerSecond);
	const kilobytes = figure(row?.bytes, 1e3);
	const megabits = figure(row?.bitsPerSecond, 1e6);
	const seconds = period === null ? "-" : period.toFixed(6);
	return (
		`${title.padEnd(12)} ${packets.padStart(11)} pkts (${pps.padStart(10)} pps) ` +
		`${kilobytes.padStart(11)} Kbytes (${megabits.padStart(6)} Mbits/s) period:${seconds}`
	);
}
