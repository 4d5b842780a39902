#!/usr/bin/env node
import { Command } from "commander";
import { applyCommand } from "../apply.js";
import { destroyCommand } from "../destroy.js";
import { main } from "../main.js";
import { planCommand } from "../plan.js";
import { validateCommand } from "../validate.js";
import { version } from "../version.js";

const program = new Command("xdp-topology")
	.description("Topology as code for XDP: every command of the family under one name.")
	.version(version, "-V, --version", "print the version")
	.showSuggestionAfterError();
for (const [name, make] of [
	["apply", applyCommand],
	["plan", planCommand],
	["destroy", destroyCommand],
	["validate", validateCommand],
] as const)
	program.addCommand(make(name));
await main(program);
