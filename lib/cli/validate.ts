import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { readTopology } from "../load.js";
import type { Diagnostic } from "../topology/diagnostic.js";
import { TopologyError } from "../topology/error.js";
import { printable } from "../topology/printable.js";
import type { Warning } from "../topology/topology.js";
import { type CommonOptions, command, EXIT } from "./main.js";
import { count, note, printJson, useColor } from "./output.js";
import { showWarnings } from "./warnings.js";

/** `xdp-validate FILE …` */
export function validateCommand(name: string): Command {
	return command(
		name,
		"Check topology files. Needs no root and looks at nothing but the files.",
		`${name} topologies/*.yaml`,
	)
		.argument("<files...>", "topology files, or - for standard input")
		.action(async (files: string[], options: CommonOptions) => {
			const results: Result[] = [];
			for (const file of files) results.push(await check(file, options));
			if (options.json) printJson(results);
			if (results.some(({ valid }) => !valid)) process.exitCode = EXIT.usage;
		});
}

interface Result {
	file: string;
	valid: boolean;
	errors: (Diagnostic | { message: string })[];
	warnings: Warning[];
}

async function check(file: string, options: CommonOptions): Promise<Result> {
	try {
		const { topology, source } = await readTopology(file);
		if (!options.json && !options.quiet) {
			showWarnings(source, topology.warnings, []);
			const { name, namespaces, veths } = topology;
			process.stdout.write(
				`${printable(source.file)}: ok (${name}: ${count(namespaces.length, "namespace")}, ${count(veths.length, "veth")})\n`,
			);
		}
		return { file, valid: true, errors: [], warnings: topology.warnings };
	} catch (error) {
		if (error instanceof TopologyError) {
			if (!options.json) process.stderr.write(error.render({ color: useColor(process.stderr) }));
			const errors = [...error.diagnostics];
			return { file, valid: false, errors, warnings: [] };
		}
		if (!(error instanceof UsageError)) throw error;
		if (!options.json) note(`error: ${error.message}`);
		return { file, valid: false, errors: [{ message: error.message }], warnings: [] };
	}
}
