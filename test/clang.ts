import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a BPF program's source begins with. */
const PRELUDE = `
#include <linux/bpf.h>
#include <linux/types.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_helpers.h>
typedef _Bool bool;
#define true 1
#define false 0
char LICENSE[] SEC("license") = "GPL";
`;

/** The smallest program. */
export const PASS = 'SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }';

/** Runs something with a folder of its own. */
function inFolder<T>(work: (folder: string) => T): T {
	const folder = mkdtempSync(join(tmpdir(), "xdp-topology-test-"));
	try {
		return work(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** The object that clang makes of a source, PRELUDE in front. @param flags the last ones win */
export function compile(source: string, flags: readonly string[] = []): Buffer {
	return inFolder((folder) => {
		const object = join(folder, "code.o");
		const args = [
			"-O2",
			"-g",
			"-w",
			"-target",
			"bpf",
			"-mcpu=v3",
			"-idirafter",
			"/usr/include/x86_64-linux-gnu",
			"-x",
			"c",
			"-",
		];
		// From a pipe: an object says what file it was made of, and of one source it is always the same.
		execFileSync("clang", [...args, ...flags, "-c", "-o", object], {
			input: PRELUDE + source,
			stdio: "pipe",
		});
		return readFileSync(object);
	});
}

/** What a tool prints about an object, whose path is put in place of `OBJECT`. */
export function tool(object: Buffer, command: string, ...args: string[]): string {
	return inFolder((folder) => {
		const path = join(folder, "code.o");
		writeFileSync(path, object);
		return execFileSync(
			command,
			args.map((arg) => arg.replace("OBJECT", path)),
			{ encoding: "utf8" },
		);
	});
}

/** The object as `bpftool gen object` links it: what a library of several sources comes as. */
export function link(object: Buffer): Buffer {
	return linkAll([object]);
}

/** Several objects as one. */
export function linkAll(objects: readonly Buffer[]): Buffer {
	return inFolder((folder) => {
		const paths = objects.map((object, i) => {
			const path = join(folder, `code${i}.o`);
			writeFileSync(path, object);
			return path;
		});
		const linked = join(folder, "linked.o");
		execFileSync("bpftool", ["gen", "object", linked, ...paths]);
		return readFileSync(linked);
	});
}

/** The bytes of a section, as llvm-objcopy(1) has them. */
export function sectionOf(object: Buffer, section: string): Buffer {
	return inFolder((folder) => {
		const [path, content] = [join(folder, "code.o"), join(folder, "content")];
		writeFileSync(path, object);
		execFileSync("llvm-objcopy", [`--dump-section=${section}=${content}`, path, "/dev/null"]);
		return readFileSync(content);
	});
}

/** What the compiler has initialised a global variable with: readelf(1) knows where that is. */
export function initialBytes(object: Buffer, variables: readonly string[]): Map<string, Buffer> {
	const symbols = tool(object, "readelf", "-sW", "OBJECT")
		.split("\n")
		.map((line) => line.trim().split(/\s+/));
	const sections = tool(object, "readelf", "-SW", "OBJECT");
	const contents = new Map<string, Buffer>();
	return new Map(
		variables.map((variable) => {
			const [, value = "", size, , , , index] = symbols.find((columns) => columns[7] === variable) ?? [];
			const name = new RegExp(`\\[ *${index}\\] (\\S+)`).exec(sections)?.[1] ?? "";
			// Zeros, that the file does not hold.
			if (name === ".bss") return [variable, Buffer.alloc(Number(size))];
			const content = contents.get(name) ?? sectionOf(object, name);
			contents.set(name, content);
			const at = Number.parseInt(value, 16);
			return [variable, content.subarray(at, at + Number(size))];
		}),
	);
}
