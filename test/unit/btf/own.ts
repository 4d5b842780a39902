import { type Diagnostic, parseTopology, type Topology, TopologyError } from "../../../lib/topology/index.js";
import type { ObjectContent } from "../../../lib/topology/program-objects.js";

/** A topology with one program `p`; the ends are `host:uno`, `host:dos`, and their peers in `uno`. */
function topologyWith(entry: string): string {
	return `name: own
namespaces: { uno: }
programs:
  p: { object: p.o, ${entry} }
veths:
  - host:uno: { addresses: [10.0.0.1/24, "fc00::1/64"], mac: "02:00:00:00:00:01", xdp: p }
    uno:a: { addresses: [10.0.0.2/24] }
  - host:dos:
    uno:b:
`;
}

export function parseOwn(entry: string, object: Buffer, rest: Partial<ObjectContent> = {}): Topology {
	const objects = new Map([["p", { path: "/p.o", bytes: object, ...rest } as ObjectContent]]);
	return parseTopology(topologyWith(entry), "lab.yaml", objects);
}

/** The mistakes in what is said of the program; none where it is right. */
function mistakesIn(entry: string, object: Buffer): readonly Diagnostic[] {
	try {
		parseOwn(entry, object);
		return [];
	} catch (error) {
		if (error instanceof TopologyError) return error.diagnostics;
		throw error;
	}
}

/** What a diagnostic underlines, and what it says with its hint. */
export function told(entry: string, object: Buffer): string[] {
	const lines = topologyWith(entry).split("\n");
	return mistakesIn(entry, object).map(({ line = 0, column = 0, length = 0, message, hint }) => {
		const marked = lines[line - 1]?.slice(column - 1, column - 1 + length);
		return `${marked}: ${message}${hint === undefined ? "" : ` (${hint})`}`;
	});
}
