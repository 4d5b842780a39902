import { parseAddress } from "./address.js";
import type { Context } from "./declared.js";
import type { NamespaceEntry, NeighborEntry } from "./generated/document.js";
import { parseMac } from "./mac.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { Namespace, Neighbor } from "./topology.js";

/** The neighbour entries of a namespace. */
export function resolveNeighbors(
	namespace: string,
	entry: Sound<NonNullable<NamespaceEntry>>,
	context: Context,
): Pick<Namespace, "neighbors" | "learned"> {
	if (!Array.isArray(entry.neighbors)) return { neighbors: [], learned: entry.neighbors === "learned" };
	const { positions, report } = context;
	const neighbors = new Map<string, Neighbor>();
	for (const { value, at } of positions.entries<Sound<NeighborEntry>>(entry.neighbors)) {
		const neighbor = value === undefined ? undefined : resolveNeighbor(namespace, value, context);
		if (neighbor === undefined) continue;
		const identity = `${neighbor.ip} ${neighbor.interface}`;
		if (neighbors.has(identity)) {
			const message = `neighbour ${quote(neighbor.ip)} stands twice on interface ${quote(neighbor.interface)}`;
			report.error(at, "duplicate", message);
		}
		neighbors.set(identity, neighbor);
	}
	return { neighbors: [...neighbors.values()], learned: false };
}

function resolveNeighbor(
	namespace: string,
	entry: Sound<NeighborEntry>,
	context: Context,
): Neighbor | undefined {
	const { positions, report, declared } = context;
	// Each part on its own, so that all that is wrong is told at once.
	const ip =
		entry.ip === undefined
			? undefined
			: report.take(positions.value(entry, "ip"), "address", parseAddress(entry.ip));
	const end =
		entry.interface === undefined
			? undefined
			: declared.findInterface(namespace, entry.interface, positions.value(entry, "interface"));
	const mac =
		entry.mac === undefined
			? undefined
			: resolveMac(namespace, entry.mac, positions.value(entry, "mac"), context);
	if (ip === undefined || end === undefined || mac === undefined) return undefined;
	return { ip: ip.text, mac, interface: end.end.interface };
}

/** A MAC, or that of the end which is named. */
function resolveMac(
	namespace: string,
	text: string,
	at: Range,
	{ report, declared }: Context,
): string | undefined {
	switch (text.split(":").length) {
		case 1:
			// A MAC with other separators has no colon either.
			return text.includes("-") || text.includes(".")
				? report.take(at, "mac", parseMac(text))
				: declared.findInterface(namespace, text, at)?.end.mac;
		case 2:
			return declared.findEnd(text, at)?.end.mac;
		default:
			return report.take(at, "mac", parseMac(text));
	}
}
