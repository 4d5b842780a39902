import {
	chmodSync,
	chownSync,
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Machine, NOBODY, type Output, ROOT } from "../machine.js";

/** A program with a header of its own, which has another. */
const SOURCE = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "limit.h"
#ifndef EXTRA
#define EXTRA 0
#endif
const volatile __u32 limit = LIMIT + EXTRA;
SEC("xdp") int filter(struct xdp_md *ctx) { return ctx->data_end - ctx->data > limit ? XDP_DROP : XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`;

let machine: Machine;
/** What a test may change as it likes; anybody may read it. */
let folder: string;

beforeAll(async () => {
	machine = await Machine.start();
	await machine.run("mount", ["-t", "tmpfs", "tmpfs", "/var/cache"]);
	await machine.run("mount", ["-t", "tmpfs", "tmpfs", "/srv"]);
	// What is mounted in the machine is seen from here through the process that keeps it.
	folder = `/proc/${machine.pid}/root/srv/lab`;
});
afterAll(() => machine?.stop());

beforeEach(async () => {
	await machine.run("sh", [
		"-c",
		"rm -rf /var/cache/* /srv/*; mkdir -p /srv/lab/bin /srv/lab/common; mkdir -m 1777 /srv/tmp",
	]);
	write("lab.yaml", lab("source: filter.bpf.c"));
	write("filter.bpf.c", SOURCE);
	write("limit.h", '#include "base.h"\n#define LIMIT BASE + 1\n');
	write("base.h", "#define BASE 100\n");
	useCompiler("/usr/bin/clang");
});

function write(path: string, content: string): void {
	mkdirSync(dirname(join(folder, path)), { recursive: true });
	writeFileSync(join(folder, path), content);
}

const lab = (program: string) => `name: own
namespaces: { uno: }
programs:
  filter: { ${program} }
veths:
  - host:uno: { xdp: filter }
    uno:veth0:
`;

/** A clang(1) that counts how often it compiles, and says of itself what `version` says. */
function useCompiler(clang: string, version = ""): void {
	write(
		"bin/clang",
		`#!/bin/sh
case "$*" in *--version) echo "${version}" ;; *) echo >>/srv/lab/runs ;; esac
exec ${clang} "$@"
`,
	);
	chmodSync(join(folder, "bin/clang"), 0o755);
	write("runs", "");
	chmodSync(join(folder, "runs"), 0o666);
}

const compilations = () => readFileSync(join(folder, "runs"), "utf8").length;

interface Way {
	/** `NAME=value`. */
	env?: string[];
	without?: string[];
	user?: boolean;
	/** The working directory, and the file from there. */
	in?: string;
	file?: string;
	input?: string;
	json?: boolean;
}

function validate({
	env = [],
	without = [],
	user = false,
	in: where = "/srv/lab",
	file = "lab.yaml",
	input,
	json,
}: Way = {}): Promise<Output> {
	const command = [process.execPath, `${ROOT}dist/bin/xdp-validate.js`, ...(json ? ["--json"] : []), file];
	const variables = ["PATH=/srv/lab/bin:/usr/bin:/bin", "TMPDIR=/srv/tmp", ...env];
	const unset = without.map((name) => `--unset=${name}`);
	const as = user ? ["setpriv", ...NOBODY] : [];
	return machine.run(
		"env",
		["-C", where, ...unset, ...variables, ...as, ...command],
		input === undefined ? {} : { input },
	);
}

const OK = { exitCode: 0, stdout: "lab.yaml: ok (own: 2 namespaces, 1 veth)", stderr: "" };

/** It compiles on the first look, not on the second. */
async function expectKept(way: Way = {}): Promise<void> {
	expect(await validate(way)).toEqual(OK);
	expect(compilations()).toBe(1);
	expect(await validate(way)).toEqual(OK);
	expect(compilations()).toBe(1);
}

describe("a source is compiled again only when it has to be", () => {
	beforeEach(() => expectKept());

	test("not where its files are only written again", async () => {
		write("filter.bpf.c", SOURCE);
		utimesSync(join(folder, "base.h"), new Date(), new Date());
		expect(await validate()).toEqual(OK);
		expect(compilations()).toBe(1);
	});

	test("nor in another working directory", async () => {
		expect(await validate({ in: "/", file: "srv/lab/lab.yaml" })).toMatchObject({ exitCode: 0 });
		expect(compilations()).toBe(1);
	});

	test.each<[title: string, change: () => void]>([
		["the source", () => write("filter.bpf.c", `// another\n${SOURCE}`)],
		["a header", () => write("limit.h", "#define LIMIT 5\n")],
		["a header of a header", () => write("base.h", "#define BASE 5\n")],
		["a macro", () => write("lab.yaml", lab("source: filter.bpf.c, defines: { EXTRA: 5 }"))],
		["a folder of headers", () => write("lab.yaml", lab("source: filter.bpf.c, include: [common]"))],
		[
			"the compiler",
			() => {
				useCompiler("/usr/bin/clang", "another");
				write("runs", "\n");
			},
		],
	])("where %s has changed", async (_, change) => {
		change();
		expect(await validate()).toEqual(OK);
		expect(compilations()).toBe(2);
		expect(await validate()).toEqual(OK);
		expect(compilations()).toBe(2);
	});

	test("where the environment names other headers", async () => {
		expect(await validate({ env: ["C_INCLUDE_PATH=/srv/lab/common"] })).toEqual(OK);
		expect(compilations()).toBe(2);
	});
});

