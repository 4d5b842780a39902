import { closeSync, fstatSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { junitReport } from "../expect/junit.js";
import { tapReport } from "../expect/tap.js";
import { checkText, endText } from "../expect/text.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { listLabs, onlyLab } from "../kernel/labs.js";
import { loadTopology } from "../load.js";
import { interruptible } from "../signals.js";
import type { Topology } from "../topology/topology.js";
import { verify } from "../verify/verify.js";
import { type CommonOptions, command, EXIT } from "./main.js";
import { printJson, useColor } from "./output.js";
import { isFile } from "./target.js";

interface Options extends CommonOptions {
	junit?: string;
	tap?: boolean;
	only?: string[];
	failFast?: boolean;
}

/** `xdp-verify [LAB|FILE]` */
export function verifyCommand(name: string): Command {
	return command(
		name,
		"Try what a topology expects of its lab, which must be up, with real traffic. Without an argument: the one lab that is up. Exit status 1: an expectation fails, or the lab is not what its topology says.",
		`${name}\n${name} three-routers\n${name} topologies/three-routers.yaml --junit report.xml\n${name} --fail-fast --only "web is reached" --only "mail is reached"\n${name} --tap`,
		"also print what was seen of checks that passed",
	)
		.argument("[lab|file]", "a lab's name, or a topology file (it has a / or ends in .yaml or .yml)")
		.option("--junit <file>", "also write the report as JUnit XML, for a CI system")
		.option("--tap", "print the report in the Test Anything Protocol, version 14")
		.option(
			"--only <expectation>",
			"try the expectation of this name, or of this title in the report; may be given several times",
			(value: string, before: string[] = []) => [...before, value],
		)
		.option("--fail-fast", "try nothing more once an expectation fails or the lab differs")
		.action(async (target: string | undefined, options: Options) => {
			if (options.json && options.tap) throw new UsageError("--json or --tap: not both");
			const { file, topology } = await find(target);
			const junit = options.junit === undefined ? undefined : openReport(options.junit);
			const live = !options.json && !options.tap && !options.quiet;
			const text = { color: useColor(process.stdout), verbose: options.verbose ?? false };
			let number = 0;
			const report = await interruptible((signal) =>
				verify(topology, {
					signal,
					only: options.only ?? [],
					failFast: options.failFast ?? false,
					...(live && { onCheck: (check) => process.stdout.write(checkText(check, ++number, text)) }),
				}),
			);
			if (options.json) printJson(report);
			else if (options.tap) process.stdout.write(tapReport(report, file));
			else if (live) process.stdout.write(endText(report, file));
			junit?.(junitReport(report, file));
			if (!report.ok) process.exitCode = EXIT.failed;
		});
}

async function find(target: string | undefined): Promise<{ file?: string; topology: Topology | string }> {
	if (target === undefined) {
		requireCapabilities();
		return { topology: onlyLab(listLabs()) };
	}
	if (!isFile(target)) return { topology: target };
	return { ...(target !== "-" && { file: target }), topology: await loadTopology(target) };
}

/** Opened before anything is sent: a wrong path is told at once. */
function openReport(file: string): (text: string) => void {
	let fd: number;
	try {
		// What is there stays until there is something to put in its place.
		fd = openSync(file, "a");
	} catch (error) {
		throw unwritable(file, error);
	}
	return (text) => {
		try {
			if (fstatSync(fd).isFile()) ftruncateSync(fd);
			writeFileSync(fd, text);
		} catch (error) {
			throw unwritable(file, error);
		} finally {
			closeSync(fd);
		}
	};
}

function unwritable(file: string, error: unknown): UsageError {
	return new UsageError(`--junit ${file}: ${(error as NodeJS.ErrnoException).code}`);
}
