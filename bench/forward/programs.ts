import { readFileSync } from "node:fs";
import { closeLoaded, type LoadedProgram, loadProgram } from "../../lib/kernel/load.js";
import { compile } from "../../test/kernel/bpf/program.js";

/** Compiles and loads programs: as often as wished, the first time slowly. */
export class Programs {
	readonly #objects = new Map<string, Buffer>();

	/** A program that serves the benchmark alone: see its source in bench/forward/bpf. */
	load(name: string, globals: Record<string, Uint8Array> = {}): LoadedProgram {
		const object = this.#object(name, () => compile(`bench/forward/bpf/${name}.bpf.c`));
		return loadProgram(name, object, { program: `xdp_${name}`, globals: new Map(Object.entries(globals)) });
	}

	/** The object of a program that the package brings, as it was built. */
	builtin(name: string): Buffer {
		return this.#object(`built-in ${name}`, () => readFileSync(`dist/bpf/${name}.bpf.o`));
	}

	#object(name: string, read: () => Buffer): Buffer {
		const object = this.#objects.get(name) ?? read();
		this.#objects.set(name, object);
		return object;
	}
}

/** Something loaded, to be closed. */
export interface Closable {
	fd: number;
	close(): void;
}

export function closable(loaded: LoadedProgram): Closable {
	return { fd: loaded.fd, close: () => closeLoaded(loaded) };
}
