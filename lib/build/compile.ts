import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UnsupportedError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import { CompileCache, type Kept } from "./cache.js";
import { clang, clangVersion } from "./clang.js";

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
	/** Why it is not compiled, and what clang says of it. */
	| { problem: string; detail?: string };

/**
 * Compiles a BPF program, or takes the object of an earlier time, where the source, every header that
 * it included, what clang was told and clang itself are the same.
 */
export type Compiler = (request: CompileRequest) => Promise<Compiled>;

/** @throws UnsupportedError where there is no clang */
export async function findCompiler(): Promise<Compiler> {
	const version = await clangVersion();
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
		...hostFlags(process.arch),
		...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
		...include.map((folder) => `-I${folder}`),
		// Behind the user's folders: `#include <xdp-topology/parse.h>`.
		"-isystem",
		fileURLToPath(new URL("bpf/include", packageRoot())),
		// A crash of clang's would leave files in the folder for temporary files.
		"-fno-crash-diagnostics",
	];
}

interface Host {
	/** The part of Debian's multiarch folder: /usr/include/x86_64-linux-gnu. */
	folder: string;
	/** Macros by which the C library's headers know the architecture, and that it has 64 bits. */
	macros: string[];
}

const HOSTS: Partial<Record<NodeJS.Architecture, Host>> = {
	x64: { folder: "x86_64", macros: ["__x86_64__"] },
	arm64: { folder: "aarch64", macros: ["__aarch64__"] },
	riscv64: { folder: "riscv64", macros: ["__riscv", "__riscv_xlen=64", "__riscv_float_abi_double"] },
	ppc64: { folder: "powerpc64le", macros: ["__powerpc64__", "_CALL_ELF=2"] },
	s390x: { folder: "s390x", macros: ["__s390x__"] },
};

/**
 * What clang does by itself for a program of the host, but not for `-target bpf`: the folder of headers by
 * architecture, and the macros that these headers ask for. Without them <gnu/stubs.h> includes
 * <gnu/stubs-32.h>, which is not there, and `__BITS_PER_LONG` of <asm/bitsperlong.h> is 32.
 */
export function hostFlags(arch: NodeJS.Architecture): string[] {
	const host = HOSTS[arch];
	if (!host) return [];
	const folder = `/usr/include/${host.folder}-linux-gnu`;
	return [...host.macros.map((macro) => `-D${macro}`), ...(existsSync(folder) ? ["-idirafter", folder] : [])];
}

/** What clang(1) takes from the environment: more folders of headers. */
function environment(): string[] {
	return ["CPATH", "C_INCLUDE_PATH"].map((name) => process.env[name] ?? "");
}

async function run(source: string, args: readonly string[], cache: CompileCache): Promise<Compiled> {
	const folder = temporaryFolder();
	try {
		const [object, listing] = [join(folder, "object.o"), join(folder, "object.d")];
		// The rule's target has no part of a path that could look like the end of it.
		const rule = ["-MD", "-MT", "object", "-MF", listing];
		const since = Date.now();
		const outcome = await clang([...args, ...rule, "-c", source, "-o", object]);
		if ("problem" in outcome) return outcome;
		// The source itself whatever the rule calls it: clang writes a slash for a backslash.
		const files = [source, ...dependencies(readFileSync(listing, "utf8"))];
		return cache.keep(readFileSync(object), outcome.warnings, files, since);
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
