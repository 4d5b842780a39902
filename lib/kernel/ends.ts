import { WINDOW } from "../snapshot/identify.js";
import { splitEnd } from "../topology/names.js";
import type { EndName } from "../topology/topology.js";

/**
 * The numbers behind a lab's ends, and what runs on them: refreshed by every observation, and kept by what
 * makes, attaches and removes.
 */
export class Ends {
	/** The ifindex of port 0. */
	firstIfindex = WINDOW;
	/** ifindexes in `host` that are not the lab's. */
	foreign: ReadonlySet<number> = new Set();
	/** What runs on an end. */
	readonly attached = new Map<EndName, { mode: "native" | "generic"; id: number }>();
	readonly #ifindexes = new Map<EndName, number>();
	#foreseen: ReadonlyMap<EndName, number> = new Map();
	readonly #isThere: (namespace: string) => boolean;

	/** @param isThere whether the lab has a namespace still: its ends go with it */
	constructor(isThere: (namespace: string) => boolean) {
		this.#isThere = isThere;
	}

	/** Notes an end. Whatever ran on a link of that name is gone with it. */
	add(end: EndName, ifindex: number): void {
		this.#ifindexes.set(end, ifindex);
		this.attached.delete(end);
	}

	/** Notes that an end is gone: its ifindex, and so its place in maps, is free for another. */
	remove(end: EndName): void {
		this.#ifindexes.delete(end);
		this.attached.delete(end);
	}

	clear(): void {
		this.#ifindexes.clear();
		this.attached.clear();
	}

	/** Undefined where it is none of the lab's, or not there. */
	find(end: EndName): number | undefined {
		return this.#ifindexes.get(end);
	}

	ifindex(end: EndName): number {
		const index = this.find(end);
		if (index === undefined) throw new Error(`${end} is not there`);
		return index;
	}

	/** Of all ends but those that go with their namespace. @param gone further ends to leave out */
	ifindexes(gone: ReadonlySet<EndName> = new Set()): number[] {
		return Array.from(this.#ifindexes).flatMap(([end, index]) =>
			this.#isThere(splitEnd(end).namespace) && !gone.has(end) ? index : [],
		);
	}

	/** The end's number in the lab: the key of every map by port. */
	port(end: EndName): number {
		return this.ifindex(end) - this.firstIfindex;
	}

	/** The ports in use. */
	ports(): number[] {
		return this.ifindexes().map((index) => index - this.firstIfindex);
	}

	/**
	 * Predicts the ifindexes of ends that are not there yet.
	 * @param ends in the order in which they will be made
	 * @param gone ends that are removed first, whose ifindexes are free again
	 */
	foresee(ends: readonly EndName[], gone: ReadonlySet<EndName>): void {
		const free = this.free(gone);
		this.#foreseen = new Map(ends.map((end) => [end, free.next().value]));
	}

	/** The ifindex of an end, or the one that it will get. */
	future(end: EndName): number {
		return this.#foreseen.get(end) ?? this.ifindex(end);
	}

	/** The ifindexes of the window that are free in the lab and in `host`, the lowest first. */
	*free(gone: ReadonlySet<EndName> = new Set()): Generator<number, never> {
		const taken = new Set(this.ifindexes(gone));
		for (let index = this.firstIfindex; ; index++)
			if (!taken.has(index) && !this.foreign.has(index)) yield index;
	}
}
