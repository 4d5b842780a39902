import { closeSync, fstatSync, openSync } from "node:fs";
import { Command, CommanderError, type OutputConfiguration } from "commander";
import {
	ApplyError,
	asError,
	ConflictError,
	errnoText,
	InterruptedError,
	isRefusal,
	UnsupportedError,
	UsageError,
} from "../errors.js";
import { TopologyError } from "../topology/error.js";
import { hintFor, type Place } from "../topology/foreign-words.js";
import { printableLines } from "../topology/printable.js";
import { note, useColor } from "./output.js";
import { version } from "./version.js";

/** sysexits.h where it has a number, and what README.md says of the rest. */
export const EXIT = {
	done: 0,
	failed: 1,
	difference: 2,
	remains: 3,
	usage: 64,
	unsupported: 77,
	SIGINT: 130,
	SIGTERM: 143,
	SIGHUP: 129,
} as const;

/** Options that every command has. */
export interface CommonOptions {
	json?: boolean;
	quiet?: boolean;
	verbose?: boolean;
}

/** How mistakes of a command line are told: with our word for one of another tool, and how the command is used. */
export function outputOf(command: Command): OutputConfiguration {
	return {
		// What Commander says of a wrong command line repeats it.
		writeErr: (text) => process.stderr.write(printableLines(text)),
		outputError: (text, write) => write(`${withHint(text, command)}${usageOf(command)}`),
	};
}

function withHint(text: string, command: Command): string {
	const [, what, word = ""] = /^error: unknown (option|command) '(.*)'/.exec(text) ?? [];
	const places: Place[] = what === "option" ? [`option of ${fullNameOf(command)}`, "option"] : ["command"];
	const hint = hintFor(word, ...places);
	// A similar name, as Commander guesses, is not what was meant.
	return hint ? `${text.split("\n")[0]}: ${hint}\n` : text;
}

/** `xdp-stats`, also where it is called `xdp-topology stats`. */
function fullNameOf(command: Command): `xdp-${string}` {
	return `xdp-${command.name().replace(/^xdp-/, "")}`;
}

function usageOf(command: Command): string {
	return `usage: ${command.createHelp().commandUsage(command)}\n`;
}

/**
 * A command that has a result to print.
 * @param more what --verbose prints beyond it
 */
export function command(
	name: string,
	description: string,
	examples: string,
	more = "no effect here: there is no more to print",
): Command {
	return bareCommand(name, description, examples)
		.option("--json", "print the result as one JSON document")
		.option("-q, --quiet", "print errors only")
		.option("-v, --verbose", more);
}

/** A command with what all have in common. */
export function bareCommand(name: string, description: string, examples: string): Command {
	const command = new Command(name);
	return command
		.description(description)
		.version(version, "-V, --version", "print the version")
		.helpOption("-h, --help", "print this help")
		.exitOverride()
		.configureOutput(outputOf(command))
		.showSuggestionAfterError()
		.addHelpText("after", () => `\nExamples:\n${inFull(examples, command).replace(/^/gm, "  ")}`);
}

/** Examples as they are typed where the command is one of `xdp-topology`. */
function inFull(examples: string, command: Command): string {
	const family = command.parent?.name();
	if (family === undefined) return examples;
	return examples.replaceAll(new RegExp(`(^|[|(] ?)(?=${command.name()}( |$))`, "gm"), `$1${family} `);
}

/** Runs a command with the process's arguments and sets the exit status. */
export async function main(program: Command): Promise<void> {
	surviveWriteErrors();
	try {
		await program.parseAsync();
	} catch (error) {
		process.exitCode = report(error);
	}
	process.once("exit", letGoOfFiles);
}

/**
 * What cannot be written is no reason to stop half way. Whoever reads may stop early, as head(1) does;
 * a result that is lost otherwise, as on a full disk, is a failure.
 */
function surviveWriteErrors(): void {
	let told = false;
	process.stderr.on("error", () => {});
	process.stdout.on("error", ({ code, errno = 0 }: NodeJS.ErrnoException) => {
		if (code === "EPIPE" || told) return;
		told = true;
		process.exitCode = EXIT.failed;
		note(`error: the result cannot be written: ${errnoText(-errno)}`);
	});
}

/**
 * At exit koffi syncs standard output and error (FlushStd of its base.cc), and where a disk refuses that (EIO,
 * ENOSPC) it waits for itself and never ends. All is written by now, and what takes a file's place has no
 * disk. Whatever else they are stays: whoever reads a pipe goes on when it ends, before Node.js has put the
 * terminal right.
 */
function letGoOfFiles(): void {
	for (const fd of [1, 2]) {
		if (!fstatSync(fd).isFile()) continue;
		closeSync(fd);
		openSync("/dev/null", "w");
	}
}

/** Tells a person what went wrong. @returns the exit status for it */
export function report(thrown: unknown): number {
	const error = asError(thrown);
	// Commander has told already; 1 is its own status for a wrong command line.
	if (error instanceof CommanderError) return error.exitCode === 1 ? EXIT.usage : error.exitCode;
	if (error instanceof TopologyError) {
		process.stderr.write(error.render({ color: useColor(process.stderr) }));
		return EXIT.usage;
	}
	const undone = (error instanceof ApplyError || error instanceof InterruptedError) && error.undone;
	const hint = undone ? "\nwhat was done has been undone" : "";
	note(`error: ${error.message}${hint}`);
	if (error instanceof UsageError) return EXIT.usage;
	if (error instanceof ConflictError) return EXIT.failed;
	if (error instanceof InterruptedError)
		return EXIT[error.reason as "SIGINT" | "SIGTERM" | "SIGHUP"] ?? EXIT.SIGINT;
	if (error instanceof ApplyError && error.remains.length) {
		note(["could not be undone:", ...error.remains.map((line) => `  ${line}`)].join("\n"));
		return EXIT.remains;
	}
	if (
		error instanceof UnsupportedError ||
		(error instanceof ApplyError && error.cause instanceof UnsupportedError)
	)
		return EXIT.unsupported;
	// Anything else is a mistake of this program's: where it happened is all that helps.
	if (!(error instanceof ApplyError || isRefusal(error))) note(error.stack ?? "");
	return EXIT.failed;
}
