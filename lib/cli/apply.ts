import type { Command } from "commander";
import { apply } from "../apply.js";
import { readTopology } from "../load.js";
import { isEmpty } from "../plan/plan.js";
import { silent } from "../progress.js";
import { renderJson, renderText } from "../render-plan.js";
import { type CommonOptions, command } from "./main.js";
import { note, printJson, useColor } from "./output.js";
import { display } from "./progress.js";
import { interruptible } from "./signals.js";
import { showWarnings } from "./warnings.js";

interface Options extends CommonOptions {
	keep?: boolean;
}

/** `xdp-apply FILE` */
export function applyCommand(name: string): Command {
	return command(
		name,
		"Make the kernel equal to a topology. A second run changes nothing; if it fails, what it did is undone.",
		`${name} topologies/three-routers.yaml\ngenerate-lab | ${name} -`,
	)
		.argument("<file>", "a topology file, or - for standard input")
		.option("--keep", "leave what was done before a failure, for a look")
		.action(async (file: string, options: Options) => {
			const { topology, source } = await readTopology(file);
			const started = performance.now();
			const result = await interruptible((signal) =>
				apply(topology, {
					signal,
					keep: options.keep ?? false,
					progress: options.quiet ? silent : display,
					onWait: (holder) => note(`waiting for ${holder}`),
				}),
			);
			if (!options.quiet) showWarnings(source, topology.warnings, result.warnings);
			if (options.json) printJson(renderJson(result));
			else if (options.verbose) process.stdout.write(renderText(result, { color: useColor(process.stdout) }));
			else if (!options.quiet) {
				const seconds = ((performance.now() - started) / 1000).toFixed(2);
				const { length } = result.plan.changes;
				const done = `${length} ${length === 1 ? "change" : "changes"} in ${seconds} s`;
				process.stdout.write(`${result.lab}: ${isEmpty(result.plan) ? "nothing to do" : done}\n`);
			}
		});
}
