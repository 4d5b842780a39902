import { spawnSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { RICH } from "../kernel/rich.js";
import { applyText, clearAfterEach, descriptors, json, sh, useSandbox } from "../kernel/sandbox.js";
import { ROOT } from "../machine.js";
import { LONG, RUNS } from "./extent.js";
import { expectSame, startBare, system } from "./system.js";

useSandbox();
clearAfterEach();

/** By which its programs are known among all on the machine. */
const LAB = `soak-${process.pid}`;
const ONE = RICH.replace("name: rich", `name: ${LAB}`);
const OTHER = ONE.replace("forwarding: { mode: map, redirect: { uno: a, a: uno } }", "forwarding: fib")
	.replace("10.2.0.3/24", "10.2.0.4/24")
	.replace("xdp: icmp-echo", "xdp: drop")
	.replace("- host:uno", "- host:one")
	.replace("namespaces:\n", "namespaces:\n  tres:\n");

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What a process has that may pile up. */
function figures() {
	collectGarbage();
	collectGarbage();
	const { rss, heapUsed, external } = process.memoryUsage();
	return { rss, heap: heapUsed + external, descriptors: descriptors() };
}

/** Ids of the maps that mark a program as this lab's, wherever it may be. */
function marks(): number[] {
	return json<{ id: number; name?: string }[]>("bpftool -j map show")
		.filter(({ name }) => name === "xdp_topology")
		.filter(({ id }) => {
			// Somebody else's may be gone by now.
			const dump = sh(`bpftool -j map lookup id ${id} key 0 0 0 0 2>/dev/null || true`);
			const { value = [] } = JSON.parse(dump || "{}") as { value?: string[] };
			return Buffer.from(value.map(Number)).includes(LAB);
		})
		.map(({ id }) => id);
}

/** As much as a heap grows and shrinks by itself. */
const SLACK = 16 << 20;

const MB = (bytes: number) => `${(bytes / (1 << 20)).toFixed(1)} MB`;

/** Does something many times, and compares what the process has after a few and after all. */
async function soak(title: string, times: number, round: () => Promise<unknown>): Promise<void> {
	for (let i = 0; i < Math.min(20, times / 2); i++) await round();
	const before = figures();
	const began = performance.now();
	for (let i = 0; i < times; i++) await round();
	const each = (performance.now() - began) / times;
	const after = figures();
	console.info(
		`${times} × ${title}: ${each.toFixed(0)} ms each, rss ${MB(before.rss)} → ${MB(after.rss)}, heap ${MB(before.heap)} → ${MB(after.heap)}, descriptors ${before.descriptors.length} → ${after.descriptors.length}`,
	);
	expect(after.descriptors).toEqual(before.descriptors);
	expect(after.heap - before.heap).toBeLessThan(SLACK);
	expect(after.rss - before.rss).toBeLessThan(4 * SLACK);
}

describe("a thousand times over, nothing is left and nothing grows", () => {
	const times = RUNS ?? (LONG ? 1000 : 10);

	test.each<[string, () => Promise<unknown>]>([
		[
			"apply and destroy in one process",
			() =>
				soak("apply and destroy", times, async () => {
					await applyText(ONE);
					await destroy(LAB);
				}),
		],
		[
			"one file and another of the same lab in turn",
			async () => {
				await applyText(ONE);
				const programs = marks().length;
				await soak("one file and the other", times, async () => {
					await applyText(OTHER);
					await applyText(ONE);
				});
				expect(marks()).toHaveLength(programs);
				await destroy(LAB);
			},
		],
		[
			"the commands",
			async () => {
				const rounds = Math.ceil(times / 10);
				for (let i = 0; i < rounds; i++)
					for (const [command, input] of [
						["apply", ONE],
						["apply", OTHER],
						["destroy", ""],
					] as const) {
						const args = [`${ROOT}dist/bin/xdp-${command}.js`, command === "apply" ? "-" : LAB, "--quiet"];
						const { status, stderr } = spawnSync(process.execPath, args, { input, encoding: "utf8" });
						expect(status, stderr).toBe(0);
					}
				console.info(`${rounds} × apply, another apply and destroy by the commands`);
			},
		],
	])(
		"%s",
		async (_, work) => {
			const bare = await startBare();
			await work();
			await expectSame(bare, system, "after all");
			expect(marks()).toEqual([]);
		},
		LONG ? 3_600_000 : 60_000,
	);
});