test("a header that is found first from now on is the one that counts", async () => {
	mkdirSync(join(folder, "first"));
	write("second/base.h", "#define BASE 1\n");
	rmSync(join(folder, "base.h"));
	write("lab.yaml", lab("source: filter.bpf.c, include: [first, second]"));
	await expectKept();
	write("first/base.h", "#error found\n");
	expect(await validate()).toMatchObject({ exitCode: 64, stderr: expect.stringContaining("error: found") });
});

test("two at once do not disturb each other", async () => {
	const all = await Promise.all(Array.from({ length: 4 }, () => validate()));
	expect(all).toEqual([OK, OK, OK, OK]);
	expect(await validate()).toEqual(OK);
});

describe("what is kept is not believed", () => {
	const cache = () => join(folder, "../../var/cache/xdp-topology");
	const entries = (end: string) =>
		readdirSync(cache())
			.filter((name) => name.endsWith(end))
			.map((name) => join(cache(), name));

	test.each<[title: string, change: () => void]>([
		["where the object is cut off", () => entries(".o").map((path) => truncateSync(path, 100))],
		["where the object is gone", () => entries(".o").map((path) => rmSync(path))],
		[
			"where the object is another one",
			() => entries(".o").map((path) => cpSync(`${ROOT}dist/bpf/drop.bpf.o`, path)),
		],
		["where the record is cut off", () => entries(".json").map((path) => truncateSync(path, 10))],
		[
			"where the record is something else",
			() => entries(".json").map((path) => writeFileSync(path, "[null]")),
		],
		["where others could have written it", () => chmodSync(cache(), 0o777)],
		["where somebody else has made it", () => chownSync(cache(), 65534, 65534)],
	])("%s", async (_, change) => {
		await expectKept();
		change();
		expect(await validate()).toEqual(OK);
		expect(compilations()).toBe(2);
	});
});

describe("a folder to keep it in", () => {
	test("of a user without root is the one that XDG_CACHE_HOME names", async () => {
		mkdirSync(join(folder, "cache"));
		chownSync(join(folder, "cache"), 65534, 65534);
		await expectKept({ user: true, env: ["XDG_CACHE_HOME=/srv/lab/cache"] });
		expect(readdirSync(join(folder, "cache"))).toEqual(["xdp-topology"]);
	});

	test("or lies in the home", async () => {
		mkdirSync(join(folder, "home"));
		chownSync(join(folder, "home"), 65534, 65534);
		await expectKept({ user: true, without: ["XDG_CACHE_HOME"], env: ["HOME=/srv/lab/home"] });
		expect(existsSync(join(folder, "home/.cache/xdp-topology"))).toBe(true);
	});

	test.each<[title: string, way: Way]>([
		["has no home", { user: true, without: ["HOME", "XDG_CACHE_HOME"] }],
		["has one that is not there", { user: true, without: ["XDG_CACHE_HOME"], env: ["HOME=/nonexistent"] }],
		["names one that cannot be written", { user: true, env: ["XDG_CACHE_HOME=/proc"] }],
		["names one by a relative path", { user: true, env: ["XDG_CACHE_HOME=cache", "HOME=/nonexistent"] }],
	])("is a temporary one where the user %s", async (_, way) => {
		await expectKept(way);
		expect(readdirSync(join(folder, "../tmp"))).toContain("xdp-topology-65534");
	});

	test("is a temporary one where root's is read-only", async () => {
		await machine.run("mount", ["-o", "remount,ro", "/var/cache"]);
		try {
			await expectKept();
		} finally {
			await machine.run("mount", ["-o", "remount,rw", "/var/cache"]);
		}
	});

	test("is nobody else's: without any, it says so", async () => {
		mkdirSync(join(folder, "../tmp/xdp-topology-65534"), { mode: 0o777 });
		expect(await validate({ user: true, env: ["XDG_CACHE_HOME=/proc"] })).toMatchObject({
			exitCode: 77,
			stderr: expect.stringContaining("there is no place to keep compiled programs"),
		});
	});
});

