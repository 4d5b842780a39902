import { renderWarnings } from "../topology/render.js";
import type { Source } from "../topology/source.js";
import type { Warning } from "../topology/topology.js";
import { note, useColor } from "./output.js";

/** Shows what is legal but doubtful in a file, and what will not work in the lab. */
export function showWarnings(source: Source, ofFile: readonly Warning[], ofLab: readonly string[]): void {
	process.stderr.write(renderWarnings(source, ofFile, { color: useColor(process.stderr) }));
	for (const message of ofLab) note(`warning: ${message}`);
}
