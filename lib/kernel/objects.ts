import { readFileSync } from "node:fs";
import { packageRoot } from "../package-root.js";

/** The ELF object of a built-in program, as the build compiled it. */
export function readObject(name: string): Buffer {
	return readFileSync(new URL(`dist/bpf/${name}.bpf.o`, packageRoot()));
}
