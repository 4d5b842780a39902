import { VerifierError } from "../errors.js";
import type { CommonOptions } from "./main.js";
import { printJson } from "./output.js";

/** Runs a command's work. With --json, the programs that the kernel refuses are a document as well as a message. */
export async function withRefusals<T>(options: CommonOptions, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (options.json && error instanceof VerifierError) printJson({ refused: error.refused });
		throw error;
	}
}
