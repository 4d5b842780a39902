import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { lookup, u32Key, update } from "../../lib/kernel/bpf.js";
import { closeLoaded, type LoadedProgram } from "../../lib/kernel/load.js";
import { NETLINK_ROUTE, NetlinkSocket } from "../../lib/kernel/socket.js";
import { setXdp } from "../../lib/netlink/link.js";
import * as frame from "../../test/kernel/bpf/frame.js";
import { testRun } from "../../test/kernel/bpf/test-run.js";
import type { Result } from "../report.js";
import { applyLab, destroyLab, inNamespace, linkOf, type Router, withinNamespace } from "./lab.js";
import type { Family } from "./packets.js";
import { Programs } from "./programs.js";

/** The first is what the others are compared with. */
const ROUTERS: readonly Router[] = [
	{ name: "kernel", forwarding: "kernel", gro: true },
	{ name: "bpf_redirect() alone", forwarding: "kernel", gro: true },
	{ name: "hardcoded", forwarding: "{ mode: hardcoded, redirect: { sender: sink } }" },
	{ name: "map", forwarding: "{ mode: map, redirect: { sender: sink } }" },
	{ name: "fib", forwarding: "fib" },
];
const [KERNEL, BARE] = ROUTERS.map(({ name }) => name);

const LENGTH = 64;

/** Bytes of a frame that bpf/send.bpf.c writes. */
const WRITTEN = 32;

/**
 * Frames that are sent before the router has its turn: fewer than the 64 that it takes at a time, or it would
 * look for more each time.
 */
const BATCH = 48;

/** struct clock of bpf/send.bpf.c. */
const CLOCK = 24;

const WARM_UP = 1000;
const ATTEMPTS = 5;

/** How often a packet is forwarded of kernel forwarding, and of `hardcoded`. */
const TIMES_KERNEL = 4;
const OF_HARDCODED = 0.95;

export interface Throughput {
	router: string;
	family: Family;
	/**
	 * Millions of packets a second that the sink got, round by round. The best counts: whoever else has the
	 * CPU meanwhile only ever takes from it.
	 */
	rounds: number[];
}

/**
 * Sends XDP frames from one namespace through a router into another, where a program drops them: sender,
 * router and sink on one CPU. What does not arrive does not count. Sender and sink do as little as they can,
 * since what they take is in every router's figure.
 */
export function measureFrames(rounds: number, frames: number): { rates: Throughput[]; results: Result[] } {
	const programs = new Programs();
	const rates = ROUTERS.flatMap(({ name: router }) =>
		(["IPv4", "IPv6"] as const).map((family): Throughput => ({ router, family, rounds: [] })),
	);
	const release = onOneCpu();
	try {
		for (let round = 0; round < rounds; round++)
			for (const router of ROUTERS) {
				applyLab(router, { sink: "xdp: drop" });
				const detach = [
					attach("sink", "veth0", programs.load("sink")),
					...(router.name === BARE ? [redirectAlone(programs)] : []),
				];
				for (const rate of rates)
					if (rate.router === router.name) rate.rounds.push(send(programs, rate.family, frames));
				for (const one of detach) one();
			}
		destroyLab();
	} finally {
		release();
	}
	return { rates, results: conclude(rates) };
}

/** Pins the thread that sends, and with it the softirqs that it raises. @returns how to end that */
function onOneCpu(): () => void {
	const taskset = (list: string) => execFileSync("taskset", ["-c", "-p", list, String(process.pid)]);
	taskset("0");
	return () => void taskset(`0-${cpus().length - 1}`);
}

/** Attaches a program that does nothing else. @returns how to detach it */
function redirectAlone(programs: Programs): () => void {
	const egress = u32Key(linkOf("router", "sink").ifindex);
	return attach("router", "sender", programs.load("redirect", { egress }));
}

/** Attaches a program in place of the lab's, which comes back with the next lab. @returns how to detach it */
function attach(namespace: string, name: string, program: LoadedProgram): () => void {
	const { ifindex } = linkOf(namespace, name);
	const socket = withinNamespace(namespace, () => new NetlinkSocket(NETLINK_ROUTE));
	const set = (fd: number) => {
		socket.queue(setXdp(ifindex, "native", fd));
		socket.flush();
	};
	set(-1);
	set(program.fd);
	return () => {
		set(-1);
		socket.close();
		closeLoaded(program);
	};
}

/** @returns millions of packets a second that arrived, at best */
function send(programs: Programs, family: Family, frames: number): number {
	const own = linkOf("sender", "veth0");
	const bytes = packet(family, own.address, linkOf("router", "sender").address);
	const sender = programs.load("send", { frame: bytes.subarray(0, WRITTEN) });
	const clocks = sender.maps.get("clocks") as number;
	const run = (repeat: number) => {
		const clock = Buffer.alloc(CLOCK);
		clock.writeBigUInt64LE(BigInt(repeat));
		update(clocks, u32Key(0), clock);
		withinNamespace(
			"sender",
			() => void testRun(sender.fd, bytes, { ingress: own.ifindex, repeat, live: BATCH }),
		);
		const { buffer } = lookup(clocks, u32Key(0), CLOCK) as Buffer;
		const [, began = 0n, ended = 0n] = new BigUint64Array(buffer);
		return Number(ended - began) / 1e3;
	};
	try {
		run(WARM_UP);
		const attempt = () => {
			const before = settled(dropped);
			const microseconds = run(frames);
			return (settled(dropped) - before) / microseconds;
		};
		return Math.max(...Array.from({ length: ATTEMPTS }, attempt));
	} finally {
		closeLoaded(sender);
	}
}

/** What the driver counts at the sink. */
function dropped(): number {
	const statistics = inNamespace("sink", "ethtool", "-S", "veth0");
	return Number(/rx_queue_0_xdp_drops: (\d+)/.exec(statistics)?.[1]);
}

/** The last frames may still be on their way. */
function settled(read: () => number): number {
	for (let last = read(); ; ) {
		const next = read();
		if (next === last) return next;
		last = next;
	}
}

function packet(family: Family, source: string, destination: string): Buffer {
	const link = { source, destination };
	const build = (length: number) => {
		const payload = frame.ports(5000, 5000, length);
		return family === "IPv4"
			? frame.ipv4({ source: "10.0.1.2", destination: "10.0.2.2", payload }, link)
			: frame.ipv6({ source: "fc00:1::2", destination: "fc00:2::2", payload }, link);
	};
	const SHORTEST = 8;
	return build(SHORTEST + LENGTH - build(SHORTEST).length);
}

function conclude(rates: readonly Throughput[]): Result[] {
	const rate = (router: string | undefined, family: Family) =>
		Math.max(...(rates.find((one) => one.router === router && one.family === family)?.rounds ?? []));
	return rates.flatMap(({ router, family }): Result[] => {
		if (router === KERNEL) return [];
		const result = (against: string | undefined, limit?: number): Result => ({
			what: `${router}, ${family}`,
			against: `${against}, packets a second`,
			measured: rate(router, family) / rate(against, family),
			...(limit !== undefined && { limit, least: true }),
		});
		if (router === BARE) return [result(KERNEL)];
		if (router === "hardcoded") return [result(KERNEL, TIMES_KERNEL)];
		return [result(KERNEL, TIMES_KERNEL), result("hardcoded", OF_HARDCODED)];
	});
}
