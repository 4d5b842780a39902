/** What the kernel's verifier, or libbpf before it, says of an object that is not loaded. Pure: text to words. */
import { errnoText } from "../errors.js";
import { explain, RULES_OF_LIBBPF, RULES_OF_VERIFIER } from "./refusal-rules.js";

/** Why a program is not loaded. */
export interface Refusal {
	/** The verifier says so; otherwise it is libbpf, or the kernel before it verifies. */
	byVerifier: boolean;
	/** In one line. */
	reason: string;
	/** The line of C that the verifier stopped at. */
	source?: CLine;
	/** What to do about it. */
	hint?: string;
	/** The part of the log that is worth reading; empty where there is none. */
	excerpt: string;
}

export interface CLine {
	/** Without its folders, as the kernel has it; absent before Linux 6.8. */
	file?: string;
	line?: number;
	/** The function, where it is not the one that was asked for. */
	function?: string;
	/** The line itself. */
	text: string;
}

/** Lines of the verifier's log that are shown. */
const SHOWN = 20;

/** What was logged about one object. */
export interface Logs {
	/** Lines of libbpf's. */
	libbpf: string;
	/** The verifier's, of the program that it refused; empty where it was not asked. */
	verifier: string;
}

/** Reads why an object is not loaded. @param entry the function that was asked for; an object may have more */
export function readRefusal({ libbpf, verifier }: Logs, errno: number, entry: string): Refusal {
	const lines = verifier.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("processed "));
	if (lines.length === 0) return { byVerifier: false, ...readLibbpf(libbpf, errno) };
	const name = [...libbpf.matchAll(/prog '([^']*)': BPF program load failed/g)].at(-1)?.[1] ?? entry;
	const of = name === entry ? undefined : name;
	return readDiagnostics(verifier, of) ?? readTrace(lines, errno, of);
}

/**
 * Reads what kernels since 7.3 explain themselves, kernel/bpf/diagnostics.c: `Verification failed: …`, then
 * `Reason:`, `At:`, `Causal path:` and `Suggestion:`, each with indented lines. All of it is shown, and first.
 */
function readDiagnostics(text: string, of: string | undefined): Refusal | undefined {
	const [before = "", block] = text.split(/^(?=Verification failed: )/m);
	if (block === undefined) return undefined;
	const diagnostics = block.replace(/^processed \d.*/ms, "").trimEnd();
	const section = (title: string) =>
		new RegExp(`^${title}:\\n((?:[ \\t]+.*\\n?)+)`, "m").exec(diagnostics)?.[1] ?? "";
	const sentence = (part: string) => part.trim().replace(/\s*\n\s*/g, " ");
	const [head = ""] = diagnostics.split("\n");
	const [, name, file, line] = /^\s*(?:(\S+) @ )?(\S+):(\d+):\d+$/m.exec(section("At")) ?? [];
	const marked = />>> +\d+ \| (.*)/.exec(section("At"))?.[1];
	const hint = sentence(section("Suggestion"));
	return {
		byVerifier: true,
		reason: sentence(section("Reason")).replace(/\.$/, "") || head.replace("Verification failed: ", ""),
		...(file !== undefined && {
			source: {
				file,
				line: Number(line),
				text: marked?.trim() ?? "",
				...(of !== undefined && { function: name ?? of }),
			},
		}),
		...(hint !== "" && { hint }),
		excerpt: [diagnostics, "", ...lastOf(before.trimEnd().split("\n"))].join("\n"),
	};
}

/** Reads the log of older kernels: what was verified up to the refusal, instruction by instruction, and then why. */
function readTrace(lines: readonly string[], errno: number, of: string | undefined): Refusal {
	const end = lines.findLastIndex((line) => TRACE.some((pattern) => pattern.test(line)));
	const behind = lines.slice(end + 1).find((line) => !STATES.test(line));
	const reason = BESIDE.exec(lines[end] ?? "")?.[0] ?? behind ?? errnoText(errno);
	const source = sourceAt(lines.slice(0, end + 1), of);
	return {
		byVerifier: true,
		...explain(RULES_OF_VERIFIER, reason.trim()),
		...(source && { source }),
		excerpt: lastOf(lines).join("\n"),
	};
}

/** Lines that say what was verified, not why it is refused. */
const TRACE: readonly RegExp[] = [
	/^\s*\d+: /, // an instruction, or the state before it
	/^; /, // a line of C
	/^\s*(?:frame\d+: )?R\d+(?:_\w+)?=/,
	/^from \d+ to \d+/,
	/^(?:func#|arg#|Validating |caller:|callee:|returning from callee|to caller at|mark_precise: )/,
];

/** What follows some reasons: the states that were compared. */
const STATES = /^(?:cur|old) state: /;

/** A reason that the kernel writes behind the instruction. */
const BESIDE = /infinite loop detected at insn \d+/;

/** The last line of C before the refusal: `; return d[13]; @ drop.c:26`, without the place before Linux 6.8. */
function sourceAt(lines: readonly string[], of: string | undefined): CLine | undefined {
	for (const line of lines.toReversed()) {
		const [, comment] = /^(?:\s*\d+: .*?)?; (.*)$/.exec(line) ?? [];
		if (comment === undefined) continue;
		const [, text = comment, file, number] = /^(.*?) ?@ (\S+):(\d+)$/.exec(comment) ?? [];
		// Behind an instruction, the registers are a comment as well.
		if (file === undefined && !line.startsWith("; ")) continue;
		return {
			text: text.trim(),
			...(file !== undefined && { file, line: Number(number) }),
			...(of !== undefined && { function: of }),
		};
	}
	return undefined;
}

/** The end of a log, which says how much of it there is. */
function lastOf(lines: readonly string[]): string[] {
	const left = lines.length - SHOWN;
	return left > 0 ? [`… ${left} lines before`, ...lines.slice(left)] : [...lines];
}

/** Reads why libbpf does not come as far as the verifier. */
function readLibbpf(log: string, errno: number): Omit<Refusal, "byVerifier"> {
	const lines = log
		.replace(/^.*-- BEGIN BTF LOAD LOG --.*?-- END BTF LOAD LOG --\n/gms, "")
		.split("\n")
		.map((line) => line.replace(/^libbpf: /, "").trim())
		.filter((line) => line !== "" && !FOLLOWS.test(line));
	for (const line of lines) {
		const known = explain(RULES_OF_LIBBPF, line);
		if (known.reason === line) continue;
		const name = known.reason.endsWith("]") ? "" : ` [${errnoText(errno).split(":")[0]}]`;
		return { ...known, reason: `${known.reason}${name}`, excerpt: "" };
	}
	const last = lines.at(-1);
	if (last === undefined) return { reason: errnoText(errno), excerpt: "" };
	return { reason: `${last} [${errnoText(errno).split(":")[0]}]`, excerpt: lines.slice(0, -1).join("\n") };
}

/** Lines that follow from another. */
const FOLLOWS =
	/^(?:failed to load object|prog '.*': failed to load|Error loading \.BTF into kernel|Error in bpf_create_map_xattr|-- (?:BEGIN|END) )/;
