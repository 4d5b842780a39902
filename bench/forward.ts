import { constants, cpus, release, setPriority } from "node:os";
import { parseArgs } from "node:util";
import { measureCost } from "./forward/cost.js";
import { measureFrames } from "./forward/frames.js";
import { measureTcp } from "./forward/tcp.js";
import { aligned, table, writeJson } from "./report.js";

const USAGE = `npm run bench:forward -- [options]

What forwarding costs: nanoseconds a packet, packets a second over veth, and TCP.

  --rounds N         of everything, one after the other (default: 31; packets a second: a fifth, TCP: a tenth)
  --milliseconds N   that a program runs with a packet in a round, three times (default: 0.5)
  --frames N         sent for packets a second, five times a round (default: 30000)
  --seconds N        of a TCP connection (default: 1; 0 leaves TCP out)
  --json FILE        where what was measured is written (default: dist/bench/forward.json)
`;

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "31" },
		milliseconds: { type: "string", default: "0.5" },
		frames: { type: "string", default: "30000" },
		seconds: { type: "string", default: "1" },
		json: { type: "string", default: "dist/bench/forward.json" },
		help: { type: "boolean", default: false },
	},
});

async function main(): Promise<void> {
	const rounds = Number(values.rounds);
	const seconds = Number(values.seconds);
	setPriority(constants.priority.PRIORITY_HIGHEST);

	const cost = measureCost(rounds, Number(values.milliseconds));
	section("Nanoseconds a packet, net of an empty program", ["program", "family", "ns"], cost.table);
	const frames = measureFrames(Math.ceil(rounds / 5), Number(values.frames));
	section("Millions of XDP frames a second, at best", ["router", "family", "Mpps"], best(frames.rates));
	const tcp = seconds > 0 ? await measureTcp(Math.ceil(rounds / 10), seconds) : { streams: [], results: [] };
	if (seconds > 0) section("TCP, Gbit/s, at best", ["router", "family", "Gbit/s"], best(tcp.streams));

	const results = [...cost.results, ...frames.results, ...tcp.results];
	console.log(`\nRatios\n\n${table(results)}`);
	const machine = { kernel: release(), cpu: cpus()[0]?.model, cpus: cpus().length };
	writeJson(values.json, {
		machine,
		rounds,
		nanoseconds: cost.table,
		frames: frames.rates,
		tcp: tcp.streams,
		results,
	});
	console.log(`\n${values.json}`);
}

type Row = [name: string, family: string, amount: number];

function best(measured: readonly { router: string; family: string; rounds: number[] }[]): Row[] {
	return measured.map(({ router, family, rounds }) => [router, family, Math.max(...rounds)]);
}

function section(title: string, head: string[], rows: readonly Row[]): void {
	const cells = rows.map(([name, family, amount]) => [name, family, amount.toFixed(amount < 10 ? 2 : 1)]);
	console.log(`\n${title}\n\n${aligned(head, cells)}`);
}

if (values.help) console.log(USAGE);
else await main();
