import type { XdpAction } from "../topology/topology.js";
import { describeFlow } from "./flow.js";
import type { ActionReport, CheckReport, FlowReport, Packets, VerifyReport } from "./report.js";

/** What was seen of a check that failed, and why: a line each. */
export function failureLines({ flows, actions, causes }: CheckReport): string[] {
	const seen = flows.filter(({ ok }) => !ok).map(flowText);
	// Of traffic that did not come through, the counters tell nothing new.
	const counted = seen.length ? [] : actions.filter(({ ok }) => !ok).map(describeAction);
	return [...seen, ...new Set(counted), ...causes.map((cause) => `likely cause: ${cause}`)];
}

/** `TCP to 10.0.2.2: no connection` */
export function flowText(flow: FlowReport): string {
	return `${describeFlow(flow)}: ${flow.detail}`;
}

function describeAction({ end, action, of, counts, least, disturbed }: ActionReport): string {
	if (disturbed) return `${end} counts other traffic as ${action}: whether ${of} was, cannot be told`;
	if (counts?.[action] === undefined) return `${end} runs no program that counts ${action}`;
	return `${end} counted ${countText(counts, action)}; ${of} should count at least ${least} ${action}`;
}

/** `0 XDP_PASS and 3 XDP_REDIRECT`: the action that was asked for, and what else there was. */
export function countText(counts: Packets, asked: XdpAction): string {
	const others = Object.entries(counts).filter(([action, count]) => action !== asked && count > 0);
	return [[asked, counts[asked] ?? 0], ...others]
		.map(([action, count]) => `${count} ${action}`)
		.join(" and ");
}

/** `three-routers: 6 passed`, `three-routers: 1 of 6 failed` */
export function summary({ lab, checks }: VerifyReport): string {
	const failed = checks.filter(({ ok }) => !ok).length;
	if (checks.length === 0) return `${lab}: nothing is expected of it`;
	return failed ? `${lab}: ${failed} of ${checks.length} failed` : `${lab}: ${checks.length} passed`;
}

/** `213 ms`, `3.2 s` */
export function duration(milliseconds: number): string {
	return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
