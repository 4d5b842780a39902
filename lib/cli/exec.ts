import { type Command, CommanderError } from "commander";
import { SyscallError } from "../errors.js";
import { NAMESPACE_VARIABLE } from "../exec.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { become } from "../kernel/enter.js";
import { bareCommand, report } from "./main.js";
import { type Invocation, shell } from "./shell.js";

/** As of env(1): every other status is the command's. */
const STATUS = { own: 125, notExecutable: 126, notFound: 127 } as const;

/** `xdp-exec NS [--] [CMD …]` */
export function execCommand(name: string): Command {
	return bareCommand(
		name,
		[
			"Run a command in a namespace of a lab; without one, a shell. Its exit status is the command's.",
			"Only the network namespace changes: /sys stays, with bpffs and the host's /sys/class/net.",
		].join(" "),
		`${name} uno -- ping 10.0.3.2\n${name} r1 ethtool -S uno\n${name} uno`,
	)
		.argument("<namespace>", "a namespace of a lab that is up, or host")
		.argument("[command...]", "a command with its arguments; -- before it may be left out")
		.passThroughOptions()
		.exitOverride((error) => {
			throw error.exitCode === 0 ? error : new CommanderError(STATUS.own, error.code, error.message);
		})
		.action((namespace: string, words: string[]) => {
			try {
				requireCapabilities();
				const { command, environment } = invocation(words[0] === "--" ? words.slice(1) : words);
				// Not a child to be looked after: terminal, signals, job control and exit status are the command's.
				become(namespace, command, { ...environment, [NAMESPACE_VARIABLE]: namespace });
			} catch (error) {
				report(error);
				process.exitCode = statusOf(error);
			}
		});
}

function invocation([command, ...args]: string[]): Invocation {
	return command === undefined ? shell() : { command: [command, ...args], environment: {} };
}

function statusOf(error: unknown): number {
	if (!(error instanceof SyscallError && error.call.startsWith("exec("))) return STATUS.own;
	return error.code === "ENOENT" ? STATUS.notFound : STATUS.notExecutable;
}
