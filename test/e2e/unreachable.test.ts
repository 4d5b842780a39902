import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, startBench } from "./lab.js";

const FILE = readFileSync("test/cases/unreachable.yaml", "utf8");

/** What ping(8) prints of the ICMP error that comes back, by destination. */
const ANSWERS: [address: string, answer: RegExp][] = [
	["10.9.1.1", /^From 10\.1\.0\.1 icmp_seq=1 Destination Host Unreachable$/m],
	["10.8.1.1", /^From 10\.1\.0\.1 icmp_seq=1 Packet filtered$/m],
	["fd09::1", /^From fd01::1 icmp_seq=1 Destination unreachable: No route$/m],
];

/** Each of the program's variants, and the stack alone, which is the oracle. */
const FORWARDING = [
	"fib",
	"{ mode: fib, cache: false }",
	"{ mode: fib, attach: generic }",
	"{ mode: fib, attach: generic, cache: false }",
	"kernel",
];

describe("unreachable and prohibit routes answer with an ICMP error", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test.each(FORWARDING)("under forwarding: %s", async (forwarding) => {
		await apply(bench, FILE.replace("forwarding: fib", `forwarding: ${forwarding}`));
		// icmp(7): otherwise a router answers one packet a second of each sender, and the cases follow each other faster.
		const limits = ["net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"];
		expect(await bench.machine.in("r", "sysctl", ["-qw", ...limits])).toMatchObject({ exitCode: 0 });
		for (const [address, answer] of ANSWERS) {
			const { stdout } = await bench.machine.in("a", "ping", ["-n", "-c", "1", "-W", "1", address]);
			expect(stdout).toMatch(answer);
		}
	});
});