describe("what clang says", () => {
	test("of a mistake stands below the line that names the source", async () => {
		write("filter.bpf.c", SOURCE.replace("ctx->data_end", "ctx->end"));
		const { exitCode, stderr } = await validate();
		expect(exitCode).toBe(64);
		expect(stderr).toContain("lab.yaml:4:21: error: clang cannot compile this\n");
		expect(stderr).toContain(
			"   4 |   filter: { source: filter.bpf.c }\n     |                     ^^^^^^^^^^^^\n",
		);
		expect(stderr).toContain("/filter.bpf.c:8:57: error: no member named 'end' in 'struct xdp_md'\n");
		expect(stderr).toContain("~~~  ^\n");
		expect(stderr).toContain("1 error generated.\n");
	});

	test("as a warning is one, also of what is kept", async () => {
		write("filter.bpf.c", SOURCE.replace("return", "int unused; return"));
		for (const _ of [1, 2]) {
			const { exitCode, stderr } = await validate();
			expect(exitCode).toBe(0);
			expect(stderr).toContain("lab.yaml:4:21: warning: clang has warnings\n");
			expect(stderr).toContain("unused variable 'unused'");
		}
		expect(compilations()).toBe(1);
	});

	test("never moves the cursor", async () => {
		write("limit.h", '#error "\u001b[2J\u009b31m \u202e"\n');
		const { stderr } = await validate();
		expect(stderr).toContain("#error");
		expect(stderr.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
	});

	test("is in the JSON too", async () => {
		write("limit.h", "#error mine\n");
		const [result] = JSON.parse((await validate({ json: true })).stdout);
		expect(result.errors).toMatchObject([
			{
				line: 4,
				column: 21,
				message: "clang cannot compile this",
				detail: expect.stringContaining("error: mine"),
			},
		]);
	});
});

test("without clang it says what to install", async () => {
	const { exitCode, stdout, stderr } = await validate({ env: ["PATH=/srv/lab/common"] });
	expect({ exitCode, stdout }).toEqual({ exitCode: 77, stdout: "" });
	expect(stderr).toContain("apt-get install clang");
});

test("a clang that cannot run is told", async () => {
	write("bin/clang", "#!/bin/sh\necho no disk >&2; exit 3\n");
	expect(await validate()).toMatchObject({ exitCode: 77, stderr: expect.stringContaining("no disk") });
});

test("a clang without BPF is told by what it says", async () => {
	write(
		"bin/clang",
		'#!/bin/sh\ncase "$*" in *--version) exit 0 ;; esac\necho "error: unknown target triple bpf" >&2; exit 1\n',
	);
	expect(await validate()).toMatchObject({
		exitCode: 64,
		stderr: expect.stringContaining("unknown target triple bpf"),
	});
});

test("macros come to what the file says of them", async () => {
	const macros: [yaml: string, condition: string][] = [
		["5", "A == 5"],
		['"(2 + 3) * 2"', "B == 10"],
		["true", "C == 1"],
		["false", "D == 0 && defined(D)"],
		["", "E == 1"],
		["0x10", "F == 16"],
		["4294967296", "G == 4294967296"],
		['""', "H + 0 == 0 && defined(H)"],
		[String.raw`'"a $HOME \"b\" #"'`, "sizeof(I) == 14"],
	];
	const names = "ABCDEFGHI";
	const defines = macros.map(([yaml], i) => `${names[i]}: ${yaml}`).join(", ");
	write("lab.yaml", lab(`source: filter.bpf.c, defines: { ${defines} }`));
	const checks = macros.map(([, condition]) =>
		condition.startsWith("sizeof")
			? `_Static_assert(${condition}, "${condition}");`
			: `#if !(${condition})\n#error ${condition}\n#endif`,
	);
	write("limit.h", `#define LIMIT 1\n${checks.join("\n")}\n`);
	expect(await validate()).toEqual(OK);
});

/** A topology of many programs. */
function labOf(programs: readonly string[]): string {
	const entries = programs.map((program, i) => `  p${i}: { ${program} }\n`).join("");
	const veths = programs.map((_, i) => `  - { host:h${i}: { xdp: p${i} }, uno:u${i}: }\n`).join("");
	return `name: own\nnamespaces: { uno: }\nprograms:\n${entries}veths:\n${veths}`;
}

describe("paths", () => {
	test("hold any character", async () => {
		const awkward = [
			"with space",
			"#hash",
			"$(dollar)",
			"-dash",
			"co:lon",
			"back\\slash",
			"new\nline",
			"quo'te\"s",
		];
		const folders = [...awkward, "ümlaut", "*", "comma,", "per%cent"];
		const headers = (limit: number) => {
			for (const name of folders) write(`${name}/headers/limit.h`, `#define LIMIT ${limit}\n`);
		};
		const programs = folders.map((name) => {
			write(`${name}/filter.bpf.c`, SOURCE);
			const [source, include] = [`${name}/filter.bpf.c`, `${name}/headers`].map((path) =>
				JSON.stringify(path),
			);
			return `source: ${source}, include: [${include}]`;
		});
		headers(1);
		write("lab.yaml", labOf(programs));
		expect(await validate()).toMatchObject({ exitCode: 0, stderr: "" });
		expect(compilations()).toBe(folders.length);
		headers(2);
		expect(await validate()).toMatchObject({ exitCode: 0, stderr: "" });
		expect(compilations()).toBe(2 * folders.length);
		expect(await validate()).toMatchObject({ exitCode: 0, stderr: "" });
		// A line's end and a backslash are lost in what clang says that it has read: those two are not kept.
		expect(compilations()).toBe(2 * folders.length + 2);
	});

	test("are relative to the topology, not to the working directory", async () => {
		write("lab.yaml", lab("source: ./filter.bpf.c, include: [common]"));
		expect(await validate({ in: "/", file: "/srv/lab/lab.yaml" })).toMatchObject({ exitCode: 0, stderr: "" });
	});

	test("of a topology on standard input are relative to the working directory", async () => {
		const input = lab("source: filter.bpf.c");
		expect(await validate({ file: "-", input })).toMatchObject({ exitCode: 0, stderr: "" });
		expect(await validate({ in: "/", file: "-", input })).toMatchObject({
			exitCode: 64,
			stderr: expect.stringContaining("(standard input):4:21: error: no such file"),
		});
	});

	test("of a source may have any end", async () => {
		const names = ["filter", "filter.h", "filter.o"];
		for (const name of names) write(name, SOURCE);
		write("lab.yaml", labOf(names.map((name) => `source: ${name}`)));
		expect(await validate()).toMatchObject({ exitCode: 0, stderr: "" });
	});

	test("that lead to nothing of use are told, each at its place", async () => {
		await machine.run("sh", ["-c", "cd /srv/lab && mkfifo fifo && truncate -s 1T huge && ln -s loop loop"]);
		const wrong: [program: string, said: string][] = [
			["source: «nix.c»", "no such file"],
			["source: «common»", "this is a directory"],
			["source: «/dev/zero»", "this is no regular file"],
			["source: «fifo»", "this is no regular file"],
			["source: «loop»", "cannot be read: ELOOP"],
			["source: filter.bpf.c, include: [common, «nix»]", "this is no folder"],
			["source: filter.bpf.c, include: [«limit.h»]", "this is no folder"],
			["object: «nix.o»", "no such file"],
			["object: «common»", "this is a directory"],
			["object: «fifo»", "this is no regular file"],
			['object: «"a\\0b"»', "cannot be read: ERR_INVALID_ARG_VALUE"],
			["object: «huge»", "1099511627776 bytes are too many for a program"],
			["object: «runs»", "the object is empty"],
			["object: «limit.h»", "this is a text, and no ELF object"],
		];
		write("lab.yaml", labOf(wrong.map(([program]) => program.replaceAll(/[«»]/g, ""))));
		const { exitCode, stdout } = await validate({ json: true });
		expect(exitCode).toBe(64);
		expect(JSON.parse(stdout)[0].errors).toMatchObject(
			wrong.map(([program, message], i) => ({
				line: 4 + i,
				column: `  p${i}: { `.length + program.indexOf("«") + 1,
				length: program.indexOf("»") - program.indexOf("«") - 1,
				message,
			})),
		);
	});
});
