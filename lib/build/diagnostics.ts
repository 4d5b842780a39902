/** Limits of what is shown of a compiler's diagnostics. */
const MAX_LINES = 60;
const MAX_BYTES = 8192;
/** Characters of a line. */
const MAX_LINE = 300;

/** A diagnostic with its notes, its line of the source and how that came to be included. */
interface Block {
	lines: string[];
	isError: boolean;
}

/**
 * The diagnostics of clang within limits of lines and bytes: errors first, in the order of the text, with a last
 * line that counts those left out.
 */
export function abridge(text: string): string {
	const trimmed = text.trimEnd();
	const lines = trimmed.split("\n");
	if (lines.length <= MAX_LINES && trimmed.length <= MAX_BYTES) return trimmed;
	const blocks = blocksOf(lines.map(cut));
	const kept = new Set<Block>();
	const room = { lines: MAX_LINES, bytes: MAX_BYTES };
	for (const block of [
		...blocks.filter(({ isError }) => isError),
		...blocks.filter(({ isError }) => !isError),
	]) {
		const bytes = block.lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
		// The first one is shown in part if there is no room for all of it.
		if (kept.size === 0) block.lines.splice(MAX_LINES);
		else if (block.lines.length > room.lines || bytes > room.bytes) break;
		kept.add(block);
		room.lines -= block.lines.length;
		room.bytes -= bytes;
	}
	const shown = blocks.filter((block) => kept.has(block)).flatMap((block) => block.lines);
	const left = lines.length - shown.length;
	return [...shown, ...(left > 0 ? [`(${left} more ${left === 1 ? "line" : "lines"} of clang's)`] : [])].join(
		"\n",
	);
}

function cut(line: string): string {
	return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

const INCLUDED = /^In file included from /;
const DIAGNOSTIC = /(?:^|: )(fatal error|error|warning): |^\d+ (?:error|warning)s?\b|^LLVM ERROR/;
const ERROR = /(?:^|: )(?:fatal error|error): |^\d+ .*errors?\b|^LLVM ERROR/;

function blocksOf(lines: readonly string[]): Block[] {
	const blocks: Block[] = [];
	let begun = false;
	for (const line of lines) {
		const last = blocks.at(-1);
		const begins = INCLUDED.test(line) || DIAGNOSTIC.test(line);
		// Lines of "In file included from" belong to the diagnostic behind them.
		if (!last || (begins && !begun)) blocks.push({ lines: [line], isError: ERROR.test(line) });
		else {
			last.lines.push(line);
			if (begun && ERROR.test(line)) last.isError = true;
		}
		begun = INCLUDED.test(line);
	}
	return blocks;
}
