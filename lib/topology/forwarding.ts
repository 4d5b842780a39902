import type { Context, DeclaredEnd } from "./declared.js";
import type { ForwardingEntry, ForwardingMode } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { Forwarding } from "./topology.js";

/** What every mode but `kernel` takes, with its defaults. */
const defaults = { attach: "native", peers: "program" } as const;

/**
 * How a namespace forwards, or undefined after a mistake in it.
 *
 * @param at of the mode where it is only a word
 */
export function resolveForwarding(
	namespace: string,
	entry: ForwardingMode | Sound<ForwardingEntry>,
	at: Range,
	context: Context,
): Forwarding | undefined {
	const resolved =
		typeof entry === "string"
			? fromWord(namespace, entry, at, context)
			: fromEntry(namespace, entry, context);
	if (resolved !== undefined && resolved.mode !== "kernel") {
		const attached =
			resolved.mode === "fib" ? resolved.interfaces : resolved.redirect.map(({ from }) => from);
		refuseOwnPrograms(namespace, resolved.mode, attached, context);
	}
	return resolved;
}

function fromWord(
	namespace: string,
	mode: ForwardingMode,
	at: Range,
	context: Context,
): Forwarding | undefined {
	switch (mode) {
		case "kernel":
			return { mode };
		case "fib":
			return { mode, interfaces: everyInterface(namespace, at, context), cache: true, ...defaults };
		default: {
			const hint = `write \`{ mode: ${mode}, redirect: { FROM: TO } }\``;
			context.report.error(at, "forwarding", `forwarding by ${quote(mode)} has nothing to redirect`, hint);
			return undefined;
		}
	}
}

function fromEntry(
	namespace: string,
	entry: Sound<ForwardingEntry>,
	context: Context,
): Forwarding | undefined {
	const { positions } = context;
	switch (entry.mode) {
		case "kernel":
			return { mode: entry.mode };
		case "fib": {
			const { mode, interfaces, cache = true, attach = defaults.attach, peers = defaults.peers } = entry;
			const names =
				interfaces === undefined
					? everyInterface(namespace, positions.value(entry, "mode"), context)
					: listedInterfaces(namespace, interfaces, context);
			return { mode, interfaces: names, cache, attach, peers };
		}
		case "hardcoded":
		case "map": {
			const { mode, redirect = {}, attach = defaults.attach, peers = defaults.peers } = entry;
			return { mode, redirect: redirections(namespace, redirect, context), attach, peers };
		}
		default:
			return undefined;
	}
}

function everyInterface(namespace: string, at: Range, { report, declared }: Context): string[] {
	const names = declared.ends(namespace).map(({ end }) => end.interface);
	if (names.length === 0 && !declared.endsIncomplete)
		report.warn(at, `namespace ${quote(namespace)} has no interface to forward between`);
	return names;
}

function listedInterfaces(namespace: string, list: readonly string[], context: Context): string[] {
	const { positions, report, declared } = context;
	const names = new Set<string>();
	for (const { value, at } of positions.entries<string>(list)) {
		const found = value === undefined ? undefined : declared.findInterface(namespace, value, at);
		if (found === undefined) continue;
		if (names.has(found.end.interface))
			report.error(at, "duplicate", `interface ${quote(found.end.interface)} stands twice`);
		names.add(found.end.interface);
	}
	return [...names];
}

function redirections(
	namespace: string,
	redirect: { [from: string]: string | undefined },
	context: Context,
): { from: string; to: string }[] {
	const { positions, report, declared } = context;
	const targets = new Map<string, string>();
	for (const { name, value, key, at } of positions.entries(redirect)) {
		const from = declared.findInterface(namespace, name, key);
		const to = value === undefined ? undefined : declared.findInterface(namespace, value, at);
		if (from !== undefined && targets.has(from.end.interface)) {
			report.error(key, "duplicate", `interface ${quote(from.end.interface)} is redirected twice`);
		} else if (from !== undefined && from === to) {
			const hint =
				"to answer where a packet came from, give that end `xdp: icmp-echo` or a program with XDP_TX";
			report.error(at, "forwarding", `interface ${quote(from.end.interface)} is redirected to itself`, hint);
		} else if (from !== undefined && to !== undefined) {
			targets.set(from.end.interface, to.end.interface);
			warnOfMtu(from, to, at, context);
		}
	}
	return [...targets].map(([from, to]) => ({ from, to }));
}

function warnOfMtu(from: DeclaredEnd, to: DeclaredEnd, at: Range, { report }: Context): void {
	if (from.end.mtu !== to.end.mtu) {
		const mtus = `${from.end.interface} has MTU ${from.end.mtu}, ${to.end.interface} ${to.end.mtu}`;
		report.warn(at, `different MTUs along the redirect: ${mtus}`);
	}
}

/** One interface has one program. */
function refuseOwnPrograms(
	namespace: string,
	mode: string,
	names: readonly string[],
	{ report, declared }: Context,
): void {
	const attached = new Set(names);
	for (const { end, xdpAt } of declared.ends(namespace)) {
		if (xdpAt !== undefined && attached.has(end.interface)) {
			const message = `${quote(end.name)} takes no \`xdp\` of its own`;
			const hint = `forwarding by ${quote(mode)} in namespace ${quote(namespace)} attaches its program there`;
			report.error(xdpAt, "forwarding", message, hint);
		}
	}
}
