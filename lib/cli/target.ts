import { readDraft } from "../load.js";

/** An argument with a `/`, or that ends in `.yaml` or `.yml`, is a file, `-` too; any other is a lab. */
export function isFile(target: string): boolean {
	return target === "-" || target.includes("/") || /\.ya?ml$/.test(target);
}

/** The lab that an argument speaks of: itself, or the one of the file. */
export function labOf(target: string): string {
	return isFile(target) ? readDraft(target).topology.name : target;
}
