import { type Address, type Family, parsePrefix, subnetOf } from "./address.js";
import type { Declared, DeclaredEnd } from "./declared.js";
import type { NamespaceEntry, RouteEntry } from "./generated/document.js";
import type { Positions, Sound } from "./positions.js";

/** A prefix that a route without a next hop puts on an interface's link. */
interface LinkRoute {
	end: DeclaredEnd;
	length: number;
}

/** The routes of a namespace that lead to a link itself, found by an address on the link, longest prefix first. */
export class LinkRoutes {
	/** A wrong and reported part of the file may hold more of them. */
	readonly incomplete: boolean;
	readonly #byPrefix = new Map<string, LinkRoute[]>();
	/** The prefix lengths in use, longest first. */
	readonly #lengths: Record<Family, number[]> = { 4: [], 6: [] };

	constructor(
		namespace: string,
		entry: Sound<NonNullable<NamespaceEntry>>,
		declared: Declared,
		positions: Positions,
	) {
		let incomplete = positions.isLost(entry, "routes");
		const lengths = { 4: new Set<number>(), 6: new Set<number>() };
		for (const { value } of positions.entries<Sound<RouteEntry>>(entry.routes ?? [])) {
			if (value === undefined || positions.isDamaged(value)) incomplete = true;
			if (value?.interface === undefined || value.to === undefined || value.via !== undefined) continue;
			const prefix = parsePrefix(value.to);
			const name = value.interface.slice(value.interface.indexOf(":") + 1);
			const end = declared.ends(namespace).find((one) => one.end.interface === name);
			if (!("value" in prefix) || end === undefined) {
				incomplete = true;
				continue;
			}
			const { family, length, text } = prefix.value;
			lengths[family].add(length);
			this.#byPrefix.set(text, [...(this.#byPrefix.get(text) ?? []), { end, length }]);
		}
		this.incomplete = incomplete;
		for (const family of [4, 6] as const) this.#lengths[family] = [...lengths[family]].sort((a, b) => b - a);
	}

	/** The longest prefix with an address, by one interface or by any. */
	find(address: Address, out?: DeclaredEnd): LinkRoute | undefined {
		for (const length of this.#lengths[address.family]) {
			const routes = this.#byPrefix.get(subnetOf(address, length).text);
			const found = out === undefined ? routes?.[0] : routes?.find(({ end }) => end === out);
			if (found !== undefined) return found;
		}
		return undefined;
	}
}
