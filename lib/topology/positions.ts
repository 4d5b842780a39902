import type { Range } from "./source.js";

/** A document whose wrong parts were taken out: anything may be missing, what is there is sound. */
export type Sound<T> = T extends readonly (infer Item)[]
	? Sound<Item>[]
	: T extends object
		? { [Key in keyof T]?: Sound<T[Key]> }
		: T;

/** A value of a mapping or an item of a list, with its places. */
export interface Entry<T> {
	name: string;
	/** Undefined if it is wrong, which is reported already. */
	value: T | undefined;
	/** Of the key; of the value for an item of a list, or where the value is empty. */
	key: Range;
	at: Range;
}

/** The value, or the item of the list, that a name takes. */
type One<Value> = Value extends undefined ? never : Value extends readonly (infer Item)[] ? Item : Value;

interface Site {
	key: Range;
	at: Range;
	/** The value is wrong and must not be looked at. */
	lost: boolean;
}

/**
 * Where each value of a document stands in the text, and which of them are wrong.
 *
 * Known by the mapping or list that holds the value, so that an alias leads to its anchor. Names are
 * kept in the order of the file, which an object loses for names like `10`.
 */
export class Positions {
	readonly #sites = new WeakMap<object, Map<string, Site>>();
	readonly #damaged = new WeakSet<object>();

	/** @param lost the value is reported as wrong already */
	add(container: object, name: string, key: Range, value: Range, lost = false): void {
		let sites = this.#sites.get(container);
		if (sites === undefined) {
			sites = new Map();
			this.#sites.set(container, sites);
		}
		// An empty value has no text to point at.
		sites.set(name, { key, at: value.end > value.start ? value : key, lost });
		if (lost) this.#damaged.add(container);
	}

	/** Where a value stands. The name must be there. */
	value(container: object, name: string): Range {
		return this.#site(container, name).at;
	}

	/** Where a value's name stands. The name must be there. */
	key(container: object, name: string): Range {
		return this.#site(container, name).key;
	}

	/** The value must not be looked at any more. */
	lose(container: object, name: string): void {
		this.#site(container, name).lost = true;
		this.#damaged.add(container);
	}

	/** The name should not be there at all. */
	drop(container: object, name: string): void {
		this.#sites.get(container)?.delete(name);
		this.#damaged.add(container);
		delete (container as Record<string, unknown>)[name];
	}

	isLost(container: object, name: string): boolean {
		return this.#sites.get(container)?.get(name)?.lost === true;
	}

	/** Whether something directly within was wrong, so that what is missing may have been meant. */
	isDamaged(container: object): boolean {
		return this.#damaged.has(container);
	}

	/** What a mapping or a list holds, in the order of the file. */
	*entries<T>(container: { [name: string]: T | undefined } | readonly T[]): Iterable<Entry<T>> {
		const values = container as { [name: string]: T | undefined };
		for (const [name, { key, at, lost }] of this.#sites.get(container) ?? [])
			yield { name, value: lost ? undefined : values[name], key, at };
	}

	/** What stands under a name that takes one value or a list of them; nothing if it is missing. */
	*oneOrMany<Container extends object, Name extends keyof Container & string>(
		container: Container,
		name: Name,
	): Iterable<{ value: One<Container[Name]> | undefined; at: Range }> {
		const found = container[name];
		if (Array.isArray(found)) {
			yield* this.entries<One<Container[Name]>>(found);
		} else if (found !== undefined) {
			yield { value: found as One<Container[Name]>, at: this.value(container, name) };
		}
	}

	#site(container: object, name: string): Site {
		const site = this.#sites.get(container)?.get(name);
		if (site === undefined) throw new Error(`bug: no position of ${name}`);
		return site;
	}
}
