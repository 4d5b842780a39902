import { Command } from "commander";
import { applyCommand } from "./apply.js";
import { completeCommand } from "./complete.js";
import { firstSentence } from "./completion/candidates.js";
import { completionCommand } from "./completion.js";
import { destroyCommand } from "./destroy.js";
import { execCommand } from "./exec.js";
import { graphCommand } from "./graph.js";
import { outputOf } from "./main.js";
import { planCommand } from "./plan.js";
import { statsCommand } from "./stats.js";
import { statusCommand } from "./status.js";
import { validateCommand } from "./validate.js";
import { verifyCommand } from "./verify.js";
import { version } from "./version.js";

/** The family: NAME is `xdp-NAME` and `xdp-topology NAME`. */
const FAMILY: readonly (readonly [name: string, make: (name: string) => Command])[] = [
	["apply", applyCommand],
	["plan", planCommand],
	["destroy", destroyCommand],
	["validate", validateCommand],
	["status", statusCommand],
	["stats", statsCommand],
	["exec", execCommand],
	["graph", graphCommand],
	["verify", verifyCommand],
];

/** `xdp-topology COMMAND …` */
export function familyCommand(): Command {
	const program = new Command("xdp-topology");
	program
		.description("Topology as code for XDP: every command of the family under one name.")
		.version(version, "-V, --version", "print the version")
		.helpOption("-h, --help", "print this help")
		.helpCommand("help [command]", "print the help of a command")
		.exitOverride()
		.configureOutput(outputOf(program))
		// What follows the command is the command's.
		.enablePositionalOptions()
		.showSuggestionAfterError();
	for (const [name, make] of FAMILY) {
		const command = make(name);
		program.addCommand(command.summary(firstSentence(command.description())));
	}
	const names = FAMILY.map(([name]) => `xdp-${name}`);
	program.addCommand(completionCommand("completion", ["xdp-topology", ...names]));
	program.addCommand(completeCommand("__complete", program), { hidden: true });
	return program;
}
