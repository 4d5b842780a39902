import type { Command } from "commander";
import { emptyDocument, type PlanDocument, planText, shownChanges } from "../plan/render.js";
import { silent } from "../progress.js";
import { nameOf, readText } from "../read-text.js";
import { findUnchanged } from "../settled.js";
import { interruptible } from "../signals.js";
import { Source } from "../topology/source.js";
import type { Warning } from "../topology/topology.js";
import { type CommonOptions, command } from "./main.js";
import { count, note, printJson, useColor } from "./output.js";
import { display } from "./progress.js";
import { withRefusals } from "./refused.js";
import { beSparing } from "./v8.js";
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
		"print every change",
	)
		.argument("<file>", "a topology file, or - for standard input")
		.option("--keep", "leave what was done before a failure, for a look")
		.action(async (file: string, options: Options) => {
			beSparing();
			const text = readText(file);
			const started = performance.now();
			const result = await withRefusals(options, () =>
				interruptible((signal) => run(file, text, { signal, ...options })),
			);
			const { lab, changes } = result;
			if (options.json) printJson(result.document());
			else if (options.verbose)
				process.stdout.write(planText(result.document(), { color: useColor(process.stdout) }));
			else if (!options.quiet) {
				const seconds = ((performance.now() - started) / 1000).toFixed(2);
				const done = `${count(changes, "change")} in ${seconds} s`;
				process.stdout.write(`${lab}: ${changes ? done : "nothing to do"}\n`);
			}
		});
}

interface Result {
	lab: string;
	/** How many. */
	changes: number;
	/** Every change, for whoever asks. */
	document(): PlanDocument;
}

/** Applies what the text says, where a look at the kernel does not show that nothing has changed since it was. */
async function run(file: string, text: string, options: Options & { signal: AbortSignal }): Promise<Result> {
	const { signal, keep = false, quiet } = options;
	const show = (ofFile: readonly Warning[], ofLab: readonly string[]) => {
		if (!quiet) showWarnings(new Source(text, nameOf(file)), ofFile, ofLab);
	};
	const onWait = (holder: string) => note(`waiting for ${holder}`);
	const settled = await findUnchanged(text, { signal, onWait });
	if (settled) {
		const { lab, warnings } = settled;
		show(warnings.ofFile, warnings.ofLab);
		return { lab, changes: 0, document: () => emptyDocument(lab, warnings.ofLab) };
	}
	// What follows is of no use, and so not loaded, where nothing has changed.
	const { readTopology } = await import("../load.js");
	const { apply } = await import("../apply.js");
	const { topology } = await readTopology(file, text);
	show(topology.warnings, []);
	const progress = quiet ? silent : display;
	const onWarnings = (warnings: readonly string[]) => show([], warnings);
	const result = await apply(topology, { signal, keep, progress, onWait, onWarnings, text });
	return {
		lab: result.lab,
		changes: shownChanges(result).length,
		document: () => result,
	};
}
