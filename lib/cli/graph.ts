import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../errors.js";
import { type GraphFormat, graph, graphModel } from "../graph.js";
import { readTopology } from "../load.js";
import { status } from "../status.js";
import { type CommonOptions, command } from "./main.js";
import { printJson } from "./output.js";
import { isFile } from "./target.js";
import { showWarnings } from "./warnings.js";

interface Options extends CommonOptions {
	format?: GraphFormat;
	output?: string;
	full?: boolean;
}

const FORMATS: readonly GraphFormat[] = ["svg", "dot", "mermaid", "png"];

/** `xdp-graph FILE|LAB` */
export function graphCommand(name: string): Command {
	return command(
		name,
		"Draw a topology, or a lab that is up: then with what differs from what was applied in red.",
		[
			`${name} topologies/three-routers.yaml > three-routers.svg`,
			`${name} -o live.png three-routers`,
			`${name} --format mermaid lab.yaml`,
		].join("\n"),
	)
		.argument("<lab|file>", "a topology file (it has a / or ends in .yaml or .yml, or is -), or a lab's name")
		.addOption(
			new Option("-f, --format <format>", "of the picture, svg unless -o says more").choices(FORMATS),
		)
		.option("-o, --output <file>", "write it there, in the format of the name's ending")
		.option("--full", "show every address and interface, however many")
		.action(async (target: string, options: Options) => {
			const of = await load(target, options);
			if (options.json) {
				printJson(graphModel(of));
				return;
			}
			const format = options.format ?? formatOf(options.output);
			const picture = await graph(of, { format, full: options.full ?? false });
			if (options.output !== undefined) write(options.output, picture);
			else if (format === "png" && process.stdout.isTTY)
				throw new UsageError("a PNG is nothing for a terminal: use -o FILE, or redirect it");
			else process.stdout.write(picture);
		});
}

async function load(target: string, { quiet }: Options) {
	if (!isFile(target)) return status(target);
	const { topology, source } = await readTopology(target);
	if (!quiet) showWarnings(source, topology.warnings, []);
	return topology;
}

function formatOf(file: string | undefined): GraphFormat {
	if (file === undefined) return "svg";
	const ending = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase() ?? "";
	const endings: Partial<Record<string, GraphFormat>> = {
		svg: "svg",
		png: "png",
		dot: "dot",
		gv: "dot",
		mmd: "mermaid",
		mermaid: "mermaid",
	};
	const format = endings[ending];
	if (!format)
		throw new UsageError(`${file}: no format ends in ${ending ? `.${ending}` : "nothing"}; use --format`);
	return format;
}

function write(file: string, picture: string | Buffer): void {
	try {
		writeFileSync(file, picture);
	} catch (error) {
		throw new UsageError(`${file}: cannot be written: ${(error as NodeJS.ErrnoException).code}`);
	}
}
