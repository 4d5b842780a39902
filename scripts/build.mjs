// The whole build: the schema's types and validator, the programs, the bundled commands and library,
// and the library's types.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { pruneDeclarations } from "./declarations.mjs";
import { notices } from "./notices.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const dependencies = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).dependencies);
const run = (command, args) => execFileSync(command, args, { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
run(process.execPath, ["scripts/generate-topology.mjs"]);
compilePrograms();
copyFonts();
await bundle();
run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
pruneDeclarations("dist/lib/index.d.ts");

/** bpf/*.bpf.c to dist/bpf/*.bpf.o: BTF is kept, the rest of the debugging sections is not. */
function compilePrograms() {
	mkdirSync("dist/bpf", { recursive: true });
	const arch = { x64: "x86_64", arm64: "aarch64", riscv64: "riscv64" }[process.arch] ?? process.arch;
	for (const source of readdirSync("bpf").filter((name) => name.endsWith(".bpf.c"))) {
		const object = `dist/bpf/${source.replace(/\.c$/, ".o")}`;
		const target = ["-target", "bpf", "-mcpu=v3", "-Ibpf/include", `-I/usr/include/${arch}-linux-gnu`];
		// BTF has the paths of the sources: relative, so that two folders build the same object.
		const flags = ["-O2", "-g", "-fdebug-compilation-dir=.", "-Wall", "-Wextra", "-Werror", ...target];
		run("clang", [...flags, "-c", `bpf/${source}`, "-o", object]);
		run("llvm-strip", ["-g", object]);
	}
}

/** What a PNG is written with: a machine may have no fonts. */
function copyFonts() {
	mkdirSync("dist/fonts");
	for (const name of ["ttf/DejaVuSansMono.ttf", "ttf/DejaVuSansMono-Bold.ttf", "LICENSE"])
		copyFileSync(`node_modules/dejavu-fonts-ttf/${name}`, `dist/fonts/${name.replace("ttf/", "")}`);
}

/** Of all that decides what a topology comes to: another build may make another lab of the same file. */
function digestOfSources() {
	const hash = createHash("sha256");
	for (const folder of ["dist/bpf", "lib"])
		for (const name of readdirSync(folder, { recursive: true }).sort())
			if (/\.(?:o|ts|js)$/.test(name)) hash.update(name).update(readFileSync(`${folder}/${name}`));
	return hash.digest("hex").slice(0, 16);
}

/**
 * The commands, what they share in chunks, and the library. What a user's `npm audit` and `npm update` should see
 * stays outside, as do native code and WebAssembly. The commands alone bundle what every start loads: read from
 * one file, yaml takes a fifth off the time of `xdp-validate`.
 */
async function bundle() {
	const outside = ["koffi", "@resvg/resvg-js", "@viz-js/viz", "execa", "listr2"];
	const commands = readdirSync("lib/cli/bin").map((name) => `lib/cli/bin/${name}`);
	const common = {
		bundle: true,
		splitting: true,
		chunkNames: "chunks/[name]-[hash]",
		outdir: "dist",
		platform: "node",
		format: "esm",
		target: "node20",
		define: { BUILD: JSON.stringify(digestOfSources()) },
		external: outside,
		// Half the bytes are parsed in less time, at every start. Names stay for who reads a stack, and lines are
		// short, as Node.js prints the one that an uncaught error comes from.
		minifyWhitespace: true,
		minifySyntax: true,
		lineLimit: 120,
		legalComments: "none",
		metafile: true,
		logLevel: "warning",
		// Some of what is bundled is CommonJS and calls require() for Node's own modules.
		banner: {
			js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);',
		},
	};
	const entries = [
		...commands.map((path) => [path.replace(/^lib\/cli\/(.*)\.ts$/, "$1"), path]),
		["verify/peer", "lib/verify/peer.ts"],
	];
	// The more entries there are, the more chunks each is cut into, and a file more costs Node.js a
	// millisecond: what is run most often has its own.
	const often = ([name]) => name === "bin/xdp-apply";
	const metafiles = [];
	for (const some of [entries.filter(often), entries.filter((entry) => !often(entry))])
		metafiles.push((await build({ ...common, entryPoints: Object.fromEntries(some) })).metafile);
	const library = { entryPoints: { "lib/index": "lib/index.ts" }, external: dependencies };
	metafiles.push((await build({ ...common, ...library })).metafile);
	// By the names that an installed package gives them, for the PATH of a checkout: shell/activate.
	mkdirSync("dist/commands");
	for (const name of readdirSync("dist/bin")) {
		chmodSync(`dist/bin/${name}`, 0o755);
		symlinkSync(`../bin/${name}`, `dist/commands/${name.replace(/\.js$/, "")}`);
	}
	writeFileSync("dist/THIRD-PARTY-NOTICES.txt", notices(metafiles));
}
