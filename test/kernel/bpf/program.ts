import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lookup, mapInfo, u32Key, update } from "../../../lib/kernel/bpf.js";
import { writeConstants } from "../../../lib/kernel/constants.js";
import { closeLoaded, type LoadedProgram, loadProgram } from "../../../lib/kernel/load.js";
import { testRun } from "./test-run.js";

export type Name = "pass" | "drop" | "icmp-echo" | "hardcoded" | "map" | "fib";

/** Where the lab's window of ifindexes begins. */
export const FIRST = 1001;
export const PORTS = 4;

/** enum xdp_action, <linux/bpf.h>. */
const VERDICTS = ["aborted", "drop", "pass", "tx", "redirect"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Outcome {
	verdict: Verdict;
	frame: Buffer;
}

const BY_PORT: Record<Name, string[]> = {
	pass: ["counters"],
	drop: ["counters"],
	"icmp-echo": ["counters"],
	hardcoded: ["counters"],
	map: ["counters", "ports", "redirects", "macs"],
	fib: ["counters", "ports"],
};

const CLANG = ["-O2", "-g", "-Wall", "-Wextra", "-Werror", "-target", "bpf", "-mcpu=v3", "-Ibpf/include"];

/** @param source the path of a program in C */
export function compile(source: string): Buffer {
	const directory = mkdtempSync(join(tmpdir(), "bpf-"));
	try {
		const object = join(directory, "object.o");
		execFileSync("clang", [...CLANG, "-I/usr/include/x86_64-linux-gnu", "-c", source, "-o", object]);
		return readFileSync(object);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** The 32-bit number as maps have it. */
export const u32 = u32Key;

/** Per-CPU values are read for every possible CPU, not only those online. */
const cpus = Number(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim().split("-").at(-1)) + 1;

/** Of fib_cache: struct fib_result, which begins with its tick, and in it the destination of struct next_hop. */
const RESULT = 72;
const DESTINATION = 16;
const SLOTS = 256;

export interface LoadOptions {
	cache?: boolean;
	/** struct redirect by port of the ingress. */
	redirects?: Buffer[];
	/** Compiled from its source by default. */
	object?: Buffer;
}

/** A built-in program in the kernel, attached nowhere. */
export class Program {
	readonly #loaded: LoadedProgram;

	private constructor(loaded: LoadedProgram) {
		this.#loaded = loaded;
	}

	static load(name: Name, options: LoadOptions = {}): Program {
		const {
			cache,
			redirects,
			object = compile(join(import.meta.dirname, `../../../bpf/${name}.bpf.c`)),
		} = options;
		const globals = new Map<string, Uint8Array>([["first_ifindex", u32Key(FIRST)]]);
		if (cache !== undefined) globals.set("cache", Buffer.from([Number(cache)]));
		const program = new Program(
			loadProgram(name, object, {
				program: `xdp_${name.replace("-", "_")}`,
				globals,
				maxEntries: new Map(BY_PORT[name].map((map) => [map, PORTS])),
			}),
		);
		if (redirects) writeConstants(program.#map("counters"), new Map(redirects.entries()));
		return program;
	}

	get fd(): number {
		return this.#loaded.fd;
	}

	close(): void {
		closeLoaded(this.#loaded);
	}

	#map(name: string): number {
		const fd = this.#loaded.maps.get(name);
		if (fd === undefined) throw new Error(`no map ${name}`);
		return fd;
	}

	set(map: string, key: number, value: Uint8Array): void {
		update(this.#map(map), u32Key(key), value);
	}

	/** Runs the program on a frame, as if it came in through this interface of the thread's namespace. */
	run(frame: Buffer, ingress = FIRST): Outcome {
		const { action, frame: left } = testRun(this.fd, frame, { ingress });
		const verdict = VERDICTS[action];
		if (!verdict) throw new Error(`verdict ${action}`);
		return { verdict, frame: left };
	}

	/** What a port has counted on all CPUs: only the actions that occurred. */
	counters(port: number): Partial<Record<Verdict, { packets: number; bytes: number }>> {
		const map = this.#map("counters");
		const size = mapInfo(map).valueSize;
		const values = lookup(map, u32Key(port), size * cpus);
		if (!values) throw new Error(`no port ${port}`);
		const sum = (offset: number) =>
			Array.from({ length: cpus }, (_, cpu) => Number(values.readBigUInt64LE(cpu * size + offset))).reduce(
				(a, b) => a + b,
			);
		return Object.fromEntries(
			VERDICTS.map(
				(verdict, i) => [verdict, { packets: sum(16 * i), bytes: sum(16 * i + 8) }] as const,
			).filter(([, { packets }]) => packets > 0),
		);
	}

	/** Empties the cache, runs the program, and says in which slot it has kept a result. */
	slotOf(frame: Buffer, ingress = FIRST): number | undefined {
		const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
		for (const slot of slots) this.set("fib_cache", slot, Buffer.alloc(RESULT * cpus));
		this.run(frame, ingress);
		const ticks = (slot: number) => Array.from({ length: cpus }, (_, cpu) => this.#tick(slot, cpu));
		return slots.find((slot) => ticks(slot).some((tick) => tick !== 0n));
	}

	/** Puts the newest result of one slot into these slots of all CPUs, with another destination MAC. */
	forge(from: number, slots: number[], destination: Buffer): void {
		const newest = Array.from({ length: cpus }, (_, cpu) => cpu).reduce((a, b) =>
			this.#tick(from, a) > this.#tick(from, b) ? a : b,
		);
		const value = Buffer.from(this.#results(from).subarray(newest * RESULT, (newest + 1) * RESULT));
		value.set(destination, DESTINATION);
		for (const slot of slots) this.set("fib_cache", slot, Buffer.concat(Array(cpus).fill(value)));
	}

	#tick(slot: number, cpu: number): bigint {
		return this.#results(slot).readBigUInt64LE(cpu * RESULT);
	}

	#results(slot: number): Buffer {
		return lookup(this.#map("fib_cache"), u32Key(slot), RESULT * cpus) ?? Buffer.alloc(0);
	}
}
