import type { Address, InterfaceAddress } from "./address.js";
import { LOOPBACK, parseEndName } from "./names.js";
import type { Positions } from "./positions.js";
import { list, quote } from "./printable.js";
import type { Report } from "./report.js";
import type { Range } from "./source.js";
import { type Attach, type End, type EndName, HOST } from "./topology.js";

export interface DeclaredAddress extends InterfaceAddress {
	at: Range;
	linkLocal: boolean;
}

/** An interface by the addresses that the file gives it: an end, or a namespace's `lo`. */
export interface DeclaredAddresses {
	name: EndName;
	namespace: string;
	addresses: DeclaredAddress[];
	/** Something about its addresses is wrong and reported, so there may be more of them. */
	incomplete: boolean;
}

/** An end of the file, with what other parts of the file are checked against. */
export interface DeclaredEnd {
	end: End;
	addresses: DeclaredAddress[];
	/** Something about its addresses is wrong and reported, so there may be more of them. */
	incomplete: boolean;
	/** Of its name. */
	at: Range;
	/** Of what it says itself. */
	macAt?: Range;
	mtuAt?: Range;
	xdpAt?: Range;
}

/** A next hop of a route, and the interface of its namespace that it is behind. */
export interface DeclaredHop {
	/** For messages: ``gateway `10.1.0.1` ``. */
	name: string;
	address: Address;
	at: Range;
	end: DeclaredEnd;
}

/** What every check needs. */
export interface Context {
	report: Report;
	positions: Positions;
	declared: Declared;
}

/** The programs that every file may name; `none` stands for no program. */
export const BUILT_IN_PROGRAMS: readonly string[] = ["pass", "drop", "icmp-echo"];

/** How many names a hint lists at most. */
const LISTED = 8;

/** The names that a file declares. Looking one up reports it if it is not there. */
export class Declared {
	/** A wrong part of the file may have declared more: a name that is not found is then not reported. */
	namespacesIncomplete = false;
	endsIncomplete = false;
	programsIncomplete = false;
	/** The next hops of all routes that resolve, in the order of the file. */
	readonly nextHops: DeclaredHop[] = [];
	/** By name, how each is attached where an end does not say. */
	readonly #programs = new Map<string, Attach>(BUILT_IN_PROGRAMS.map((name) => [name, "native"]));
	readonly #namespaces = new Map<string, Map<string, DeclaredEnd>>();
	/** By namespace. */
	readonly #loopbacks = new Map<string, DeclaredAddresses>();
	/** Used in veths, but not declared. */
	readonly #undeclared = new Set<string>();
	readonly #report: Report;

	constructor(report: Report) {
		this.#report = report;
	}

	addNamespace(name: string): void {
		if (!this.#namespaces.has(name)) this.#namespaces.set(name, new Map());
	}

	addProgram(name: string, attach: Attach): void {
		this.#programs.set(name, attach);
	}

	/** How a program, built in or declared, is attached by default; reports a name that is neither. */
	findProgram(name: string, at: Range): Attach | undefined {
		const attach = this.#programs.get(name);
		if (attach === undefined && !this.programsIncomplete) {
			this.#report.error(at, "reference", `no program ${quote(name)}`, () => {
				const known = ["none", ...this.#programs.keys()];
				return this.#report.suggest(name, known) ?? `expected ${list(known.slice(0, LISTED).map(quote))}`;
			});
		}
		return attach;
	}

	namespaceNames(): Iterable<string> {
		return this.#namespaces.keys();
	}

	/** The end of the same name that was there before; the new one is then not added. */
	addEnd(end: DeclaredEnd): DeclaredEnd | undefined {
		const { namespace, interface: name } = end.end;
		this.addNamespace(namespace);
		const interfaces = this.#namespaces.get(namespace);
		const before = interfaces?.get(name);
		if (before === undefined) interfaces?.set(name, end);
		return before;
	}

	addLoopback(loopback: DeclaredAddresses): void {
		this.#loopbacks.set(loopback.namespace, loopback);
	}

