import { fstatSync, statSync } from "node:fs";
import { ConflictError } from "../errors.js";
import { groupBy } from "../group-by.js";
import type { Link } from "../netlink/link.js";
import type { Counts } from "../stats/counts.js";
import type { Reading, RunningProgram } from "../stats/reading.js";
import { vethCounts } from "../stats/veth.js";
import { type EndName, HOST } from "../topology/topology.js";
import { type CountingProgram, closeCounting, openCounting, portOf, readCounters } from "./counting.js";
import { InterfaceStatistics } from "./interface-statistics.js";
import { Lab } from "./lab.js";
import { NETNS_DIRECTORY } from "./netns.js";
import { locate } from "./observe.js";

interface Place {
	end: EndName;
	namespace: string;
	link: string;
	ifindex: number;
}

/** An interface with what runs on it, at the time of one sample. */
interface Running extends Place {
	program: RunningProgram | null;
	/** Absent where the program does not count by itself. */
	counted?: { by: CountingProgram; port: number };
}

type Read = Pick<Reading, "source" | "counts" | "at">;

/**
 * Reads the counters of a lab's interfaces, again and again. They are looked for once, and again
 * only when one is no longer where it was; a sample is a dump of the links of each namespace, which tells
 * what runs where now, and one read of each program's map. To be closed.
 */
export class LabCounters {
	#lab: Lab;
	readonly #isWanted: (id: string) => boolean;
	readonly #select: (end: EndName) => boolean;
	readonly #programs = new Map<number, CountingProgram>();
	readonly #statistics = new InterfaceStatistics();
	/** By namespace. */
	#places: ReadonlyMap<string, Place[]> = new Map();

	/**
	 * @param isWanted whether the lab's topology has an object of this id: see locate()
	 * @param select the interfaces to read
	 */
	constructor(
		name: string,
		isWanted: (id: string) => boolean,
		select: (end: EndName) => boolean = () => true,
	) {
		this.#lab = new Lab(name);
		this.#isWanted = isWanted;
		this.#select = select;
		try {
			this.#locate();
		} catch (error) {
			this.close();
			throw error;
		}
	}

	get ends(): EndName[] {
		return [...this.#places.values()].flat().map(({ end }) => end);
	}

	/** A reading of each interface, those of a namespace together. None: the lab is gone. */
	sample(): Reading[] {
		const running = this.#look() ?? this.#lookAnew();
		const read = new Map([...this.#readMaps(running), ...this.#readVeths(running)]);
		return running.map(({ end, ifindex, program }) => ({
			lab: this.#lab.name,
			interface: end,
			ifindex,
			program,
			...(read.get(end) ?? { source: null, counts: null, at: performance.now() }),
		}));
	}

	/** Lets go of namespaces that have lost their name: held open, they would outlive their lab. */
	closeUnnamed(): void {
		for (const namespace of this.#places.keys())
			if (namespace !== HOST && !isStillNamed(this.#lab, namespace)) this.#lab.close(namespace);
	}

	*#readMaps(running: readonly Running[]): Iterable<[EndName, Read]> {
		const counted = running.flatMap(({ end, counted }) => (counted ? [{ end, ...counted }] : []));
		for (const [by, ends] of groupBy(counted, ({ by }) => by)) {
			if (!by.counters) continue;
			const counts = readCounters(
				by.counters.fd,
				ends.map(({ port }) => port),
			);
			const at = performance.now();
			for (const { end, port } of ends) {
				const source = { kind: "map" as const, map: by.counters.id, port };
				yield [end, { source, counts: counts.get(port) ?? null, at }];
			}
		}
	}

	*#readVeths(running: readonly Running[]): Iterable<[EndName, Read]> {
		for (const { end, namespace, link, program, counted } of running) {
			// A veth counts what its own receive path runs, which a generic program is no part of.
			if (counted || program?.mode !== "native") continue;
			const counts = this.#readVeth(namespace, link);
			if (counts) yield [end, { source: { kind: "veth" }, counts, at: performance.now() }];
		}
	}

	/** Undefined where the interface has gone since the links were dumped. */
	#readVeth(namespace: string, link: string): Counts | undefined {
		try {
			return vethCounts(this.#statistics.read(this.#lab.namespace(namespace).route, link));
		} catch (error) {
			if ((error as { code?: string }).code === "ENODEV") return undefined;
			throw error;
		}
	}

	#locate(): void {
		const { pairs, namespaces } = locate(this.#lab, this.#isWanted, (links) => links);
		const places = pairs
			.flatMap(({ ends }) => ends)
			.filter(({ name }) => this.#select(name))
			.map(({ name, namespace, link }) => ({
				end: name,
				namespace: namespace.name,
				link: link.name,
				ifindex: link.index,
			}))
			.sort((a, b) => a.ifindex - b.ifindex);
		this.#places = groupBy(places, ({ namespace }) => namespace);
		for (const { name } of namespaces) if (name !== HOST && !this.#places.has(name)) this.#lab.close(name);
	}

	/** What runs on the interfaces now; undefined where one of them is no longer where it was. */
	#look(): Running[] | undefined {
		const running: Running[] = [];
		for (const [namespace, places] of this.#places) {
			if (!isStillNamed(this.#lab, namespace)) return undefined;
			const links = new Map(this.#lab.links(namespace).map((link) => [link.index, link]));
			for (const place of places) {
				const link = links.get(place.ifindex);
				if (link?.name !== place.link) return undefined;
				running.push(this.#describe(place, link));
			}
		}
		this.#closeOthers(new Set(running.flatMap(({ program }) => program?.id ?? [])));
		return running;
	}

	/** Looks for the interfaces until they stay where they are: somebody may be at work on the lab. */
	#lookAnew(): Running[] {
		for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
			this.#lab.closeAll();
			this.#lab = new Lab(this.#lab.name);
			this.#locate();
			const running = this.#look();
			if (running) return running;
		}
		throw new ConflictError(`lab ${this.#lab.name}: interfaces come and go, is it being applied?`);
	}

	#describe(place: Place, { xdp }: Link): Running {
		const [attached] = xdp;
		if (!attached) return { ...place, program: null };
		const { mode, id } = attached;
		const by = this.#programs.get(id) ?? openCounting(id);
		// Detached and gone since the links were dumped.
		if (!by) return { ...place, program: null };
		this.#programs.set(id, by);
		const { name, tag, label } = by;
		const port = portOf(by, place.ifindex);
		return {
			...place,
			program: { name: label?.program ?? name, id, tag, mode, lab: label?.lab ?? null },
			...(port !== undefined && { counted: { by, port } }),
		};
	}

	#closeOthers(running: ReadonlySet<number>): void {
		for (const [id, program] of this.#programs) {
			if (running.has(id)) continue;
			closeCounting(program);
			this.#programs.delete(id);
		}
	}

	close(): void {
		this.#closeOthers(new Set());
		this.#statistics.close();
		this.#lab.closeAll();
	}
}

const ATTEMPTS = 10;

/** Whether the namespace of this name is the one that we hold open. */
function isStillNamed(lab: Lab, name: string): boolean {
	if (name === HOST) return true;
	if (!lab.has(name)) return false;
	const named = statSync(`${NETNS_DIRECTORY}/${name}`, { throwIfNoEntry: false });
	return named?.ino === fstatSync(lab.namespace(name).fd).ino;
}
