import { BUILT_IN_PROGRAMS, type Context } from "./declared.js";
import type { ProgramEntry, TopologyDocument } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";

/** A program of the file's own, before its object has been read. */
export interface ProgramSource {
	name: string;
	/** Of its name. */
	at: Range;
	/** The path of an object, or of a source with what clang is told, as the file has them. */
	origin: { object: string } | { source: string; include: string[]; defines: Record<string, string> };
	/** Of the path. */
	originAt: Range;
	entry: Sound<ProgramEntry>;
	pin?: string;
}

/** What the programs of the forwarding modes are called in a lab. */
const OF_MODES: readonly string[] = ["hardcoded", "map", "fib", "fib-uncached"];

/** Makes the names of the file's own programs known, and says what has to be read. */
export function declarePrograms(document: Sound<TopologyDocument>, context: Context): ProgramSource[] {
	const { positions, declared, report } = context;
	const { programs } = document;
	declared.programsIncomplete =
		positions.isLost(document, "programs") || (programs === undefined && positions.isDamaged(document));
	const sources: ProgramSource[] = [];
	for (const { name, value, key } of positions.entries<Sound<ProgramEntry>>(programs ?? {})) {
		if (name === "none" || BUILT_IN_PROGRAMS.includes(name)) {
			report.error(key, "name", `${quote(name)} is built in and cannot be declared`);
			continue;
		}
		if (OF_MODES.includes(name)) {
			report.error(key, "name", `${quote(name)} is the program of a forwarding mode`, "choose another name");
			continue;
		}
		declared.addProgram(name, value?.attach ?? "native");
		const source = value && programSource(name, value, key, context);
		if (source) sources.push(source);
	}
	return sources;
}

function programSource(
	name: string,
	entry: Sound<ProgramEntry>,
	at: Range,
	{ positions, report }: Context,
): ProgramSource | undefined {
	const origins = (["object", "source"] as const).filter((key) => entry[key] !== undefined);
	const [origin, another] = origins;
	if (origin === undefined || another !== undefined) {
		const message = `program ${quote(name)} needs either \`object\` or \`source\``;
		if (another !== undefined || !positions.isDamaged(entry))
			report.error(at, "missing-key", another === undefined ? message : `${message}, not both`);
		return undefined;
	}
	const path = entry[origin] as string;
	for (const key of ["include", "defines"] as const)
		if (origin === "object" && entry[key] !== undefined)
			report.error(
				positions.key(entry, key),
				"unknown-key",
				`\`${key}\` is for a \`source\`: an object is compiled already`,
			);
	const pin =
		entry.pin === undefined ? undefined : checkPin(entry.pin, positions.value(entry, "pin"), report);
	return {
		name,
		at,
		origin:
			origin === "object"
				? { object: path }
				: { source: path, include: entry.include ?? [], defines: definesOf(entry) },
		originAt: positions.value(entry, origin),
		entry,
		...(pin !== undefined && { pin }),
	};
}

function definesOf({ defines }: Sound<ProgramEntry>): Record<string, string> {
	const text = (value: string | number | boolean | null | undefined) =>
		typeof value === "boolean" ? String(Number(value)) : String(value ?? 1);
	return Object.fromEntries(Object.entries(defines ?? {}).map(([name, value]) => [name, text(value)]));
}

/** A folder of a BPF file system. bpf_lookup() of kernel/bpf/inode.c takes no name with a dot. */
function checkPin(path: string, at: Range, report: Context["report"]): string | undefined {
	const parts = path.replace(/\/+$/, "").split("/").slice(1);
	const wrong = parts.find((part) => part === "" || part.includes(".") || /[\p{Cc}\p{Cf}\p{Cs}]/u.test(part));
	if (parts.length === 0 || wrong !== undefined) {
		const hint = "an absolute path without dots, for example `/sys/fs/bpf/uno`";
		report.error(at, "value", `${quote(path)} cannot be a folder to pin maps in`, hint);
		return undefined;
	}
	return `/${parts.join("/")}`;
}
