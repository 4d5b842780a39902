import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import { homedir, constants as system } from "node:os";
import { isAbsolute, join } from "node:path";
import { parseArgs } from "node:util";
import type { Accelerator } from "./machine.js";
import { junitOf, type Run, sumOf, tableOf } from "./report.js";
import { run } from "./run.js";

const KERNELS = ["6.1", "6.12"];

/** Exit status of a machine that lacks something, as the commands have it. */
const MISSING = 77;
const USAGE = 64;

const HELP = `Usage: npm run test:kernels -- [options] [KERNEL...]

Boots Debian's kernels in QEMU (by default ${KERNELS.join(" and ")}) and tries the commands there. Installs nothing:
what it downloads is kept in ${folder()}, or in the folder that
XDP_TOPOLOGY_KERNELS names. Remove the folder, and the next run downloads the newest packages.

  --quick        four topologies, and what the kernel lacks: some minutes
  --test NAME    only this test, such as jumbo or three-routers
  --junit FILE   where the results go, in the format of JUnit (default: kernels.xml in that folder)
  --help         show this

Exit status: 0 passed, 1 failed, 64 wrong command line, 77 the machine lacks something.
`;

/** The folder for downloads: $XDG_CACHE_HOME, which must be absolute, or ~/.cache. */
function folder(): string {
	const [chosen, cache] = [process.env["XDP_TOPOLOGY_KERNELS"], process.env["XDG_CACHE_HOME"] ?? ""];
	return chosen || join(isAbsolute(cache) ? cache : join(homedir(), ".cache"), "xdp-topology/kernels");
}

function readArguments() {
	try {
		const { values, positionals } = parseArgs({
			options: {
				quick: { type: "boolean", default: false },
				test: { type: "string" },
				junit: { type: "string", default: join(folder(), "kernels.xml") },
				help: { type: "boolean", default: false },
			},
			allowPositionals: true,
		});
		const wrong = positionals.find((name) => !/^\d+\.\d+$/.test(name));
		if (values.quick && values.test !== undefined)
			throw new Error("`--quick` and `--test` exclude each other");
		if (wrong !== undefined) throw new Error(`\`${wrong}\` is no kernel; \`6.1\` is one`);
		return { ...values, kernels: positionals.length ? positionals : KERNELS };
	} catch (error) {
		return stop(USAGE, (error as Error).message);
	}
}

function stop(status: number, message: string): never {
	process.stderr.write(`${message}\n`);
	process.exit(status);
}

/** Ends with 77 if something is missing that is not downloaded. */
function requireMachine(): void {
	const { platform, arch } = process;
	if (platform !== "linux" || arch !== "x64")
		stop(
			MISSING,
			`Debian's amd64 kernels are booted on Linux on x86-64 only; this is ${platform} on ${arch}`,
		);
	const tools = ["apt-get", "apt-cache", "dpkg-deb", "tar", "flock", "bpftool", "sysctl", "ping", "clang"];
	// Debian keeps some of them where only root looks.
	const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
	const missing = tools.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`], { env }).status !== 0);
	if (missing.length)
		stop(MISSING, `Missing here: ${missing.join(", ")}. On Debian, \`npm test\` installs what there is.`);
	if (!existsSync("dist/bin/xdp-topology.js"))
		stop(MISSING, "The commands are not built: `npm start` or `npm run build` does that.");
}

/** KVM if this user may use it. It is cheap to try first. */
function accelerators(): Accelerator[] {
	try {
		accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
		return ["kvm", "tcg"];
	} catch {
		return ["tcg"];
	}
}

/** Has download.sh put a kernel and QEMU into the folder. */
function download(kernel: string): void {
	const { status, signal } = spawnSync("bash", ["test/boot/download.sh", folder(), kernel], {
		stdio: "inherit",
	});
	if (signal) process.exit(128 + system.signals[signal]);
	if (status !== 0) stop(status === MISSING ? MISSING : 1, `There is no Linux ${kernel} to boot.`);
}

/** `npm run test:kernels`: sets the exit status. */
export async function main(): Promise<void> {
	const interrupted = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
		process.once(signal, () => interrupted.abort(signal));
	try {
		await testKernels(interrupted.signal);
	} catch (error) {
		const signal = interrupted.signal.reason as NodeJS.Signals | undefined;
		if (signal === undefined) throw error;
		process.exitCode = 128 + system.signals[signal];
	}
}

async function testKernels(signal: AbortSignal): Promise<void> {
	const { quick, test, junit, kernels, help } = readArguments();
	if (help) return void process.stdout.write(HELP);
	requireMachine();
	const runs: Run[] = [];
	for (const kernel of kernels) {
		download(kernel);
		runs.push(
			await run({
				folder: folder(),
				kernel,
				accelerators: accelerators(),
				checkout: process.cwd(),
				guestArguments: quick ? ["--quick"] : test !== undefined ? [test] : [],
				signal,
				tell: (line) => process.stdout.write(`${kernel.padEnd(5)} ${line}\n`),
			}),
		);
	}
	writeFileSync(junit, junitOf(runs));
	const { passed, failed } = sumOf(runs);
	process.stdout.write(`\n${tableOf(runs)}\nJUnit: ${junit}\n${passed} passed, ${failed} failed\n`);
	process.exitCode = failed > 0 ? 1 : 0;
}
