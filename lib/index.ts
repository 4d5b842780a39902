/**
 * Topology as code for XDP: what the commands do, as functions.
 *
 * ```ts
 * await withLab("demo.yaml", async (lab) => {
 * 	const { stdout } = await lab.exec("uno", "ping", ["-c", "1", "10.0.2.2"]);
 * 	const { ok } = await lab.verify();
 * });
 * ```
 * @packageDocumentation
 */
export { type ApplyOptions, apply, plan } from "./apply.js";
export { type DestroyOptions, destroy } from "./destroy.js";
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
export type {
	ActionReport,
	CheckReport,
	FlowReport,
	Packets,
	UntriedReport,
	VerifyReport,
} from "./expect/report.js";
export type {
	Graph,
	GraphEnd,
	GraphEndName,
	GraphNamespace,
	GraphPair,
	GraphProgram,
} from "./graph/model.js";
export { type GraphFormat, type GraphOptions, graph, graphModel } from "./graph.js";
export { listLabs } from "./kernel/labs.js";
export { type LoadOptions, loadTopology } from "./load.js";
export type { Action as ChangeAction } from "./plan/plan.js";
export { type ChangeDocument, type PlanDocument, planText } from "./plan/render.js";
export type { CLine, Refusal } from "./programs/refusal.js";
export type { Count } from "./stats/counts.js";
export { openMetricsText } from "./stats/openmetrics.js";
export type { Room as StatsRoom } from "./stats/page.js";
export type { InterfaceStats, Row as StatsRow } from "./stats/rates.js";
export type { RunningProgram, Source as CounterSource } from "./stats/reading.js";
export { type StatsTextOptions, statsText } from "./stats/render.js";
export { type Stats, type StatsOptions, stats, type WatchOptions, watchStats } from "./stats.js";
export {
	type EndStatus,
	type LabStatus,
	type NamespaceStatus,
	type ProgramStatus,
	status,
} from "./status.js";
export type { Diagnostic, DiagnosticCode } from "./topology/diagnostic.js";
export { TopologyError } from "./topology/error.js";
export type { TopologyDocument } from "./topology/generated/document.js";
export { parseTopology } from "./topology/parse-topology.js";
export type { RenderOptions } from "./topology/render.js";
export type { FilePosition, Place } from "./topology/source.js";
export type {
	Attach,
	End,
	EndName,
	Expectation,
	Forwarding,
	Namespace,
	Neighbor,
	NextHop,
	Peers,
	Program,
	Protocol,
	Route,
	RouteType,
	Topology,
	Veth,
	Warning,
	XdpAction,
} from "./topology/topology.js";
export { type VerifyOptions, verify } from "./verify/verify.js";
export { type RunningLab, type WithLabOptions, withLab } from "./with-lab.js";
