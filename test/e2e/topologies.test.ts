import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectationsOf, verify } from "./expectations.js";
import {
	apply,
	type Bench,
	expectDestroyLeavesNothing,
	expectHostUntouched,
	expectNoneForwardedByStack,
	expectNothingToDo,
	startBench,
	xdp,
} from "./lab.js";

const files = readdirSync("topologies").filter((file) => file.endsWith(".yaml"));
const scenarios = files.flatMap((file) => [
	[`${file} on a machine that forwards`, file, true] as const,
	[`${file} on a machine that does not forward`, file, false] as const,
]);

test("there are the files of both courses, the showpiece and the programs of one's own", () => {
	expect(files.sort()).toEqual([
		"case04-fib.yaml",
		"case04-hardcoded.yaml",
		"case04-map.yaml",
		"load-balancer.yaml",
		"packet03-1-icmp-echo.yaml",
		"packet03-2-redirect.yaml",
		"packet03-3-redirect-map.yaml",
		"packet03-4-router.yaml",
		"port-filter.yaml",
		"rate-limiter.yaml",
		"three-routers.yaml",
	]);
});

describe.concurrent.each(scenarios)("%s", (_, file, forwarding) => {
	const path = `topologies/${file}`;
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench(forwarding);
		await apply(bench, path);
	});
	afterAll(() => bench.machine.stop());

	test.sequential("no sysctl of the machine itself is written", () => expectHostUntouched(bench));

	test.sequential("a second apply finds nothing to do", () => expectNothingToDo(bench, path));

	for (const expectation of expectationsOf(readFileSync(path, "utf8")))
		test.sequential(expectation.title, () => verify(bench.machine, bench.counters, expectation));

	test.sequential("the network stack has forwarded none of it", () => expectNoneForwardedByStack(bench));

	test.sequential("traffic is no drift", async () => {
		expect(await xdp(bench.machine, path, "plan", "--detailed-exitcode")).toMatchObject({ exitCode: 0 });
	});

	test.sequential("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});
