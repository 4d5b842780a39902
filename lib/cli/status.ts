import type { Command } from "commander";
import { ConflictError, UsageError } from "../errors.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { listLabs } from "../kernel/labs.js";
import { differenceLines } from "../plan/differences.js";
import { shownChanges } from "../plan/render.js";
import { type EndStatus, type LabStatus, status } from "../status.js";
import { LOOPBACK } from "../topology/names.js";
import { printable } from "../topology/printable.js";
import { layOut } from "./layout.js";
import { type CommonOptions, command, EXIT } from "./main.js";
import { count, note, printJson, useColor } from "./output.js";
import { labOf } from "./target.js";
import { beSparing } from "./v8.js";

interface Options extends CommonOptions {
	detailedExitcode?: boolean;
}

/** `xdp-status [LAB]` */
export function statusCommand(name: string): Command {
	return command(
		name,
		"Show the labs that are up; of one, what it consists of and how it differs from what was applied.",
		`${name}\n${name} three-routers\n${name} --detailed-exitcode three-routers || echo it drifted`,
		"also print link-local addresses, and why each object that differs is part of the lab",
	)
		.argument("[lab]", "a lab's name")
		.option(
			"--detailed-exitcode",
			"exit with 2 when a lab differs from what was applied, or that is not known",
		)
		.action((target: string | undefined, options: Options) => {
			beSparing();
			requireCapabilities();
			const labs = target === undefined ? listLabs().flatMap(tryStatus) : [status(labOf(target))];
			for (const { warnings } of labs) for (const warning of warnings) note(`warning: ${warning}`);
			if (options.json) printJson(target === undefined ? labs : labs[0]);
			else if (!options.quiet)
				process.stdout.write(
					target === undefined
						? overview(labs)
						: labs.map((lab) => whole(lab, textOptions(options))).join(""),
				);
			if (options.detailedExitcode && labs.some(hasDrifted)) process.exitCode = EXIT.difference;
		});
}

/** One lab that cannot be looked at, as it is another namespace's, does not keep the others from being shown. */
function tryStatus(lab: string): LabStatus[] {
	try {
		return [status(lab)];
	} catch (error) {
		if (!(error instanceof ConflictError) && !(error instanceof UsageError)) throw error;
		note(`${lab}: ${error.message}`);
		process.exitCode = EXIT.failed;
		return [];
	}
}

function hasDrifted({ drift }: LabStatus): boolean {
	// Where nobody knows what was applied, nobody can say that nothing differs.
	return drift === null || drift.changes.length > 0;
}

function overview(labs: LabStatus[]): string {
	if (labs.length === 0) return "no lab is up\n";
	const width = Math.max(...labs.map(({ lab }) => lab.length));
	return labs.map((one) => `${one.lab.padEnd(width)}  ${size(one)}, ${verdict(one)}\n`).join("");
}

function size({ namespaces }: LabStatus): string {
	const ends = namespaces.reduce((sum, { ends }) => sum + ends.length, 0);
	return `${count(namespaces.length, "namespace")}, ${count(ends, "interface")}`;
}

function verdict({ drift }: LabStatus): string {
	if (drift === null) return "what was applied is not known";
	const { length } = shownChanges(drift);
	return length === 0
		? "as applied"
		: `${length} ${length === 1 ? "difference" : "differences"} from what was applied`;
}

function textOptions({ verbose = false }: Options): TextOptions {
	const { isTTY, columns } = process.stdout;
	return {
		verbose,
		color: useColor(process.stdout),
		// A terminal without a size, as `docker run -t` may give, says 0.
		width: isTTY ? columns || 80 : Number.POSITIVE_INFINITY,
	};
}

interface TextOptions {
	verbose: boolean;
	color: boolean;
	/** Of the terminal; without end elsewhere, so that an interface is a line. */
	width: number;
}

/** Namespaces with their interfaces, then the differences. */
function whole(lab: LabStatus, options: TextOptions): string {
	const ends = lab.namespaces.flatMap(({ ends }) => ends);
	const widest = Math.max(0, ...ends.map((end) => nameOf(end).length));
	// All at once, so that their lines break in the same places.
	const rows = layOut(
		ends.map((end) => groups(end, widest, options.verbose)),
		options.width,
		6,
	);
	const linesOf = new Map(ends.map((end, i) => [end, rows[i] ?? []]));
	const lines = lab.namespaces.flatMap(({ name, forwarding, addresses, ends }) => [
		printable(forwarding === null ? name : `${name}  forwards by ${forwarding}`),
		...(addresses.length ? [`  ${[`${name}:${LOOPBACK}`, ...addresses].map(printable).join("  ")}`] : []),
		...ends.flatMap((end) => linesOf.get(end) ?? []),
	]);
	return `${lines.join("\n")}\n\n${differences(lab, options)}`;
}

/** What differs in words, and what to do about it. */
function differences(status: LabStatus, options: TextOptions): string {
	const { lab, drift } = status;
	const first = `${lab}: ${verdict(status)}\n`;
	if (!drift?.changes.length) return first;
	const repair = "\n`xdp-apply` with the lab's file repairs this; `xdp-plan` shows how.\n";
	return `${first}${differenceLines(drift, options)
		.map((line) => `${line}\n`)
		.join("")}${repair}`;
}

function nameOf({ name, peer }: EndStatus): string {
	return printable(`${name} — ${peer ?? "?"}`);
}

/** `r1:uno — uno:veth0  up  mtu 1500`, the addresses, and `fib (native, id 12, tag 0123456789abcdef)`. */
function groups(end: EndStatus, widest: number, verbose: boolean): string[][] {
	const programs = end.xdp.map(({ mode, id, name, tag, ours }) => {
		const whose = ours ? "" : ", not this lab's";
		return `${name} (${mode}, id ${id}, tag ${tag}${whose})`;
	});
	// The kernel gives every interface a link-local address; it is of interest where it is the only one.
	const others = end.addresses.filter((address) => !/^fe[89ab]/i.test(address));
	const addresses = verbose || others.length === 0 ? end.addresses : others;
	return [
		[`  ${nameOf(end).padEnd(widest)}`, end.up ? "up" : "DOWN", `mtu ${end.mtu}`],
		addresses.map(printable),
		programs.map(printable),
	];
}
