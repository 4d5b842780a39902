import { type Address, type Family, familyName, type Prefix, subnetOf } from "./address.js";
import type { DeclaredAddresses, DeclaredEnd } from "./declared.js";

/** A subnet and the end that is in it. */
interface Connected {
	end: DeclaredEnd;
	subnet: Prefix;
}

/** How many subnets a hint lists at most. */
const LISTED = 4;

/** The subnets that a namespace's ends are in, found by address, longest prefix first. */
export class Subnets {
	/** There may be more, in a part of the file that is wrong and reported. */
	readonly incomplete: boolean;
	readonly #connected = new Map<string, Connected[]>();
	/** The prefix lengths in use, longest first. */
	readonly #lengths: Record<Family, number[]> = { 4: [], 6: [] };
	readonly #own = new Set<string>();

	/** @param loopback what is on `lo`: addresses of the namespace's own, but no subnet of a link */
	constructor(ends: readonly DeclaredEnd[], loopback?: DeclaredAddresses) {
		this.incomplete = ends.some((end) => end.incomplete);
		for (const { text } of loopback?.addresses ?? []) this.#own.add(text);
		const lengths = { 4: new Set<number>(), 6: new Set<number>() };
		for (const end of ends) {
			for (const { family, subnet, text } of end.addresses) {
				this.#own.add(text);
				lengths[family].add(subnet.length);
				const connected = this.#connected.get(subnet.text) ?? [];
				connected.push({ end, subnet });
				this.#connected.set(subnet.text, connected);
			}
		}
		for (const family of [4, 6] as const) this.#lengths[family] = [...lengths[family]].sort((a, b) => b - a);
	}

	/** The longest subnet with an address, of one end or of any; the first end of the file's order. */
	find(address: Address, end?: DeclaredEnd): Connected | undefined {
		for (const length of this.#lengths[address.family]) {
			const connected = this.#connected.get(subnetOf(address, length).text);
			const found = end === undefined ? connected?.[0] : connected?.find((each) => each.end === end);
			if (found !== undefined) return found;
		}
		return undefined;
	}

	/** Whether an address, in its canonical form, is the namespace's own. */
	owns(address: string): boolean {
		return this.#own.has(address);
	}

	/** The subnets of a family, of one end or of all, for a hint. */
	describe(family: Family, end?: DeclaredEnd): string {
		const subnets = [...this.#connected.values()]
			.flat()
			.filter((each) => each.subnet.family === family && (end === undefined || each.end === end))
			.map(({ subnet }) => subnet.text);
		if (subnets.length === 0) return `it has no ${familyName(family)} address`;
		const names = [...new Set(subnets)];
		return `its subnets are ${names.slice(0, LISTED).join(", ")}${names.length > LISTED ? ", …" : ""}`;
	}
}