	/** The addresses on a namespace's `lo`, where the file gives any. */
	loopback(namespace: string): DeclaredAddresses | undefined {
		return this.#loopbacks.get(namespace);
	}

	/** `host` or a declared namespace; reports any other once. */
	findNamespace(name: string, at: Range): boolean {
		if (name === HOST || (this.#namespaces.has(name) && !this.#undeclared.has(name))) return true;
		if (!this.namespacesIncomplete && !this.#undeclared.has(name)) {
			this.#report.error(at, "reference", `namespace ${quote(name)} is not declared`, () => {
				const known = [HOST, ...this.#namespaces.keys()].filter((each) => !this.#undeclared.has(each));
				return this.#report.suggest(name, known) ?? `declare it under \`namespaces\`: \`${name}:\``;
			});
		}
		// What is used is known from here on, so that one mistake is one error.
		this.#undeclared.add(name);
		this.addNamespace(name);
		return false;
	}

	/** The ends of a namespace, in the order of the file. */
	ends(namespace: string): DeclaredEnd[] {
		return [...(this.#namespaces.get(namespace)?.values() ?? [])];
	}

	/** An end by its full name, wherever in the file it is named. */
	findEnd(text: string, at: Range): DeclaredEnd | undefined {
		const parts = this.#report.take(at, "reference", parseEndName(text));
		if (parts === undefined) return undefined;
		const interfaces = this.#namespaces.get(parts.namespace);
		const found = interfaces?.get(parts.interface);
		if (found !== undefined || !this.findNamespace(parts.namespace, at)) return found;
		return this.#missing(parts.namespace, parts.interface, at);
	}

	/** An interface by its full name where its addresses are meant: an end, or a namespace's `lo`. */
	findAddresses(text: string, at: Range): DeclaredAddresses | undefined {
		const parts = parseEndName(text);
		const { namespace, interface: name } = "value" in parts ? parts.value : {};
		if (namespace !== undefined && namespace !== HOST && name === LOOPBACK) {
			const found = this.#loopbacks.get(namespace);
			if (found === undefined && this.findNamespace(namespace, at)) {
				const hint = `give it some: \`${namespace}: { addresses: [10.255.0.1/32] }\``;
				this.#report.error(at, "reference", `namespace ${quote(namespace)} has no addresses on \`lo\``, hint);
			}
			return found;
		}
		const found = this.findEnd(text, at);
		return found && { ...found, name: found.end.name, namespace: found.end.namespace };
	}

	/** An interface of a namespace, named within the namespace's own entry. */
	findInterface(namespace: string, text: string, at: Range): DeclaredEnd | undefined {
		const colon = text.indexOf(":");
		if (colon !== -1 && text.slice(0, colon) !== namespace) {
			const message = `${quote(text)} is not an interface of namespace ${quote(namespace)}`;
			this.#report.error(at, "reference", message, () => this.#listing(namespace));
			return undefined;
		}
		const name = text.slice(colon + 1);
		return this.#namespaces.get(namespace)?.get(name) ?? this.#missing(namespace, name, at);
	}

	#missing(namespace: string, name: string, at: Range): undefined {
		if (name === LOOPBACK && namespace !== HOST) {
			const hint = "`NAMESPACE:lo` stands in `from` and `to`, and in `{ ipv4: … }` and `{ ipv6: … }`";
			this.#report.error(
				at,
				"reference",
				"`lo` is no interface of the topology: it has addresses alone",
				hint,
			);
		} else if (!this.endsIncomplete) {
			const known = this.#namespaces.get(namespace)?.keys() ?? [];
			const message = `namespace ${quote(namespace)} has no interface ${quote(name)}`;
			this.#report.error(
				at,
				"reference",
				message,
				() => this.#report.suggest(name, known) ?? this.#listing(namespace),
			);
		}
		return undefined;
	}

	#listing(namespace: string): string {
		const names = [...(this.#namespaces.get(namespace)?.keys() ?? [])];
		if (names.length === 0) return "`veths` gives it no interface";
		const more = names.length > LISTED ? ", …" : "";
		return `it has ${names.slice(0, LISTED).map(quote).join(", ")}${more}`;
	}
}
