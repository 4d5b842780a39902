import type { Command } from "commander";
import { plan } from "../apply.js";
import { readTopology } from "../load.js";
import { planText } from "../plan/render.js";
import { type CommonOptions, command, EXIT } from "./main.js";
import { printJson, useColor } from "./output.js";
import { withRefusals } from "./refused.js";
import { beSparing } from "./v8.js";
import { showWarnings } from "./warnings.js";

interface Options extends CommonOptions {
	detailedExitcode?: boolean;
}

/** `xdp-plan FILE` */
export function planCommand(name: string): Command {
	return command(
		name,
		"Show what xdp-apply would do, and why, and do nothing. Programs of the file's own are loaded and let go of.",
		`${name} topologies/three-routers.yaml\n${name} --detailed-exitcode lab.yaml || echo it differs`,
	)
		.argument("<file>", "a topology file, or - for standard input")
		.option("--detailed-exitcode", "exit with 2 when there is something to do")
		.action(async (file: string, options: Options) => {
			beSparing();
			const { topology, source } = await readTopology(file);
			const result = await withRefusals(options, () => plan(topology));
			if (!options.quiet) showWarnings(source, topology.warnings, result.warnings);
			if (options.json) printJson(result);
			else if (!options.quiet) process.stdout.write(planText(result, { color: useColor(process.stdout) }));
			if (options.detailedExitcode && result.changes.length > 0) process.exitCode = EXIT.difference;
		});
}
