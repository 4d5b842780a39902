import { graphOfStatus } from "./graph/from-status.js";
import { graphOfTopology } from "./graph/from-topology.js";
import type { Graph } from "./graph/model.js";
import type { LabStatus } from "./status.js";
import type { Topology } from "./topology/topology.js";

export type GraphFormat = "svg" | "dot" | "mermaid" | "png";

export interface GraphOptions {
	/** The default is svg. */
	format?: GraphFormat;
	/** Addresses and interface names however many they are; otherwise a large picture leaves them out. */
	full?: boolean;
}

/**
 * A picture of a topology, or of a lab that is up: then what differs from what was applied is in red.
 * The same input gives the same picture. Needs no system package, and for a topology no root.
 *
 * ```ts
 * writeFileSync("lab.svg", await graph(await loadTopology("lab.yaml")));
 * writeFileSync("live.png", await graph(status("lab"), { format: "png" }));
 * ```
 * @throws UsageError where it is too large to be laid out
 */
export function graph(of: Topology | LabStatus, options: GraphOptions & { format: "png" }): Promise<Buffer>;
export function graph(
	of: Topology | LabStatus,
	options?: GraphOptions & { format?: Exclude<GraphFormat, "png"> },
): Promise<string>;
export function graph(of: Topology | LabStatus, options?: GraphOptions): Promise<string | Buffer>;
export async function graph(
	of: Topology | LabStatus,
	{ format = "svg", full = false }: GraphOptions = {},
): Promise<string | Buffer> {
	const model = graphModel(of);
	switch (format) {
		case "dot":
			return (await import("./graph/dot.js")).toDot(model, { full });
		case "mermaid":
			return (await import("./graph/mermaid.js")).toMermaid(model, { full });
		case "svg":
			return (await import("./graph/render.js")).renderSvg(model, { full });
		case "png":
			return (await import("./graph/render.js")).renderPng(model, { full });
	}
}

/** What the picture shows, as plain data. */
export function graphModel(of: Topology | LabStatus): Graph {
	return "veths" in of ? graphOfTopology(of) : graphOfStatus(of);
}
