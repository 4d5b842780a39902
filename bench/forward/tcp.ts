import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Result } from "../report.js";
import { applyLab, destroyLab, type Router } from "./lab.js";

const redirect = "redirect: { sender: sink, sink: sender }";
const modes = (more: string) => [
	{ name: "hardcoded", forwarding: `{ mode: hardcoded, ${redirect}${more} }` },
	{ name: "map", forwarding: `{ mode: map, ${redirect}${more} }` },
	{ name: "fib", forwarding: `{ mode: fib${more} }` },
];

/** The first is what the others are compared with. */
const ROUTERS: readonly Router[] = [
	{ name: "kernel", forwarding: "kernel" },
	...modes(""),
	...modes(", peers: gro").map(({ name, forwarding }) => ({ name: `${name}, peers: gro`, forwarding })),
];

export interface Stream {
	router: string;
	family: "IPv4" | "IPv6";
	/** Gbit/s that arrived, round by round. The best counts. */
	rounds: number[];
}

/** One TCP connection of iperf3 between the stacks of two namespaces. */
export async function measureTcp(
	rounds: number,
	seconds: number,
): Promise<{ streams: Stream[]; results: Result[] }> {
	const streams = ROUTERS.flatMap(({ name: router }) =>
		(["IPv4", "IPv6"] as const).map((family): Stream => ({ router, family, rounds: [] })),
	);
	for (let round = 0; round < rounds; round++)
		for (const router of ROUTERS) {
			applyLab(router);
			for (const stream of streams)
				if (stream.router === router.name) stream.rounds.push(await iperf(stream.family, seconds));
		}
	destroyLab();
	return { streams, results: conclude(streams) };
}

async function iperf(family: "IPv4" | "IPv6", seconds: number): Promise<number> {
	const server = spawn("ip", ["netns", "exec", "sink", "iperf3", "-s", "-1", "--forceflush"], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const ended = once(server, "exit");
	await once(server.stdout, "data");
	const address = family === "IPv4" ? "10.0.2.2" : "fc00:2::2";
	const client = ["iperf3", "-c", address, "-t", String(seconds), "-J"];
	const report = execFileSync("ip", ["netns", "exec", "sender", ...client], { encoding: "utf8" });
	await ended;
	const { end } = JSON.parse(report) as { end: { sum_received: { bits_per_second: number } } };
	return end.sum_received.bits_per_second / 1e9;
}

function conclude(streams: readonly Stream[]): Result[] {
	const rate = (router: string, family: string) =>
		Math.max(...(streams.find((one) => one.router === router && one.family === family)?.rounds ?? []));
	return streams
		.filter(({ router }) => router !== "kernel")
		.map(({ router, family }) => ({
			what: `${router}, ${family}`,
			against: "kernel, TCP",
			measured: rate(router, family) / rate("kernel", family),
		}));
}
