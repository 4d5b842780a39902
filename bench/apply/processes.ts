import { execFileSync, spawnSync } from "node:child_process";
import { median } from "../report.js";

/** What a process took, from its start to its end. */
export interface Spent {
	/** Seconds. */
	wall: number;
	/** Seconds of user and system time, of the process and of those that it waited for. */
	cpu: number;
	/** KiB of memory at its peak. */
	peak: number;
}

/** Where everything goes that a run makes. */
export const FOLDER = "dist/bench";

/** Compiles a program of bench/ with the system's compiler. @returns its path */
export function compile(source: string, ...libraries: string[]): string {
	const program = `${FOLDER}/${source.replace(/^.*\/|\.c$/g, "")}`;
	execFileSync("cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, `bench/${source}`, ...libraries]);
	return program;
}

/** A built command of the product, by its name in the family. */
export function xdp(command: string, ...args: string[]): string[] {
	return [`dist/bin/xdp-${command}.js`, ...args];
}

/** Runs commands and keeps what they took, by what they did. */
export class Stopwatch {
	readonly #spent = compile("apply/spent.c");
	readonly #series = new Map<string, Spent[]>();

	/** @throws where the command fails, with what it wrote */
	run(what: string, command: readonly string[]): void {
		const { status, stdout, stderr } = spawnSync(this.#spent, command, {
			encoding: "utf8",
			maxBuffer: 1 << 26,
		});
		if (status !== 0) throw new Error(`${command.join(" ")} failed:\n${stderr}`);
		this.add(what, JSON.parse(stdout) as Spent);
	}

	add(what: string, spent: Spent): void {
		const series = this.#series.get(what);
		if (series) series.push(spent);
		else this.#series.set(what, [spent]);
	}

	has(what: string): boolean {
		return this.#series.has(what);
	}

	/** The median of all runs; NaN where there was none. */
	median(what: string, field: keyof Spent = "wall"): number {
		return median((this.#series.get(what) ?? []).map((spent) => spent[field]));
	}

	toJSON(): object {
		return Object.fromEntries(this.#series);
	}
}
