import { groupBy } from "../group-by.js";
import type { Route } from "../netlink/route.js";

/** What a namespace has many of, sorted out once: a router may have a thousand links. */
class Groups<K, T extends object> {
	readonly #keyOf: (item: T) => K;
	readonly #groups = new WeakMap<readonly T[], ReadonlyMap<K, readonly T[]>>();

	constructor(keyOf: (item: T) => K) {
		this.#keyOf = keyOf;
	}

	get(items: readonly T[], key: K): readonly T[] {
		let groups = this.#groups.get(items);
		if (!groups) {
			groups = groupBy(items, this.#keyOf);
			this.#groups.set(items, groups);
		}
		return groups.get(key) ?? [];
	}
}

const byLink = new Groups(({ index }: { index: number }) => index);
const byPrefix = new Groups(({ to }: Route) => to);

/** Those of a link, by its ifindex: of a namespace's addresses or neighbours. */
export function ofLink<T extends { index: number }>(items: readonly T[], index: number): readonly T[] {
	return byLink.get(items, index) as readonly T[];
}

/** Those of a namespace's routes that lead to a prefix. */
export function ofPrefix(routes: readonly Route[], prefix: string): readonly Route[] {
	return byPrefix.get(routes, prefix);
}
