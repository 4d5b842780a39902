import type { Context } from "./declared.js";
import { splitEnd } from "./names.js";
import { list, quote } from "./printable.js";
import type { Range } from "./source.js";
import type { EndName, Program, Veth } from "./topology.js";

/** A `{ ifindex: … }` in a value of a program's. */
export interface IfindexReference {
	end: EndName;
	at: Range;
}

/** Warns of ifindexes in programs that run in another namespace: a number names an interface of one namespace. */
export function warnOfForeignReferences(
	resolved: readonly { program: Program; references: readonly IfindexReference[] }[],
	veths: readonly Veth[],
	{ report }: Context,
): void {
	const programs = resolved.map(({ program }) => program);
	for (const { program, references } of resolved) {
		const runsIn = namespacesOf(program.name, programs, veths);
		if (runsIn.size === 0) continue;
		const told = endsOfOneNamespace(program);
		for (const { end, at } of references) {
			const { namespace } = splitEnd(end);
			const others = [...runsIn].filter((name) => name !== namespace);
			// One program for several namespaces may tell them apart by the interface that a frame came in by.
			if (others.length === 0 || (runsIn.has(namespace) && told.has(end))) continue;
			const also = runsIn.has(namespace) ? " also" : "";
			const what = `${quote(end)} is in namespace ${quote(namespace)}, and program ${quote(program.name)}${also} runs in ${list(others.map(quote))}`;
			report.warn(at, `${what}: an ifindex names an interface of its own namespace only`);
		}
	}
}

/** The namespaces that a program runs in: where it is attached, and where the programs are that name it in a map. */
function namespacesOf(
	name: string,
	programs: readonly Program[],
	veths: readonly Veth[],
	seen: ReadonlySet<string> = new Set(),
): Set<string> {
	const ends = veths.flatMap(({ ends }) => ends);
	const attached = ends.filter(({ xdp }) => xdp && xdp !== "none" && xdp.program === name);
	const callers = programs.filter(
		(one) => !seen.has(one.name) && one.entries.some(({ program }) => program === name),
	);
	const known = new Set([...seen, name]);
	return new Set([
		...attached.map(({ namespace }) => namespace),
		...callers.flatMap((one) => [...namespacesOf(one.name, programs, veths, known)]),
	]);
}

/** The ends of entries whose key is an interface of the same namespace. */
function endsOfOneNamespace({ entries }: Program): Set<EndName> {
	const ends = ({ ifindexes = [] }: Program["entries"][number]["key"]) => ifindexes.map(({ end }) => end);
	return new Set(
		entries.flatMap(({ key, value }) => {
			const keys = ends(key).map((end) => splitEnd(end).namespace);
			const isOfKeys = (end: EndName) => keys.includes(splitEnd(end).namespace);
			return [...ends(key), ...ends(value).filter(isOfKeys)];
		}),
	);
}
