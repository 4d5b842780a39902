import { Command, CommanderError } from "commander";
import { errnoText, SyscallError, UsageError } from "../errors.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { become, NAMESPACE_VARIABLE } from "../kernel/enter.js";
import { printable } from "../topology/printable.js";
import { detach } from "./detach.js";
import { bareCommand, report } from "./main.js";
import { type Invocation, shell } from "./shell.js";

/** As of env(1): every other status is the command's. */
const STATUS = { own: 125, notExecutable: 126, notFound: 127 } as const;

interface Options {
	detach?: boolean;
	output?: string;
}

/** `xdp-exec NS [--] [CMD …]` */
export function execCommand(name: string): Command {
	const refuse = (error: CommanderError) => {
		throw error.exitCode === 0 ? error : new CommanderError(STATUS.own, error.code, error.message);
	};
	const whole = bareCommand(
		name,
		[
			"Run a command in a namespace of a lab; without one, a shell. Its exit status is the command's.",
			"/sys is the namespace's, so that /sys/class/net lists its interfaces; bpffs stays.",
		].join(" "),
		`${name} uno -- ping 10.0.3.2\n${name} r1 ethtool -S uno\n${name} uno\n${name} dos -d -- iperf3 -s`,
	)
		.argument("<namespace>", "a namespace of a lab that is up, or host")
		.argument("[command...]", "a command with its arguments; -- before it may be left out")
		.passThroughOptions()
		.exitOverride(refuse);
	return withOptions(whole)
		.addHelpText("after", HELP)
		.action(async (namespace: string, words: string[], options: Options) => {
			try {
				requireCapabilities();
				// Options may follow the namespace as well, where Commander leaves them alone.
				const rest = withOptions(new Command(name).argument("[command...]").passThroughOptions())
					.configureOutput(whole.configureOutput())
					.exitOverride(refuse)
					.parse(words, { from: "user" });
				await run(namespace, rest.args, { ...options, ...rest.opts<Options>() });
			} catch (error) {
				if (error instanceof CommanderError) throw error;
				report(notRun(error) ?? error);
				process.exitCode = statusOf(error);
			}
		});
}

function withOptions(command: Command): Command {
	return command
		.option(
			"-d, --detach",
			"start the command in the background, and print its pid and where its output goes",
		)
		.option("-o, --output <file>", "with -d: the file for its output");
}

const HELP = `
A command that was started with -d outlives this one and the terminal; xdp-destroy --kill ends it with the lab.

Exit status: the command's; 125 where xdp-exec itself fails, 126 where the command cannot be run, 127 where it
is not found; with -d, 0 once it runs.`;

async function run(namespace: string, words: string[], options: Options): Promise<void> {
	const [command, ...args] = words;
	if (!options.detach) {
		if (options.output !== undefined) throw new UsageError("--output goes with -d");
		const { command: program, environment } = invocation(words);
		// Not a child to be looked after: terminal, signals, job control and exit status are the command's.
		become(namespace, program, { ...environment, [NAMESPACE_VARIABLE]: namespace });
	}
	if (command === undefined)
		throw new UsageError(`-d takes a command: xdp-exec ${printable(namespace)} -d -- COMMAND …`);
	const environment = { [NAMESPACE_VARIABLE]: namespace };
	const { pid, output } = await detach(
		namespace,
		{ command: [command, ...args], environment },
		options.output,
	);
	const line = printable(`${command} runs in ${namespace}: pid ${pid}, output in ${output}`);
	process.stdout.write(`${line}\n`);
}

function invocation([command, ...args]: string[]): Invocation {
	return command === undefined ? shell() : { command: [command, ...args], environment: {} };
}

function isExec(error: unknown): error is SyscallError {
	return error instanceof SyscallError && error.call.startsWith("exec(");
}

function statusOf(error: unknown): number {
	if (!isExec(error)) return STATUS.own;
	return error.code === "ENOENT" ? STATUS.notFound : STATUS.notExecutable;
}

/** A command that cannot be run, in the words of a shell. */
function notRun(error: unknown): UsageError | undefined {
	if (!isExec(error)) return undefined;
	const command = error.call.slice("exec(".length, -1);
	return new UsageError(
		error.code === "ENOENT"
			? `${command}: there is no such command (${error.code})`
			: `${command}: it cannot be run (${errnoText(error.errno)})`,
	);
}
