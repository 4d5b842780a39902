/**
 * Topology as code for XDP: what the commands do, as functions.
 *
 * ```ts
 * const topology = await loadTopology("lab.yaml");
 * await apply(topology);
 * try {
 * 	exec("uno", "ping", ["-c", "1", "10.0.2.2"], { stdio: "inherit" });
 * 	…
 * } finally { await destroy(topology.name); }
 * ```
 */
export { type ApplyOptions, apply, type PlanResult, plan } from "./apply.js";
export { type DestroyOptions, type DestroyResult, destroy } from "./destroy.js";
export {
	ApplyError,
	ConflictError,
	InterruptedError,
	NetlinkError,
	type RefusedProgram,
	SyscallError,
	UnsupportedError,
	UsageError,
	VerifierError,
} from "./errors.js";
export { exec, runIn } from "./exec.js";
export type { ActionReport, CheckReport, FlowReport, VerifyReport } from "./expect/report.js";
export { type Graph, type GraphFormat, type GraphOptions, graph, graphModel } from "./graph.js";
export { listLabs } from "./kernel/labs.js";
export { loadTopology } from "./load.js";
export { idOf, type LabObject } from "./plan/object.js";
export { type Change, isEmpty, type Plan } from "./plan/plan.js";
export type { Progress, Stage } from "./progress.js";
export { type PlanDocument, renderJson, renderText } from "./render-plan.js";
export type { Action, Count } from "./stats/counts.js";
export { openMetricsText } from "./stats/openmetrics.js";
export type { InterfaceStats, Row } from "./stats/rates.js";
export type { RunningProgram, Source } from "./stats/reading.js";
export { statsText } from "./stats/render.js";
export { type Stats, type StatsOptions, stats, type WatchOptions, watchStats } from "./stats.js";
export {
	type EndStatus,
	type LabStatus,
	type NamespaceStatus,
	type ProgramStatus,
	status,
} from "./status.js";
export type { Diagnostic } from "./topology/diagnostic.js";
export { TopologyError } from "./topology/error.js";
export { parseTopology } from "./topology/parse-topology.js";
export type * from "./topology/topology.js";
export { type VerifyOptions, verify } from "./verify/verify.js";
