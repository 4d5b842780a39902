import type { Warning } from "../topology/topology.js";
import { note } from "./output.js";

/** Shows what is legal but doubtful in a file, and what will not work in the lab. */
export function showWarnings(file: string, ofFile: readonly Warning[], ofLab: readonly string[]): void {
	for (const { line, column, message } of ofFile) note(`${file}:${line}:${column}: warning: ${message}`);
	for (const message of ofLab) note(`warning: ${message}`);
}
