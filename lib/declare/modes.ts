import type { RedirectValue } from "../programs/builtin.js";
import type { End, EndName, Forwarding, Namespace } from "../topology/topology.js";
import type { Requirements } from "./requirements.js";

type Redirect = Extract<Forwarding, { mode: "hardcoded" | "map" }>;
type Fib = Extract<Forwarding, { mode: "fib" }>;

/** `hardcoded` and `map`: one wiring, as constants of the program or as entries of its maps. */
export function redirectMode(requirements: Requirements, namespace: Namespace, mode: Redirect): void {
	const program = mode.mode;
	const end = (name: string): EndName => `${namespace.name}:${name}`;
	const entry = requirements.programs.get(program) ?? { builtin: program, globals: {}, constants: {} };
	requirements.programs.set(program, entry);
	for (const { from, to } of mode.redirect) {
		const value = redirectTo(requirements, end(to));
		requirements.attachments.set(end(from), {
			program,
			attach: mode.attach,
			reason: `forwarding: ${program}`,
		});
		if (program === "hardcoded") entry.constants[end(from)] = value;
		else
			requirements.entries.push({ program, map: "redirects", key: end(from), value: { ifindex: end(to) } });
	}
	if (program === "map")
		for (const to of new Set(mode.redirect.map(({ to }) => to))) egress(requirements, end(to));
}

/** `fib`: the kernel's own tables say where to; the program is told which ends it may send to. */
export function fibMode(requirements: Requirements, namespace: Namespace, mode: Fib): void {
	if (mode.interfaces.length === 0) return;
	const program = mode.cache ? "fib" : "fib-uncached";
	requirements.programs.set(program, { builtin: "fib", globals: { cache: mode.cache }, constants: {} });
	for (const name of mode.interfaces) {
		const end: EndName = `${namespace.name}:${name}`;
		requirements.attachments.set(end, { program, attach: mode.attach, reason: "forwarding: fib" });
		requirements.entries.push({ program, map: "ports", key: end, value: { ifindex: end } });
	}
}

function egress({ entries, ends, peers }: Requirements, to: EndName): void {
	const { source, destination } = redirectTo({ ends, peers }, to);
	entries.push({ program: "map", map: "ports", key: to, value: { ifindex: to } });
	entries.push({ program: "map", map: "macs", key: to, value: { source, destination } });
}

/** What a frame that leaves by `to` must carry: `to`'s own MAC, and its peer's. */
function redirectTo({ ends, peers }: Pick<Requirements, "ends" | "peers">, to: EndName): RedirectValue {
	return {
		ifindex: to,
		source: (ends.get(to) as End).mac,
		destination: (peers.get(to) as End).mac,
	};
}
