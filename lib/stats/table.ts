import { printable } from "../topology/printable.js";
import { ACTIONS } from "./counts.js";
import { figure } from "./figure.js";
import { cut, type Page } from "./page.js";
import { aboutVeth, programText } from "./program-text.js";
import type { InterfaceStats } from "./rates.js";

export interface TableOptions {
	color: boolean;
	/** Also the programs' ids, modes and tags. */
	verbose: boolean;
	/** Width of the terminal; what runs on an interface is cut there. */
	columns: number | undefined;
}

/** A line an interface: packets per second, packets by verdict, and what runs there. */
export function tablePage(interfaces: readonly InterfaceStats[], options: TableOptions): Page {
	const hasLost = interfaces.some(({ lost }) => lost);
	const verdicts = ACTIONS.map((action) => action.replace("XDP_", ""));
	const titles = ["INTERFACE", "PKTS/S", ...verdicts, ...(hasLost ? ["LOST"] : []), "PROGRAM"];
	const rows = interfaces.map((one) => [
		printable(one.interface),
		figure(one.total?.packetsPerSecond),
		...ACTIONS.map((action) => figure(one.actions?.[action]?.packets)),
		...(hasLost ? [figure(one.lost)] : []),
		describe(one, options.verbose),
	]);
	const widths = titles.map((title, i) =>
		Math.max(...[title, ...rows.map((row) => row[i] ?? "")].map(length)),
	);
	const line = (cells: readonly string[]) => {
		const padded = cells.map((cell, i) =>
			i === 0 ? cell.padEnd(widths[i] ?? 0) : i === cells.length - 1 ? cell : cell.padStart(widths[i] ?? 0),
		);
		return cut(padded.join("  "), options.columns ?? Number.POSITIVE_INFINITY);
	};
	const blocks = rows.map((row) => {
		const [name = ""] = row;
		const text = line(row);
		return { name, lines: [options.color ? `\x1b[1m${name}\x1b[22m${text.slice(name.length)}` : text] };
	});
	const foot = interfaces.some(({ source }) => source?.kind === "veth") ? ["", ...aboutVeth("(veth)")] : [];
	return { head: [line(titles)], blocks, foot };
}

function length(text: string): number {
	return text.length;
}

/** What runs on the interface and who counts: `fib`, `xdp_prog, not this lab's (veth)`. */
function describe(one: InterfaceStats, verbose: boolean): string {
	if (!one.program) return "(no program)";
	if (verbose) return programText(one, true);
	const name = printable(one.program.name);
	const whose = one.program.lab === one.lab ? "" : ", not this lab's";
	const counter = one.source ? (one.source.kind === "veth" ? " (veth)" : "") : " (not counted)";
	return `${name}${whose}${counter}`;
}
