import { printable } from "../topology/printable.js";
import { ACTIONS } from "./counts.js";
import type { InterfaceStats, Row } from "./rates.js";

export interface StatsTextOptions {
	color?: boolean;
	/** Also the program's tag and the map, or whatever else the counts are from. */
	verbose?: boolean;
}

/** What is said once, where an interface's counts are a veth's. */
const ABOUT_VETH =
	"(veth) the interface's own counters, since it was made: XDP_ABORTED is among XDP_DROP, XDP_PASS is what is left\n" +
	"over, and bytes are counted in total only, those of packets from a stack without their Ethernet header.\n";

/**
 * A sample as text: five rows an interface, in the columns of the tutorial's xdp_stats; interfaces that
 * nobody counts at the end.
 */
export function statsText(interfaces: readonly InterfaceStats[], options: StatsTextOptions = {}): string {
	const counted = interfaces.filter(({ total }) => total);
	const uncounted = interfaces.filter(({ program, total }) => program && !total);
	const bare = interfaces.filter(({ program }) => !program);
	const parts = counted.map((one) => interfaceText(one, options));
	if (counted.some(({ source }) => source?.kind === "veth")) parts.push(ABOUT_VETH);
	if (uncounted.length) parts.push(`not counted by anybody: ${uncounted.map(nameWithProgram).join(", ")}\n`);
	if (bare.length) parts.push(`no program: ${bare.map(nameOf).join(", ")}\n`);
	if (parts.length === 0) return "no interfaces\n";
	return parts.join("\n");
}

/** One interface that is counted: what runs there, and its rows. */
function interfaceText(one: InterfaceStats, { color = false, verbose = false }: StatsTextOptions): string {
	const name = color ? `\x1b[1m${nameOf(one)}\x1b[22m` : nameOf(one);
	const rows = ACTIONS.map((action) => rowText(action, one.actions?.[action] ?? null, one.period));
	if (one.source?.kind === "veth") rows.push(rowText("total", one.total, one.period));
	if (one.lost) rows.push(`${"lost".padEnd(12)} ${String(one.lost).padStart(11)} pkts`);
	return [`${name}  ${programText(one, verbose)}`, ...rows, ""].join("\n");
}

/** `fib (native, id 12)`, and of whom it is not the lab's. */
function programText({ program, source, lab }: InterfaceStats, verbose: boolean): string {
	if (!program) return "";
	const details = [program.mode, `id ${program.id}`];
	if (verbose) details.push(`tag ${program.tag}`);
	if (program.lab === null) details.push("not this lab's");
	else if (program.lab !== lab) details.push(`lab ${program.lab}'s`);
	const map =
		verbose && source?.kind === "map" ? ` - BPF map id:${source.map} name:counters port:${source.port}` : "";
	return `${printable(program.name)} (${details.join(", ")})${source?.kind === "veth" ? " (veth)" : ""}${map}`;
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

/**
 * In so many units. The tutorial rounds to whole ones, and shows 0 for a ping: here what is small has
 * places after the point, four digits in all.
 */
function figure(value: number | null | undefined, unit = 1): string {
	if (value === null || value === undefined) return "-";
	const number = value / unit;
	const places = number >= 1000 ? 0 : number >= 100 ? 1 : number >= 10 ? 2 : 3;
	return String(Number(number.toFixed(places)));
}
