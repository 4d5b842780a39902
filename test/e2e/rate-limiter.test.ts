import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { apply, type Bench, startBench, textOf } from "./lab.js";
import { entriesOf, mapOf, runningOn } from "./maps.js";
import { type Flow, ping, udp } from "./traffic.js";

interface Bucket {
	key: { version: number; address: number[] };
	value: { dropped: number };
}

/** A second. */
const RATE = 1;
const BURST = 20;
const DATAGRAMS = 100;

/** The example with another limit for the prefixes of `dos`. */
const withLimit = (limit: string) => textOf("rate-limiter.yaml").replaceAll("{ rate: 0, burst: 0 }", limit);

const overIpv4: Flow = { from: "dos", to: "server", address: "10.0.2.1", patience: 250 };
const overIpv6: Flow = { ...overIpv4, address: "fc00:2::1" };

describe.sequential("topologies/rate-limiter.yaml", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, withLimit(`{ rate: ${RATE}, burst: ${BURST} }`));
	});
	afterAll(() => bench.machine.stop());

	/** Packets dropped, by the beginning of the source's address. */
	const dropped = async (): Promise<Record<string, number>> => {
		const { id } = await runningOn(bench.machine, "server:dos");
		const map = (await mapOf(bench.machine, id, /^buckets$/)) ?? "";
		const buckets = await entriesOf<Bucket>(bench.machine, map);
		return Object.fromEntries(buckets.map(({ key, value }) => [key.address.join("."), value.dropped]));
	};

	test.each([
		["IPv4", overIpv4, "10.0.2.2.0.0.0.0"],
		["IPv6", overIpv6, "252.0.0.2.0.0.0.0"],
	])("passes a burst of %s, and counts what it drops of the rest", async (_, flow, source) => {
		const start = performance.now();
		const arrived = await udp(bench.machine, flow, DATAGRAMS);
		const seconds = (performance.now() - start) / 1000;
		expect(arrived).toBeGreaterThanOrEqual(BURST);
		expect(arrived).toBeLessThanOrEqual(BURST + Math.ceil(seconds * RATE));
		expect((await dropped())[source]).toBe(DATAGRAMS - arrived);
	});

	test("takes nothing from another source", async () => {
		const flow: Flow = { from: "uno", to: "server", address: "10.0.1.1" };
		expect(await udp(bench.machine, flow, DATAGRAMS)).toBe(DATAGRAMS);
	});

	test("lets a source that was over its rate send again after a while", async () => {
		const sends = () => ping(bench.machine, overIpv4, { count: 1 });
		await vi.waitFor(async () => expect(await sends()).toBe(1), { timeout: 10_000, interval: 50 });
	});

	test("is told another limit while it runs: neither loaded nor attached again", async () => {
		const before = await runningOn(bench.machine, "server:dos");
		const drops = await dropped();
		await apply(bench, withLimit("{ rate: 0, burst: 0 }"));
		expect(await runningOn(bench.machine, "server:dos")).toEqual(before);
		expect(await dropped()).toEqual(drops);
		expect(await ping(bench.machine, overIpv4)).toBe(0);
		expect(await ping(bench.machine, overIpv6)).toBe(0);
	});
});
