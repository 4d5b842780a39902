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

/** What was seen of one flow of a check, if that failed: a line each. */
export function flowFailure(flow: FlowReport, { actions, causes }: CheckReport): string[] {
	const name = describeFlow(flow);
	const counted = actions.filter(({ ok, of }) => !ok && of.split("; ").includes(name)).map(describeAction);
	const seen = flow.ok ? [...new Set(counted)] : [flowText(flow)];
	return seen.length ? [...seen, ...causes.map((cause) => `likely cause: ${cause}`)] : [];
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

/** `three-routers: 6 passed`, `three-routers: 1 of 6 failed, 2 not tried`, `three-routers: 6 passed, 1 difference` */
export function summary({ lab, checks, untried, drift }: VerifyReport): string {
	const failed = checks.filter(({ ok }) => !ok).length;
	const all = checks.length + untried.length;
	const differences = `${drift.length} difference${drift.length === 1 ? "" : "s"}`;
	const passed = checks.length ? `${checks.length} passed` : [];
	const tried = failed ? `${failed} of ${all} failed` : all ? passed : "nothing is expected of it";
	const parts = [tried, untried.length ? `${untried.length} not tried` : [], drift.length ? differences : []];
	return `${lab}: ${parts.flat().join(", ")}`;
}

/** What to do about differences. @param file the topology file, where it is known */
export function remedy(file: string | undefined): string {
	return file === undefined
		? "xdp-apply with the lab's file repairs that"
		: `xdp-apply ${file} makes the lab what the file says`;
}

/** What is tested beside the expectations. */
export const CONFORMS = "the lab is what its topology says";

/** `213 ms`, `3.2 s` */
export function duration(milliseconds: number): string {
	return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
