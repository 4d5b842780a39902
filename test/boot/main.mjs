// `npm run test:kernels -- [--quick] [--junit FILE] [KERNEL…]`: boots Debian's kernels in QEMU and tries there what
// guest.sh says. Ends with the sum on a line of its own; exit status 1 if a step failed, 77 if this machine lacks
// what it takes.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import { homedir, constants as systemConstants } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { junitOf, sumOf, tableOf } from "./report.mjs";
import { run } from "./run.mjs";

const KERNELS = ["6.1", "6.12"];
const HERE = fileURLToPath(new URL(".", import.meta.url));
const CHECKOUT = join(HERE, "../..");
const MISSING = 77;

const HELP = `Usage: npm run test:kernels -- [options] [KERNEL...]

Boots Debian's kernels (by default ${KERNELS.join(" and ")}) in QEMU and tries the commands there. Installs nothing: what it
downloads is in ${folder()} (XDP_TOPOLOGY_KERNELS names another folder).
Removing that folder makes room, and has the newest kernels downloaded by the next run.

  --quick        a part that takes some minutes: four topologies, and what a kernel lacks
  --junit FILE   where to write the results (default: kernels.xml in the folder)
  --help
`;

function folder() {
	const given = process.env["XDP_TOPOLOGY_KERNELS"] ?? "";
	const cache = process.env["XDG_CACHE_HOME"] ?? "";
	if (given !== "") return given;
	return join(isAbsolute(cache) ? cache : join(homedir(), ".cache"), "xdp-topology/kernels");
}

function readArguments() {
	const options = {
		quick: { type: "boolean", default: false },
		junit: { type: "string", default: join(folder(), "kernels.xml") },
		help: { type: "boolean", default: false },
	};
	try {
		const { values, positionals } = parseArgs({ options, allowPositionals: true });
		const wrong = positionals.find((name) => !/^\d+\.\d+$/.test(name));
		if (wrong !== undefined) throw new Error(`${wrong} is no kernel: 6.1, for example, is one`);
		return { ...values, kernels: positionals.length ? positionals : KERNELS };
	} catch ({ message }) {
		stop(64, message);
	}
}

function stop(status, message) {
	process.stderr.write(`${message}\n`);
	process.exit(status);
}

/** What cannot be downloaded. */
function requireMachine() {
	if (process.platform !== "linux" || process.arch !== "x64")
		stop(
			MISSING,
			`Debian's amd64 kernels take Linux on x86-64; this is ${process.platform} on ${process.arch}`,
		);
	const missing = ["apt-get", "apt-cache", "dpkg-deb", "flock"].filter(
		(name) => spawnSync("which", [name]).status !== 0,
	);
	if (missing.length)
		stop(MISSING, `${missing.join(", ")} missing: kernels and QEMU come from Debian's packages`);
	if (!existsSync(join(CHECKOUT, "dist/bin/xdp-topology.js")))
		stop(MISSING, "the commands are not built: run `npm start` or `npm run build` first");
}

/** KVM where this user may use it; a kernel that does not boot by it is booted by emulation. */
function accelerators() {
	try {
		accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
		return ["kvm", "tcg"];
	} catch {
		return ["tcg"];
	}
}

async function main() {
	const { quick, junit, kernels, help } = readArguments();
	if (help) return void process.stdout.write(HELP);
	requireMachine();
	const interrupted = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => interrupted.abort(signal));
	const runs = [];
	for (const kernel of kernels) {
		const { status, signal } = spawnSync(join(HERE, "download.sh"), [folder(), kernel], { stdio: "inherit" });
		if (signal) process.exit(128 + systemConstants.signals[signal]);
		if (status !== 0) stop(status === MISSING ? MISSING : 1, `Linux ${kernel} cannot be had`);
		const options = {
			folder: folder(),
			kernel,
			accelerators: accelerators(),
			checkout: CHECKOUT,
			guestArguments: quick ? ["--quick"] : [],
			signal: interrupted.signal,
		};
		const tell = (line) => process.stdout.write(`${kernel.padEnd(5)} ${line}\n`);
		runs.push(await run(options, tell));
	}
	writeFileSync(junit, junitOf(runs));
	const { passed, failed } = sumOf(runs);
	process.stdout.write(`\n${tableOf(runs)}\nJUnit: ${junit}\n${passed} passed, ${failed} failed\n`);
	process.exitCode = failed > 0 ? 1 : 0;
}

main().catch((error) => {
	if (error.name !== "AbortError") throw error;
	process.exitCode = 128 + systemConstants.signals[error.cause];
});
