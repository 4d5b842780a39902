import { printable } from "../topology/printable.js";
import type { InterfaceStats } from "./rates.js";

/** What is said once of interfaces that are counted by their veth. */
export function aboutVeth(mark: string): string[] {
	return [
		`${mark} the interface's own counters, since it was made. DROP includes ABORTED; PASS is the`,
		"total minus the rest; bytes exist only as a total, without the Ethernet header of",
		"packets from a network stack.",
	];
}

/** `fib (native, id 12)`, and whose it is if it is not the lab's. */
export function programText({ program, source, lab }: InterfaceStats, verbose: boolean): string {
	if (!program) return "";
	const details = [program.mode, `id ${program.id}`];
	if (verbose) details.push(`tag ${program.tag}`);
	if (program.lab === null) details.push("not this lab's");
	else if (program.lab !== lab) details.push(`lab ${program.lab}'s`);
	const map =
		verbose && source?.kind === "map" ? ` - BPF map id:${source.map} name:counters port:${source.port}` : "";
	return `${printable(program.name)} (${details.join(", ")})${source?.kind === "veth" ? " (veth)" : ""}${map}`;
}
