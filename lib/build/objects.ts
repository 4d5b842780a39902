import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { ObjectContent } from "../topology/program-objects.js";
import type { ProgramSource } from "../topology/programs.js";
import type { Compiler } from "./compile.js";

/** An object is some kilobytes; a kernel with all its debugging sections is no program. In bytes. */
const MAX_SIZE = 16 * 1024 * 1024;

/**
 * Reads or compiles the objects of programs.
 * @param folder what their paths are relative to
 * @throws UnsupportedError where one has to be compiled and clang is missing
 */
export async function readObjects(
	programs: readonly ProgramSource[],
	folder: string,
): Promise<Map<string, ObjectContent>> {
	const objects = new Map<string, ObjectContent>();
	// Found once, and its libraries loaded only where there is something to compile.
	let compiler: Compiler | undefined;
	for (const { name, origin } of programs) {
		if ("object" in origin) {
			objects.set(name, readObject(resolve(folder, origin.object)));
			continue;
		}
		const source = resolve(folder, origin.source);
		const problem = sourceProblem(source);
		if (problem !== undefined) {
			objects.set(name, problem);
			continue;
		}
		const include = origin.include.map((one) => resolve(folder, one));
		const missing = include.findIndex((one) => !isFolder(one));
		if (missing !== -1) {
			objects.set(name, { problem: "this is no folder", include: missing });
			continue;
		}
		compiler ??= await (await import("./compile.js")).findCompiler();
		objects.set(name, await compiler({ source, include, defines: origin.defines }));
	}
	return objects;
}

function readObject(path: string): ObjectContent {
	const problem = problemOf(path);
	if (problem !== undefined) return { problem };
	try {
		return { path, bytes: readFileSync(path) };
	} catch (error) {
		return { problem: reason(error) };
	}
}

/** Why a path is that of no file that can be read. */
function problemOf(path: string): string | undefined {
	try {
		const stat = statSync(path);
		if (!stat.isFile()) return stat.isDirectory() ? "this is a directory" : "this is no regular file";
		return stat.size > MAX_SIZE ? `${stat.size} bytes are too many for a program` : undefined;
	} catch (error) {
		return reason(error);
	}
}

/** Why a path is that of no source; clang would print pages about a binary file. */
function sourceProblem(path: string): { problem: string; hint?: string } | undefined {
	const problem = problemOf(path);
	if (problem !== undefined) return { problem };
	try {
		const content = readFileSync(path);
		if (content.toString("latin1", 0, 4) === "\x7fELF")
			return { problem: "this is an ELF object, and no C source", hint: "name it by `object`" };
		return content.includes(0) ? { problem: "this is a binary file, and no C source" } : undefined;
	} catch (error) {
		return { problem: reason(error) };
	}
}

function isFolder(path: string): boolean {
	try {
		return statSync(path).isDirectory();
	} catch {
		return false;
	}
}

function reason(error: unknown): string {
	const { code } = error as NodeJS.ErrnoException;
	const known: Partial<Record<string, string>> = { ENOENT: "no such file", EACCES: "permission denied" };
	return known[code ?? ""] ?? `cannot be read: ${code}`;
}
