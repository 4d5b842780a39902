import { fileURLToPath } from "node:url";
import type { Machine } from "../machine.js";

const SEND = fileURLToPath(new URL("flood-send.mjs", import.meta.url));
const RECEIVE = fileURLToPath(new URL("flood-receive.mjs", import.meta.url));

/** Datagrams a second: an interruption of a tenth of a millisecond loses one or two. */
const RATE = 15_000;
const PORT = "5000";

/** Numbered datagrams from one namespace to an address that several may have. */
export interface FloodPath {
	from: string;
	to: readonly string[];
	address: string;
}

export interface Flood {
	sent: number;
	/** Those that none of the receivers got, nor lost by itself, its socket being full. */
	lost: number;
	/** By receiver. */
	arrived: number[];
}

/** Does `work` under a flood that has begun to arrive, and lets it go on for as long again as it takes to see it. */
export async function flood(machine: Machine, path: FloodPath, work: () => Promise<void>): Promise<Flood> {
	const { from, to, address } = path;
	const receivers = await Promise.all(
		to.map((name) => machine.start(name, process.execPath, [RECEIVE, address, PORT], /ready/)),
	);
	const before = await overflows(machine, to);
	const sender = await machine.start(from, process.execPath, [SEND, address, PORT, String(RATE)], /ready/);
	const some = async () => {
		const counts = receivers.map((receiver) => receiver.next(/so far \d+/));
		await Promise.race(counts);
	};
	await some();
	await work();
	await some();
	sender.closeInput();
	const sent = Number((await sender.ended).stdout.split("\n").at(-1));
	const ends = await Promise.all(
		receivers.map(async (receiver) => {
			receiver.write(`${sent}\n`);
			return JSON.parse((await receiver.ended).stdout.split("\n").at(-1) ?? "") as number[];
		}),
	);
	const arrived = new Set(ends.flat());
	const full = (await overflows(machine, to)) - before;
	return { sent, lost: sent - arrived.size - full, arrived: ends.map(({ length }) => length) };
}

/** Datagrams for which a receiver's socket had no room: those came through. */
async function overflows(machine: Machine, names: readonly string[]): Promise<number> {
	const counts = await Promise.all(
		names.map(async (name) => {
			const { stdout } = await machine.in(name, "nstat", ["-asz", "UdpRcvbufErrors"]);
			return Number(/UdpRcvbufErrors\s+(\d+)/.exec(stdout)?.[1]);
		}),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}
