// Runs test/boot/main.ts, which tries the commands on other kernels: npm run test:kernels -- --quick 6.1
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
await (await load("test/boot/main.ts")).main();

/** A module of the project in TypeScript. */
async function load(source) {
	const folder = mkdtempSync(join(tmpdir(), "xdp-topology-"));
	const outfile = join(folder, "module.mjs");
	const options = { bundle: true, platform: "node", format: "esm", target: "node20", logLevel: "warning" };
	try {
		await build({ ...options, entryPoints: [source], outfile });
		return await import(pathToFileURL(outfile).href);
	} finally {
		rmSync(folder, { recursive: true });
	}
}
