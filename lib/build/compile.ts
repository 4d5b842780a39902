import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { UnsupportedError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import { CompileCache, type Kept } from "./cache.js";

export interface CompileRequest {
	/** Absolute. */
	source: string;
	/** Absolute folders of headers. */
	include: readonly string[];
	/** Macros. */
	defines: Readonly<Record<string, string>>;
}

export type Compiled =
	| Kept
	/** What the compiler says. */
	| { failure: string };

/**
 * Compiles a BPF program, or takes the object of an earlier time, where the source, every header that
 * it included, what clang was told and clang itself are the same.
 */
export type Compiler = (request: CompileRequest) => Promise<Compiled>;

/** @throws UnsupportedError where there is no clang */
export async function findCompiler(): Promise<Compiler> {
	const version = await compilerVersion();
	return async (request) => {
		const { source, include } = request;
		const args = flags(request);
		const cache = new CompileCache(
			[version, source, ...args, ...environment()],
			[dirname(source), ...include],
		);
		return cache.find() ?? (await run(source, args, cache));
	};
}

/** What BPF needs of clang: optimised, or the verifier refuses it; BTF; the instructions of Linux 5.1. */
function flags({ include, defines }: CompileRequest): string[] {
	return [
		"-target",
		"bpf",
		"-O2",
		"-g",
		"-mcpu=v3",
		"-Wall",
		// Whatever the file is called.
		"-x",
		"c",
		...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
		...include.map((folder) => `-I${folder}`),
		// Behind the user's folders: `#include <xdp-topology/parse.h>`.
		"-isystem",
		fileURLToPath(new URL("bpf/include", packageRoot())),
		...archFolders(),
	];
}

/** Debian and others keep <asm/types.h> in a folder by architecture, which clang seeks for its host only. */
function archFolders(): string[] {
	const arch = {
		x64: "x86_64",
		arm64: "aarch64",
		riscv64: "riscv64",
		ppc64: "powerpc64le",
		s390x: "s390x",
	} as Partial<Record<NodeJS.Architecture, string>>;
	const folder = `/usr/include/${arch[process.arch]}-linux-gnu`;
	return existsSync(folder) ? ["-idirafter", folder] : [];
}

/** What clang(1) takes from the environment: more folders of headers. */
function environment(): string[] {
	return ["CPATH", "C_INCLUDE_PATH"].map((name) => process.env[name] ?? "");
}

/**
 * No shell has a part in it: arguments are given as they are. The folder that it runs in is written into
 * the object, which would be another one in each.
 */
async function clang(args: readonly string[]) {
	const options = { reject: false, stdin: "ignore", cwd: "/", env: { LC_ALL: "C" } } as const;
	const result = await execa("clang", args, options);
	if (result.code === "ENOENT")
		throw new UnsupportedError(
			"clang is missing, which compiles a `source`: apt-get install clang (or give a compiled `object`)",
		);
	return result;
}

async function compilerVersion(): Promise<string> {
	const { stdout, exitCode, stderr, shortMessage } = await clang(["--version"]);
	if (exitCode !== 0) throw new UnsupportedError(`clang does not run: ${stderr || shortMessage}`);
	return stdout;
}

async function run(source: string, args: readonly string[], cache: CompileCache): Promise<Compiled> {
	const folder = temporaryFolder();
	try {
		const [object, listing] = [join(folder, "object.o"), join(folder, "object.d")];
		// The rule's target has no part of a path that could look like the end of it.
		const rule = ["-MD", "-MT", "object", "-MF", listing];
		const since = Date.now();
		const { exitCode, stderr, signal } = await clang([...args, ...rule, "-c", source, "-o", object]);
		if (exitCode !== 0) return { failure: stderr || `clang was ended by ${signal}` };
		// The source itself whatever the rule calls it: clang writes a slash for a backslash.
		const files = [source, ...dependencies(readFileSync(listing, "utf8"))];
		return cache.keep(readFileSync(object), stderr, files, since);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function temporaryFolder(): string {
	try {
		return mkdtempSync(join(tmpdir(), "xdp-topology-"));
	} catch (error) {
		throw new UnsupportedError(
			`there is no folder for temporary files (TMPDIR): ${(error as Error).message}`,
		);
	}
}

/** The files that a rule of make(1) names: `object: a.c b\ c.h \`. */
function dependencies(rule: string): string[] {
	const files = rule.slice(rule.indexOf(":") + 1).replaceAll("\\\n", " ");
	return Array.from(files.matchAll(/(?:\\.|[^\s\\])+/g), ([word]) =>
		word.replaceAll("$$", "$").replace(/\\([ #])/g, "$1"),
	);
}
