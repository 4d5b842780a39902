import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
	apply,
	type Bench,
	expectDestroyLeavesNothing,
	expectNoneForwardedByStack,
	expectNothingToDo,
	startBench,
} from "./lab.js";
import { type Flow, udp } from "./traffic.js";

/** From left to right there are two ways, over `high` and over `low`; the hash takes ports into account. */
const TOPOLOGY = `name: equal-paths
namespaces:
  uno: { gateway: [10.1.0.1, "fc00:1::1"] }
  dos: { gateway: [10.2.0.1, "fc00:2::1"] }
  left:
    forwarding: fib
    sysctls: { net.ipv4.fib_multipath_hash_policy: 1, net.ipv6.fib_multipath_hash_policy: 1 }
    routes:
      - { to: 10.2.0.0/24, via: [10.11.0.2, 10.12.0.2] }
      - { to: "fc00:2::/64", via: ["fc00:11::2", "fc00:12::2"] }
  right:
    forwarding: fib
    routes:
      - { to: 10.1.0.0/24, via: [10.21.0.2, 10.22.0.2] }
      - { to: "fc00:1::/64", via: ["fc00:21::2", "fc00:22::2"] }
  high:
    forwarding: fib
    routes:
      - { to: 10.1.0.0/24, via: 10.11.0.1 }
      - { to: 10.2.0.0/24, via: 10.21.0.1 }
      - { to: "fc00:1::/64", via: "fc00:11::1" }
      - { to: "fc00:2::/64", via: "fc00:21::1" }
  low:
    forwarding: fib
    routes:
      - { to: 10.1.0.0/24, via: 10.12.0.1 }
      - { to: 10.2.0.0/24, via: 10.22.0.1 }
      - { to: "fc00:1::/64", via: "fc00:12::1" }
      - { to: "fc00:2::/64", via: "fc00:22::1" }
veths:
  - { left:uno: [10.1.0.1/24, "fc00:1::1/64"], uno:veth0: [10.1.0.2/24, "fc00:1::2/64"] }
  - { right:dos: [10.2.0.1/24, "fc00:2::1/64"], dos:veth0: [10.2.0.2/24, "fc00:2::2/64"] }
  - { left:high: [10.11.0.1/24, "fc00:11::1/64"], high:left: [10.11.0.2/24, "fc00:11::2/64"] }
  - { left:low: [10.12.0.1/24, "fc00:12::1/64"], low:left: [10.12.0.2/24, "fc00:12::2/64"] }
  - { right:high: [10.21.0.1/24, "fc00:21::1/64"], high:right: [10.21.0.2/24, "fc00:21::2/64"] }
  - { right:low: [10.22.0.1/24, "fc00:22::1/64"], low:right: [10.22.0.2/24, "fc00:22::2/64"] }
`;

/** So many that all take one way by chance once in 2 to the power of 99 runs. */
const FLOWS = 100;

describe("equal-cost paths", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, TOPOLOGY);
	});
	afterAll(() => bench.machine.stop());

	test.each([
		["IPv4", "10.2.0.2"],
		["IPv6", "fc00:2::2"],
	])("share the flows of %s between them, and lose none", async (_, address) => {
		const { machine, counters } = bench;
		const flow: Flow = { from: "uno", to: "dos", address };
		const counts = await counters.during(["left:uno", "high:left", "low:left"], async () => {
			expect(await udp(machine, flow, FLOWS)).toBe(FLOWS);
		});
		const redirected = (end: string) => counts.get(end)?.XDP_REDIRECT ?? 0;
		expect(redirected("left:uno")).toBe(FLOWS);
		expect(redirected("high:left")).toBeGreaterThan(0);
		expect(redirected("low:left")).toBeGreaterThan(0);
		expect(redirected("high:left") + redirected("low:left")).toBe(FLOWS);
	});

	test("nothing is left to the network stack", () => expectNoneForwardedByStack(bench));

	test("a second apply finds nothing to do", () => expectNothingToDo(bench, TOPOLOGY));

	test("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});
