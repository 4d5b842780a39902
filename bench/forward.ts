import { constants, cpus, release, setPriority } from "node:os";
import { measureCost } from "./forward/cost.js";
import { measureFrames } from "./forward/frames.js";
import { measureTcp } from "./forward/tcp.js";
import { benchCommand, number, whole } from "./options.js";
import { aligned, table, writeJson } from "./report.js";

const options = benchCommand(
	"bench:forward",
	"What forwarding costs: nanoseconds a packet, packets a second over veth, and TCP.",
)
	.option(
		"--rounds <n>",
		"of everything, one after the other; of packets a second a fifth, of TCP a tenth",
		whole(1),
		31,
	)
	.option(
		"--milliseconds <n>",
		"that a program runs with a packet in a round, three times",
		number(0.001),
		0.5,
	)
	.option("--frames <n>", "sent for packets a second, five times a round", whole(1), 30_000)
	.option("--seconds <n>", "of a TCP connection; 0 leaves TCP out", whole(0), 1)
	.option("--json <file>", "where what was measured is written", "dist/bench/forward.json")
	.parse()
	.opts<{ rounds: number; milliseconds: number; frames: number; seconds: number; json: string }>();

async function main(): Promise<void> {
	const { rounds, milliseconds, seconds, json } = options;
	setPriority(constants.priority.PRIORITY_HIGHEST);

	const cost = measureCost(rounds, milliseconds);
	section("Nanoseconds a packet, net of an empty program", ["program", "family", "ns"], cost.table);
	const frames = measureFrames(Math.ceil(rounds / 5), options.frames);
	section("Millions of XDP frames a second, at best", ["router", "family", "Mpps"], best(frames.rates));
	const tcp = seconds > 0 ? await measureTcp(Math.ceil(rounds / 10), seconds) : { streams: [], results: [] };
	if (seconds > 0) section("TCP, Gbit/s, at best", ["router", "family", "Gbit/s"], best(tcp.streams));

	const results = [...cost.results, ...frames.results, ...tcp.results];
	console.log(`\nRatios\n\n${table(results)}`);
	const machine = { kernel: release(), cpu: cpus()[0]?.model, cpus: cpus().length };
	writeJson(json, {
		machine,
		rounds,
		nanoseconds: cost.table,
		frames: frames.rates,
		tcp: tcp.streams,
		results,
	});
	console.log(`\n${json}`);
}

type Row = [name: string, family: string, amount: number];

function best(measured: readonly { router: string; family: string; rounds: number[] }[]): Row[] {
	return measured.map(({ router, family, rounds }) => [router, family, Math.max(...rounds)]);
}

function section(title: string, head: string[], rows: readonly Row[]): void {
	const cells = rows.map(([name, family, amount]) => [name, family, amount.toFixed(amount < 10 ? 2 : 1)]);
	console.log(`\n${title}\n\n${aligned(head, cells)}`);
}

await main();
