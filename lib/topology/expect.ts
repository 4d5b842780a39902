import type { Context } from "./declared.js";
import type { ExpectEntry, TcpTraffic, TopologyDocument, Traffic, UdpTraffic } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { list, quote } from "./printable.js";
import type { Range } from "./source.js";
import type { EndName, Expectation, Protocol, XdpAction } from "./topology.js";

const kinds = ["ping", "tcp", "udp", "reach"] as const;

/** Of UDP, over each address family. */
const DEFAULT_PACKETS = 10;

type Entry = Sound<ExpectEntry>;

/** The expectations of a document. What is wrong about one is reported, and it is left out. */
export function resolveExpectations(document: Sound<TopologyDocument>, context: Context): Expectation[] {
	const { positions } = context;
	const names = new Map<string, number>();
	return Array.from(positions.entries<Entry>(document.expect ?? [])).flatMap(({ value, at }) =>
		value === undefined ? [] : (resolveExpectation(value, at, names, context) ?? []),
	);
}

/** @param names those of the expectations before, each with its line */
function resolveExpectation(
	entry: Entry,
	at: Range,
	names: Map<string, number>,
	context: Context,
): Expectation | undefined {
	const name = resolveName(entry, names, context);
	const kind = kindOf(entry, at, context);
	const traffic: Sound<Traffic & TcpTraffic & UdpTraffic> = kind === undefined ? {} : (entry[kind] ?? {});
	const from = resolveSource(traffic, context);
	const to =
		traffic.to === undefined
			? undefined
			: context.declared.findAddresses(traffic.to, context.positions.value(traffic, "to"));
	const actions = resolveActions(entry, context);
	if (kind === undefined || from === undefined || to === undefined) return undefined;
	const protocols: Protocol[] = kind === "reach" ? ["ping", "tcp", "udp"] : [kind];
	const { line = 0 } = context.report.source.locate(at);
	return {
		line,
		...(name !== undefined && { name }),
		protocols,
		from,
		to: to.name,
		...(traffic.port !== undefined && { port: traffic.port }),
		packets: traffic.packets ?? DEFAULT_PACKETS,
		reachable: entry.reachable ?? true,
		actions,
	};
}

function resolveName(
	entry: Entry,
	names: Map<string, number>,
	{ positions, report }: Context,
): string | undefined {
	const { name } = entry;
	if (name === undefined) return undefined;
	const at = positions.value(entry, "name");
	const before = names.get(name);
	if (before !== undefined)
		report.error(at, "duplicate", `the expectation of line ${before} is named ${quote(name)} as well`);
	else names.set(name, report.source.position(at.start).line);
	return name;
}

function kindOf(entry: Entry, at: Range, { positions, report }: Context): (typeof kinds)[number] | undefined {
	const [kind, another] = kinds.filter((name) => entry[name] !== undefined);
	if (another !== undefined) {
		report.error(
			positions.key(entry, another),
			"value",
			`an expectation has one of ${list(kinds)}, not several`,
		);
	} else if (kind === undefined && !positions.isDamaged(entry)) {
		report.error(at, "missing-key", `an expectation needs one of ${list(kinds)}`);
	}
	return kind;
}

/** A namespace, or one of its interfaces. */
function resolveSource(
	traffic: Sound<Traffic>,
	{ positions, declared }: Context,
): Expectation["from"] | undefined {
	const { from } = traffic;
	if (from === undefined) return undefined;
	const at = positions.value(traffic, "from");
	if (!from.includes(":")) return declared.findNamespace(from, at) ? { namespace: from } : undefined;
	const found = declared.findAddresses(from, at);
	return found && { namespace: found.namespace, end: found.name };
}

function resolveActions(entry: Entry, { positions, declared }: Context): Record<EndName, XdpAction> {
	const actions: Record<EndName, XdpAction> = {};
	for (const { name, value, key } of positions.entries<XdpAction>(entry.actions ?? {})) {
		const found = declared.findEnd(name, key);
		if (found !== undefined && value !== undefined) actions[found.end.name] = value;
	}
	return actions;
}
