// Runs test/boot/main.ts: the commands on other kernels. npm run test:kernels -- --quick 6.1
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const outfile = "node_modules/.cache/xdp-topology/test-kernels.mjs";
await build({
	entryPoints: ["test/boot/main.ts"],
	outfile,
	bundle: true,
	platform: "node",
	format: "esm",
	target: "node20",
	logLevel: "warning",
});
await import(`../${outfile}`);
