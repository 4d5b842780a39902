import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The project's folder. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * What setpriv(1) takes to run a command as a user without any rights but that to read the project,
 * which may lie in a folder that is root's alone.
 */
export const NOBODY: readonly string[] = [
	"--reuid=65534",
	"--regid=65534",
	"--clear-groups",
	"--inh-caps=+dac_read_search",
	"--ambient-caps=+dac_read_search",
];

export interface Output {
	/** Undefined where a signal or the timeout ended it. */
	exitCode: number | undefined;
	stdout: string;
	stderr: string;
}

export interface RunOptions {
	/** Standard input. */
	input?: string;
	/** Milliseconds; the default is long enough for a slow machine. */
	timeout?: number;
}

/** A process that runs beside the test, such as a server. */
export interface Background {
	/** Settles when the process has ended, by itself or by `stop`. */
	readonly ended: Promise<Output>;
	/** Waits until it prints something that matches, from now on. */
	next(pattern: RegExp): Promise<void>;
	write(text: string): void;
	/** Closes its standard input. */
	closeInput(): void;
	stop(): Promise<Output>;
}

/**
 * A machine of a test's own: a network namespace in the role of `host`, and a mount namespace with a
 * /run of its own, so that namespaces may have any name and tests run side by side. When the test
 * process ends, however it does, so does the machine with all that is in it.
 */
export class Machine {
	readonly pid: number;
	readonly #keeper: ChildProcess;

	private constructor(keeper: ChildProcess, pid: number) {
		this.#keeper = keeper;
		this.pid = pid;
	}

	static async start(): Promise<Machine> {
		const setUp = [
			// The real machine's, which would hide below and still be listed among the mounts.
			"(umount --quiet --lazy /run/netns || true)",
			"mount -t tmpfs tmpfs /run",
			"mount -t sysfs sysfs /sys",
			"mount -t bpf bpf /sys/fs/bpf",
			"ip link set lo up",
			"echo ready",
			// Ends when the pipe does: with the test process.
			"exec cat",
		].join(" && ");
		const keeper = spawn("unshare", ["--net", "--mount", "--propagation", "private", "sh", "-c", setUp], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		await once(keeper.stdout as NodeJS.ReadableStream, "data");
		return new Machine(keeper, keeper.pid as number);
	}

	/** What nsenter(1) takes to start something in the machine, in the project's folder. */
	get enter(): string[] {
		return ["-t", String(this.pid), "-n", "-m", `--wd=${ROOT}`];
	}

	/** Runs a command in the machine, in the project's folder. Never rejects: see the exit code. */
	async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Output> {
		const { exitCode, stdout, stderr } = await execa("nsenter", [...this.enter, command, ...args], {
			reject: false,
			timeout: options.timeout ?? 60_000,
			...(options.input === undefined ? {} : { input: options.input }),
			env: { NO_COLOR: "1" },
		});
		return { exitCode, stdout, stderr };
	}

	/** Runs a command in one of the machine's namespaces; `host` is the machine itself. */
	in(
		namespace: string,
		command: string,
		args: readonly string[] = [],
		options: RunOptions = {},
	): Promise<Output> {
		return namespace === "host"
			? this.run(command, args, options)
			: this.run("nsenter", [`--net=/run/netns/${namespace}`, command, ...args], options);
	}

	/** Starts a command in a namespace, and waits until what it prints matches. */
	async start(
		namespace: string,
		command: string,
		args: readonly string[],
		ready: RegExp,
	): Promise<Background> {
		const inside = namespace === "host" ? [] : ["nsenter", `--net=/run/netns/${namespace}`];
		const child = execa("nsenter", [...this.enter, ...inside, command, ...args], { reject: false });
		const ended = child.then(({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr }));
		let printed = "";
		await new Promise<void>((resolve, reject) => {
			child.stdout.on("data", (chunk) => {
				printed += chunk;
				if (ready.test(printed)) resolve();
			});
			ended.then(({ stderr }) => reject(new Error(`${command} ended before it was ready: ${stderr}`)));
		});
		return {
			ended,
			next: (pattern) =>
				new Promise((resolve) => {
					let text = "";
					const look = (chunk: Buffer) => {
						text += chunk;
						if (!pattern.test(text)) return;
						child.stdout.off("data", look);
						resolve();
					};
					child.stdout.on("data", look);
				}),
			write: (text) => child.stdin.write(text),
			closeInput: () => child.stdin.end(),
			stop: () => {
				child.kill();
				return ended;
			},
		};
	}

	/** Runs a built command: `xdp("apply", "lab.yaml")`. */
	xdp(command: string, ...args: string[]): Promise<Output> {
		return this.run(process.execPath, [`${ROOT}dist/bin/xdp-${command}.js`, ...args]);
	}

	/** Runs a built command with a topology on standard input. */
	xdpWith(topology: string, command: string, ...args: string[]): Promise<Output> {
		return this.run(process.execPath, [`${ROOT}dist/bin/xdp-${command}.js`, ...args, "-"], {
			input: topology,
		});
	}

	/** What a command prints as JSON, such as `ip -j`. */
	async json<T>(namespace: string, command: string, ...args: string[]): Promise<T> {
		const { stdout, stderr, exitCode } = await this.in(namespace, command, args);
		if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
		return (stdout === "" ? [] : JSON.parse(stdout)) as T;
	}

	async stop(): Promise<void> {
		this.#keeper.stdin?.end();
		if (this.#keeper.exitCode === null) await once(this.#keeper, "exit");
	}
}
