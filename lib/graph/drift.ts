import { type ChangeDocument, MADE_AGAIN } from "../plan/render.js";
import { LOOPBACK, splitEnd } from "../topology/names.js";
import type { GraphPair } from "./model.js";

/** The differences of a lab, each put where the picture shows it. */
export interface Drift {
	/** By end, in words for a person: `mtu 1400 → 1500`, `missing xdp fib`. */
	ofEnd: Map<string, string[]>;
	ofNamespace: Map<string, string[]>;
	goneNamespaces: string[];
	gonePairs: GraphPair[];
	/** What belongs to no end and no namespace. */
	elsewhere: string[];
}

/** What is there, so that what is not can be told from it. */
interface Known {
	ends: readonly string[];
	namespaces: readonly string[];
}

/**
 * Takes a plan's changes to the ends and namespaces that they are about. A change's name begins with
 * what it is about, and no name of a namespace or of an interface holds white space.
 */
export function placeDrift(changes: readonly ChangeDocument[], known: Known): Drift {
	const drift: Drift = {
		ofEnd: new Map(),
		ofNamespace: new Map(),
		goneNamespaces: [],
		gonePairs: [],
		elsewhere: [],
	};
	const ends = new Set(known.ends);
	const namespaces = new Set(known.namespaces);
	const missing = new Set<string>();
	for (const { kind, action, name } of changes) {
		if (action !== "create") continue;
		if (kind === "netns") drift.goneNamespaces.push(name);
		if (kind === "veth") placeMissing(name.split(" "), ends, missing, drift);
	}
	const gone = new Set(drift.goneNamespaces);

	for (const change of changes) {
		const words = change.name.split(" ");
		// `entry fib ports r1:uno` is about its key.
		const [about = ""] = change.kind === "entry" ? words.slice(-1) : words;
		// That what is gone lacks everything goes without saying, and what is made again is there.
		if (change.reason?.startsWith(MADE_AGAIN)) continue;
		if (missing.has(about) || gone.has(about) || gone.has(splitEnd(about).namespace)) continue;
		if (change.kind === "veth") placeVeth(change, words, drift);
		else if (ends.has(about)) add(drift.ofEnd, about, describe(change, about));
		else if (namespaces.has(about)) add(drift.ofNamespace, about, describe(change, about));
		else if (isLoopback(about, namespaces)) {
			const { namespace } = splitEnd(about);
			add(drift.ofNamespace, namespace, describe(change, `${namespace}:`));
		} else drift.elsewhere.push(describe(change, ""));
	}
	return drift;
}

/** Whether a difference is about the `lo` of a namespace, which a picture has no interface for. */
function isLoopback(about: string, namespaces: ReadonlySet<string>): boolean {
	const { namespace, interface: link } = splitEnd(about);
	return link === LOOPBACK && namespaces.has(namespace);
}

/** A pair of which an end is gone; the other one may be there still, its peer elsewhere. */
function placeMissing(pair: string[], ends: ReadonlySet<string>, missing: Set<string>, drift: Drift): void {
	for (const end of pair) {
		missing.add(end);
		if (ends.has(end)) add(drift.ofEnd, end, "its peer is gone");
	}
	const [one, other] = pair;
	if (one !== undefined && !pair.every((end) => ends.has(end)))
		drift.gonePairs.push({ ends: [splitEnd(one), other === undefined ? null : splitEnd(other)] });
}

/** `uno:veth0 r1:uno: uno:veth0 mtu 1400 → 1500, r1:uno state down → up` is about two ends. */
function placeVeth({ action, name, text }: ChangeDocument, ends: readonly string[], drift: Drift): void {
	if (action === "remove") {
		for (const end of ends) add(drift.ofEnd, end, "not in the topology");
		return;
	}
	const detail = text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text;
	let current: string | undefined;
	for (const part of detail.split(", ")) {
		const named = ends.find((end) => part.startsWith(`${end} `));
		current = named ?? current;
		const words = named === undefined ? part : part.slice(named.length + 1);
		for (const end of current === undefined ? ends : [current]) add(drift.ofEnd, end, words);
	}
}

/** The plan's words without what the place in the picture says already. */
function describe({ action, kind, text }: ChangeDocument, about: string): string {
	const rest = text.startsWith(about) ? text.slice(about.length).replace(/^:? /, "") : text;
	const what = `${kind} ${rest}`;
	return action === "create" ? `missing ${what}` : action === "remove" ? `unwanted ${what}` : what;
}

function add(map: Map<string, string[]>, key: string, text: string): void {
	const list = map.get(key);
	if (list) list.push(text);
	else map.set(key, [text]);
}
