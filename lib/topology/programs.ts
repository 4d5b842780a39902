import { BUILT_IN_PROGRAMS, type Context } from "./declared.js";
import type { ProgramEntry, TopologyDocument } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";

/** Makes the names of the file's own programs known, and refuses to run them: this version cannot. */
export function declarePrograms(
	document: Sound<TopologyDocument>,
	{ positions, declared, report }: Context,
): void {
	const { programs } = document;
	declared.programsIncomplete =
		positions.isLost(document, "programs") || (programs === undefined && positions.isDamaged(document));
	let any = false;
	for (const { name, value, key } of positions.entries<Sound<ProgramEntry>>(programs ?? {})) {
		any = true;
		if (name === "none" || BUILT_IN_PROGRAMS.includes(name)) {
			report.error(key, "name", `${quote(name)} is built in and cannot be declared`);
		} else if (value !== undefined && !positions.isDamaged(value)) {
			const origins = [value.object, value.source].filter((path) => path !== undefined);
			if (origins.length !== 1) {
				const message = `program ${quote(name)} needs either \`object\` or \`source\``;
				report.error(key, "missing-key", origins.length === 2 ? `${message}, not both` : message);
			}
		}
		declared.addProgram(name);
	}
	if (any) {
		const at = positions.key(document, "programs");
		report.error(at, "unsupported", "programs of your own are not supported by this version yet");
	}
}
