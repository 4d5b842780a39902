import type { WriteStream } from "node:tty";
import { printableLines } from "../topology/printable.js";

/** Whether a stream wants colour: a terminal, unless NO_COLOR says no (https://no-color.org). */
export function useColor(stream: NodeJS.WriteStream | WriteStream): boolean {
	return stream.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}

/** Prints a document for a program. */
export function printJson(value: unknown): void {
	process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A line to standard error, where everything goes that is no result. */
export function note(text: string): void {
	// Names of processes, links and labs are anybody's to choose.
	process.stderr.write(`${printableLines(text)}\n`);
}

/** `1 veth`, `2 veths` */
export function count(number: number, word: string): string {
	return `${number} ${word}${number === 1 ? "" : "s"}`;
}
