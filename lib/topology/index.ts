/** The topology layer: text to a validated, fully resolved topology, or diagnostics with positions. */

export { decode, MAX_SIZE } from "./decode.js";
export type { Diagnostic, DiagnosticCode } from "./diagnostic.js";
export { TopologyError } from "./error.js";
export { deriveMac } from "./mac.js";
export { parseTopology } from "./parse-topology.js";
export { type RenderOptions, renderWarnings } from "./render.js";
export { Source } from "./source.js";
export * from "./topology.js";
