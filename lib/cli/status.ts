import type { Command } from "commander";
import { ConflictError, UsageError } from "../errors.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { listLabs } from "../kernel/labs.js";
import { planText } from "../plan/render.js";
import { type EndStatus, type LabStatus, status } from "../status.js";
import { LOOPBACK } from "../topology/names.js";
import { printable } from "../topology/printable.js";
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
				process.stdout.write(target === undefined ? overview(labs) : labs.map(whole).join(""));
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
	const { length } = drift.changes;
	return length === 0
		? "as applied"
		: `${length} ${length === 1 ? "difference" : "differences"} from what was applied`;
}

/** Namespaces with their ends, then the drift in the plan's words. */
function whole(lab: LabStatus): string {
	const lines = lab.namespaces.flatMap(({ name, forwarding, addresses, ends }) => [
		printable(forwarding === null ? name : `${name}  forwards by ${forwarding}`),
		...(addresses.length ? [`  ${[`${name}:${LOOPBACK}`, ...addresses].map(printable).join("  ")}`] : []),
		...ends.map((end) => `  ${describeEnd(end)}`),
	]);
	const drift = lab.drift?.changes.length
		? `\n${planText(lab.drift, { color: useColor(process.stdout) })}`
		: `\n${lab.lab}: ${verdict(lab)}\n`;
	return `${lines.join("\n")}\n${drift}`;
}

/** `r1:uno — uno:veth0  up  mtu 1500  10.0.1.1/24  fib (native, id 12, tag 0123456789abcdef)` */
function describeEnd({ name, peer, up, mtu, addresses, xdp }: EndStatus): string {
	const programs = xdp.map(({ mode, id, name, tag, ours }) => {
		const whose = ours ? "" : ", not this lab's";
		return `${name} (${mode}, id ${id}, tag ${tag}${whose})`;
	});
	return [`${name} — ${peer ?? "?"}`, up ? "up" : "DOWN", `mtu ${mtu}`, ...addresses, ...programs]
		.map(printable)
		.join("  ");
}
