import { execa } from "execa";
import { UnsupportedError } from "../errors.js";
import { abridge } from "./diagnostics.js";

interface Limits {
	/** A program of thousands of lines takes less than one. */
	seconds: number;
	/** Address space in MiB. */
	memory: number;
}

const LIMITS: Limits = { seconds: 60, memory: 4096 };
/** Characters of diagnostics that are read. */
const MAX_OUTPUT = 16 * 1024 * 1024;

export type Outcome =
	| { warnings: string }
	/** Why there is no object, and what clang says of it. */
	| { problem: string; detail?: string };

const OPTIONS = {
	reject: false,
	stdin: "ignore",
	// The folder is written into the object, which would be a different object in each.
	cwd: "/",
	env: { LC_ALL: "C" },
	maxBuffer: MAX_OUTPUT,
} as const;

/** What `clang --version` prints. @throws UnsupportedError where there is no clang */
export async function clangVersion(): Promise<string> {
	const { stdout, exitCode, stderr, shortMessage, code } = await execa("clang", ["--version"], OPTIONS);
	if (code === "ENOENT")
		throw new UnsupportedError(
			"clang is missing, which compiles a `source`: apt-get install clang (or give a compiled `object`)",
		);
	if (exitCode !== 0) throw new UnsupportedError(`clang does not run: ${stderr || shortMessage}`);
	return stdout;
}

/**
 * Runs clang with limits of time and memory, since a source can make it run for ever. The shell sets the limit
 * and interprets no argument.
 */
export async function clang(args: readonly string[], limits = LIMITS): Promise<Outcome> {
	const limit = `ulimit -S -v ${limits.memory * 1024} 2>/dev/null; exec clang "$@"`;
	const options = { ...OPTIONS, timeout: 1000 * limits.seconds };
	const result = await execa("sh", ["-c", limit, "sh", ...args], options);
	if (result.exitCode === 0) return { warnings: abridge(result.stderr) };
	const limited = limitOf(result, limits);
	if (limited !== undefined) return { problem: limited };
	const problem = result.signal ? `clang was ended by ${result.signal}` : "clang cannot compile this";
	const detail = abridge(result.stderr);
	return { problem, ...(detail && { detail }) };
}

/** Which limit clang has met, if it has. */
function limitOf(
	{ timedOut, isMaxBuffer, stderr }: { timedOut: boolean; isMaxBuffer: boolean; stderr: string },
	{ seconds, memory }: Limits,
): string | undefined {
	if (timedOut) return `clang has not finished compiling this within ${seconds} s`;
	if (isMaxBuffer) return "clang does not stop reporting mistakes in this";
	if (/LLVM ERROR: out of memory|std::bad_alloc/.test(stderr))
		return `clang needs more than ${memory} MiB of memory to compile this`;
	return undefined;
}
