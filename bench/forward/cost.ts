import { median, type Result } from "../report.js";
import { CASES, type Case, empty, PASS } from "./cases.js";
import { ECHO, NEW, type Packet, REPEATED } from "./packets.js";
import { type Closable, Programs } from "./programs.js";
import { Stage } from "./stage.js";

/** What one packet takes, over all rounds. */
interface Times {
	name: string;
	family: string;
	/** Nanoseconds net of an empty program, round by round. */
	net: number[];
}

export interface Cost {
	/** Nanoseconds a packet. */
	table: [name: string, family: string, nanoseconds: number][];
	results: Result[];
}

/**
 * Runs every program many times, one after the other in each round. A round loads all of them anew:
 * where a program comes to lie in memory makes a difference of a nanosecond or two.
 * @param milliseconds for each program with each packet in a round
 */
export function measureCost(rounds: number, milliseconds: number): Cost {
	const programs = new Programs();
	const stage = new Stage();
	const times = CASES.flatMap(({ name, packets }) =>
		packets.map(({ family }): Times => ({ name, family, net: [] })),
	);
	try {
		for (let round = 0; round < rounds; round++) {
			stage.prepare(programs);
			const time = (load: Case["load"], packets: readonly Packet[], action: number) =>
				withProgram(load(programs, stage), ({ fd }) =>
					packets.map((packet) => stage.time(fd, packet, action, milliseconds)),
				);
			const every = [...REPEATED, ...NEW, ...ECHO];
			const nothing = time(empty, every, PASS);
			for (const { name, packets, action, load } of CASES)
				time(load, packets, action).forEach((taken, i) => {
					const packet = packets[i] as Packet;
					const of = times.find((one) => one.name === name && one.family === packet.family);
					of?.net.push(taken - (nothing[every.indexOf(packet)] ?? Number.NaN));
				});
		}
	} finally {
		stage.close();
	}
	return conclude(times);
}

function withProgram<T>(program: Closable, work: (program: Closable) => T): T {
	try {
		return work(program);
	} finally {
		program.close();
	}
}

function conclude(times: readonly Times[]): Cost {
	const net = (name: string, family: string) =>
		median(times.find((one) => one.name === name && one.family === family)?.net ?? []);
	return {
		table: times.map(({ name, family }) => [name, family, net(name, family)]),
		results: CASES.flatMap(({ name, packets, against, limit }) =>
			packets.flatMap(({ family }) =>
				against === undefined
					? []
					: [
							{
								what: `${name}, ${family}`,
								against,
								measured: net(name, family) / net(against, family),
								...(limit !== undefined && { limit }),
							},
						],
			),
		),
	};
}
