import { Command } from "commander";
import { printable } from "../topology/printable.js";
import { type Candidates, candidates } from "./completion/candidates.js";
import { live } from "./completion/live.js";

/**
 * `xdp-topology __complete WORD …`: what the scripts in shell/completion ask. A candidate a line, with
 * its description after a tab; a line that begins with `:` is for the shell to do.
 */
export function completeCommand(name: string, family: Command): Command {
	return new Command(name)
		.argument("[words...]", "the command line up to the cursor")
		.helpOption(false)
		.passThroughOptions()
		.exitOverride()
		.configureOutput({ writeErr: () => {} })
		.action((words: string[]) => {
			process.stdout.write(lines(candidates(family, words, live)).join(""));
		});
}

/** A name that could be taken for something else, such as one with a line end, is left out. */
function lines({ values, more }: Candidates): string[] {
	return [
		...values
			.filter(({ value }) => printable(value) === value)
			.map(({ value, description }) => `${value}\t${description}\n`),
		...(more === undefined ? [] : [typeof more === "string" ? `:${more}\n` : `:command ${more.command}\n`]),
	];
}
