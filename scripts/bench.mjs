// Runs a benchmark of bench/ in a machine of its own: a network namespace in the role of the host, and a
// mount namespace with its own /run and bpffs, so that it meets no other lab and leaves nothing behind.
// npm run bench:apply -- --sizes 3,100 --rounds 3
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const [name, ...args] = process.argv.slice(2);
const script = `dist/bench/${name}.js`;
await build({
	entryPoints: [`bench/${name}.ts`],
	outfile: script,
	bundle: true,
	platform: "node",
	format: "esm",
	target: "node20",
	external: ["koffi"],
	banner: {
		js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);',
	},
	logLevel: "warning",
});
const setUp = [
	"(umount --quiet --lazy /run/netns || true)",
	"mount -t tmpfs tmpfs /run",
	"mount -t sysfs sysfs /sys",
	"mount -t bpf bpf /sys/fs/bpf",
	"ip link set lo up",
	'exec "$@"',
].join(" && ");
const machine = ["--net", "--mount", "--propagation", "private", "sh", "-c", setUp, "sh"];
const { status, error } = spawnSync("unshare", [...machine, process.execPath, script, ...args], {
	stdio: "inherit",
});
if (error) throw error;
process.exitCode = status ?? 1;
