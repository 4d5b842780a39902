import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { ROOT } from "../machine.js";

/** How a command is stopped at one of its calls: USAGE of boundary/main.c has the words. */
export interface Stop {
	what: "changes" | "calls" | "all";
	how: "count" | "kill" | "fail" | "fail-on";
	/** The first is 1. */
	at: number;
	/** Picks the errno. */
	seed?: number;
}

export interface Stopped {
	/** The command's exit status; 137 where SIGKILL ended it. */
	status: number;
	stderr: string;
	/** The calls that counted, in order: `mount /run/netns/uno`. */
	calls: string[];
}

/** The program and the calls that it saw, in a folder of the test file's own. */
let folder: string;

export function useBoundary(): void {
	beforeAll(() => {
		folder = mkdtempSync("/tmp/xdp-topology-");
		const flags = ["-O2", "-Wall", "-Wextra", "-Werror"];
		const sources = ["main", "calls", "netlink"].map((name) => `${ROOT}test/reliability/boundary/${name}.c`);
		execFileSync("clang", [...flags, "-o", join(folder, "boundary"), ...sources]);
	});
	afterAll(() => rmSync(folder, { recursive: true }));
}

/** Runs a built command and stops it at a call. @param output where it prints, if not into what is returned */
export function stopped(
	{ what, how, at, seed = 0 }: Stop,
	command: string,
	args: string[],
	output: number | "pipe" = "pipe",
): Stopped {
	const log = join(folder, "calls");
	const built = [process.execPath, `${ROOT}dist/bin/xdp-${command}.js`, ...args];
	const run = spawnSync(join(folder, "boundary"), [log, what, how, String(at), String(seed), ...built], {
		encoding: "utf8",
		stdio: ["ignore", output, output],
		timeout: 60_000,
		env: { ...process.env, NO_COLOR: "1" },
	});
	if (run.status === null || run.status === 125) throw new Error(`boundary: ${run.error ?? run.stderr}`);
	const calls = readFileSync(log, "utf8").split("\n").slice(0, -1);
	return { status: run.status, stderr: run.stderr, calls };
}
