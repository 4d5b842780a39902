import { groupBy } from "../group-by.js";
import type { EndName } from "../topology/topology.js";
import type { LabEnd, NamespaceLinks, Pair } from "./snapshot.js";

/**
 * Every lab gives its ends ifindexes of its own choice, out of a window of this size that starts at a
 * multiple of it: unique in the whole lab, so that one program and its maps serve all its namespaces.
 * The kernel's own choice starts at 1 in every namespace and does not get here by itself.
 */
export const WINDOW = 100_000;

/** Names a pair whichever way round it is met. */
export function pairName(ends: readonly EndName[]): string {
	return sortEnds(ends).join(" ");
}

/** The id of the veth object that these are the ends of. */
export function pairId(ends: readonly EndName[]): string {
	return `veth ${pairName(ends)}`;
}

/** The one or two ends of a pair, `host` first, then by name. */
export function sortEnds(ends: readonly EndName[]): readonly EndName[] {
	const [a, b] = ends;
	if (a === undefined || b === undefined) return ends;
	const inHost = (name: string) => name.startsWith("host:");
	const first = inHost(a) === inHost(b) ? a < b : inHost(a);
	return first ? ends : [b, a];
}

/** The window that the lab's links are in; undefined where it has none yet. */
export function findWindow(namespaces: Iterable<NamespaceLinks>, mark: string): number | undefined {
	const votes = new Map<number, number>();
	for (const { made, links } of namespaces) {
		for (const { index, alias } of links) {
			if (!made && alias !== mark) continue;
			const first = Math.floor(index / WINDOW) * WINDOW;
			if (first > 0) votes.set(first, (votes.get(first) ?? 0) + 1);
		}
	}
	return [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/**
 * The lab's veth pairs. A pair is the lab's if an end is in a namespace that the lab made, and either
 * both ifindexes are of the lab's choice or the topology wants a pair of that name; other links in
 * there are their owner's. Without such a namespace the alias says it: of a pair with both ends in
 * `host`, and of an end there whose peer's namespace has just lost its name and is still being undone.
 * @param isWanted whether the topology has an object of this id
 */
export function identifyPairs<N extends NamespaceLinks>(
	namespaces: Iterable<N>,
	firstIfindex: number,
	mark: string,
	isWanted: (id: string) => boolean,
): Pair<N>[] {
	const inWindow = ({ link: { index } }: LabEnd<N>) => index >= firstIfindex && index < firstIfindex + WINDOW;
	const pairs = pairUp([...namespaces]).filter((ends) => {
		const made = ends.some(({ namespace }) => namespace.made);
		if (!made) return ends.every(({ link }) => link.alias === mark);
		return ends.every(inWindow) || isWanted(ends[0].pair);
	});
	const uses = new Map<number, number>();
	for (const { link } of pairs.flat()) uses.set(link.index, (uses.get(link.index) ?? 0) + 1);
	return pairs.map((ends) => ({
		ends,
		numbered: ends.length === 2 && ends.every((end) => inWindow(end) && uses.get(end.link.index) === 1),
	}));
}

/** All veths, each end with the other where that is in one of the namespaces. */
function pairUp<N extends NamespaceLinks>(namespaces: N[]): Pair<N>["ends"][] {
	const ends = namespaces.flatMap((namespace) =>
		namespace.links
			.filter(({ kind }) => kind === "veth")
			.map((link): LabEnd<N> => ({ name: `${namespace.name}:${link.name}`, pair: "", namespace, link })),
	);
	const byIndex = groupBy(ends, ({ link }) => link.index);
	const done = new Set<LabEnd<N>>();
	const pairs: Pair<N>["ends"][] = [];
	for (const end of ends) {
		if (done.has(end)) continue;
		const mate = byIndex
			.get(end.link.peerIndex ?? 0)
			?.find((other) => !done.has(other) && areMates(end, other));
		for (const one of mate ? [end, mate] : [end]) done.add(one);
		const pair: Pair<N>["ends"] = mate ? [end, mate] : [end];
		for (const one of pair) one.pair = pairId(pair.map(({ name }) => name));
		pairs.push(pair);
	}
	return pairs;
}

/**
 * Whether two links are each other's peer. Numbers alone do not say so: `host` has veths of other
 * labs, whose ifindexes may be the same. There the number of the peer's namespace decides.
 */
function areMates<N extends NamespaceLinks>(a: LabEnd<N>, b: LabEnd<N>): boolean {
	if (a === b || b.link.peerIndex !== a.link.index) return false;
	const together = a.namespace === b.namespace;
	if (together !== (a.link.netnsId === undefined) || together !== (b.link.netnsId === undefined))
		return false;
	return [
		[a, b],
		[b, a],
	].every(([end, other]) => {
		const known = end?.namespace.byNsid;
		return together || !known || known.get(end?.link.netnsId ?? -1) === other?.namespace.name;
	});
}
