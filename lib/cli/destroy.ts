import type { Command } from "commander";
import { destroy } from "../destroy.js";
import { InterruptedError, UsageError } from "../errors.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { listLabs, onlyLab } from "../kernel/labs.js";
import { type PlanDocument, planText } from "../plan/render.js";
import { silent } from "../progress.js";
import { interruptible } from "../signals.js";
import { type CommonOptions, command, report } from "./main.js";
import { note, printJson, useColor } from "./output.js";
import { display } from "./progress.js";
import { labOf } from "./target.js";
import { beSparing } from "./v8.js";

interface Options extends CommonOptions {
	all?: boolean;
	kill?: boolean;
}

/** `xdp-destroy [LAB|FILE|--all]` */
export function destroyCommand(name: string): Command {
	return command(
		name,
		"Remove everything of a lab and nothing else. Without an argument: the one lab that is up.",
		`${name}\n${name} three-routers\n${name} topologies/three-routers.yaml\n${name} --all`,
		"print every change",
	)
		.argument("[lab|file]", "a lab's name, or a topology file (it has a / or ends in .yaml or .yml)")
		.option("--all", "every lab that is up")
		.option("--kill", "end the processes that run in the lab's namespaces")
		.action(async (target: string | undefined, options: Options) => {
			beSparing();
			if (target !== undefined && options.all) throw new UsageError("a lab, or --all: not both");
			const labs = target === undefined ? labsUp(options.all ?? false) : [labOf(target)];
			const results: PlanDocument[] = [];
			const refusals: { lab: string; error: unknown }[] = [];
			await interruptible(async (signal) => {
				for (const lab of labs)
					try {
						results.push(
							await destroy(lab, {
								signal,
								kill: options.kill ?? false,
								progress: options.quiet ? silent : display,
								onWait: (holder) => note(`waiting for ${holder}`),
							}),
						);
					} catch (error) {
						if (labs.length === 1 || error instanceof InterruptedError) throw error;
						refusals.push({ lab, error });
					}
			});
			if (options.json) printJson(results);
			else if (!options.quiet) for (const result of results) show(result, options.verbose ?? false);
			for (const { lab, error } of refusals) {
				note(`${lab}: not destroyed`);
				process.exitCode = Math.max(Number(process.exitCode ?? 0), report(error));
			}
			if (labs.length === 0 && !options.json && !options.quiet) process.stdout.write("no lab is up\n");
		});
}

function show(result: PlanDocument, verbose: boolean): void {
	for (const warning of result.warnings) note(`warning: ${warning}`);
	if (verbose) process.stdout.write(planText(result, { color: useColor(process.stdout) }));
	else
		process.stdout.write(
			`${result.lab}: ${result.changes.length === 0 ? "nothing to destroy" : "destroyed"}\n`,
		);
}

function labsUp(all: boolean): string[] {
	requireCapabilities();
	const labs = listLabs();
	return all || labs.length === 0 ? labs : [onlyLab(labs, "name one, or use --all")];
}
