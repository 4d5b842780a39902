import type { Context, DeclaredEnd } from "./declared.js";
import { type EndValue, resolveEnd } from "./end.js";
import type { TopologyDocument, VethEntry } from "./generated/document.js";
import { checkAddresses } from "./interface-addresses.js";
import { interfaceProblem, LOOPBACK, parseEndName } from "./names.js";
import type { Entry, Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Veth } from "./topology.js";

export type DeclaredVeth = [DeclaredEnd, DeclaredEnd];

/** The veth pairs of a document; its ends are declared on the way. */
export function resolveVeths(
	document: Sound<TopologyDocument>,
	lab: string,
	context: Context,
): DeclaredVeth[] {
	const { positions, declared } = context;
	const pairs: DeclaredVeth[] = [];
	declared.endsIncomplete =
		positions.isLost(document, "veths") || (document.veths === undefined && positions.isDamaged(document));
	if (document.veths !== undefined && document.veths !== null) {
		for (const { value } of positions.entries<Sound<VethEntry>>(document.veths)) {
			// A key that names no end may have been meant for any.
			if (value === undefined || (positions.isDamaged(value) && Object.keys(value).length < 2))
				declared.endsIncomplete = true;
			const ends = value === undefined ? [] : declareEnds(value, lab, context);
			const [first, second, third] = ends;
			if (first !== undefined && second !== undefined && third === undefined) {
				checkMacs(first, second, context);
				pairs.push([first, second]);
			}
		}
	}
	checkAddresses(pairs, context);
	return pairs;
}

export function veth([first, second]: DeclaredVeth): Veth {
	return { ends: [first.end, second.end] };
}

function declareEnds(pair: Sound<VethEntry>, lab: string, context: Context): DeclaredEnd[] {
	const ends: DeclaredEnd[] = [];
	for (const entry of context.positions.entries<EndValue>(pair)) {
		const end = declareEnd(entry, lab, context);
		if (end !== undefined) ends.push(end);
	}
	return ends;
}

function declareEnd(entry: Entry<EndValue>, lab: string, context: Context): DeclaredEnd | undefined {
	const { report, declared } = context;
	const { name, key } = entry;
	const parts = report.take(key, "name", parseEndName(name));
	if (parts === undefined) return undefined;
	const before = key.start + parts.namespace.length;
	const plain = report.source.text.startsWith(name, key.start);
	declared.findNamespace(parts.namespace, plain ? { start: key.start, end: before } : key);
	const problem = interfaceProblem(parts.interface);
	if (problem !== undefined) {
		const message = `interface name ${quote(parts.interface)} ${problem}`;
		const hint =
			parts.interface === LOOPBACK ? "`addresses` in the namespace's entry are those of its `lo`" : undefined;
		report.error(plain ? { start: before + 1, end: key.end } : key, "name", message, hint);
	}
	// An end of a wrong name is declared all the same: references to it are not wrong on top.
	const end = resolveEnd(parts, entry, lab, context);
	const other = declared.addEnd(end);
	if (other !== undefined) {
		const first = report.source.where(other.at.start);
		report.error(key, "duplicate", `end ${quote(name)} is used twice`, `it is first ${first}`);
		return undefined;
	}
	return end;
}

function checkMacs(first: DeclaredEnd, second: DeclaredEnd, { report }: Context): void {
	if (first.end.mac === second.end.mac) {
		const message = `both ends of the pair have the MAC ${quote(first.end.mac)}`;
		report.error(second.macAt ?? first.macAt ?? second.at, "duplicate", message);
	}
}
