import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What an object was made of. */
interface Record {
	/** The object's content, as SHA-256; also its name. */
	object: string;
	/** SHA-256 of each file that was read, by path. */
	files: { [path: string]: string };
	/** What the compiler said about it. */
	warnings: string;
}

/**
 * Compiled objects: of root in /var/cache/xdp-topology (Filesystem Hierarchy Standard, 5.5), of anybody
 * else in the folder that the XDG Base Directory Specification gives. What is in it can be deleted at
 * any time; who else could write there is not believed.
 */
export class CompileCache {
	readonly #folder: string;
	readonly #record: string;

	/** @param key what decides, beside the files themselves, what comes out */
	constructor(key: readonly string[]) {
		this.#folder = folder();
		this.#record = join(this.#folder, `${sha256(JSON.stringify(key))}.json`);
	}

	/** The object, where nothing that it was made of has changed. */
	find(): { path: string; bytes: Buffer; warnings: string } | undefined {
		try {
			if (!isOurs(this.#folder)) return undefined;
			const { object, files, warnings } = JSON.parse(readFileSync(this.#record, "utf8")) as Record;
			for (const [path, hash] of Object.entries(files))
				if (sha256(readFileSync(path)) !== hash) return undefined;
			const path = this.#pathOf(object);
			const bytes = readFileSync(path);
			return sha256(bytes) === object ? { path, bytes, warnings } : undefined;
		} catch {
			// Nothing there, or a file is gone that it was made of.
			return undefined;
		}
	}

	/** @returns the object's path from now on */
	keep(bytes: Buffer, files: readonly string[], warnings: string): string {
		mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
		const object = sha256(bytes);
		const record: Record = {
			object,
			files: Object.fromEntries(files.map((path) => [path, sha256(readFileSync(path))])),
			warnings,
		};
		write(this.#pathOf(object), bytes);
		write(this.#record, JSON.stringify(record));
		return this.#pathOf(object);
	}

	#pathOf(object: string): string {
		return join(this.#folder, `${object}.bpf.o`);
	}
}

function folder(): string {
	if (process.geteuid?.() === 0) return "/var/cache/xdp-topology";
	return join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "xdp-topology");
}

function isOurs(path: string): boolean {
	const { uid, mode } = statSync(path);
	return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** Whole or not at all. */
function write(path: string, content: string | Buffer): void {
	const temporary = `${path}.${process.pid}`;
	writeFileSync(temporary, content, { mode: 0o600 });
	renameSync(temporary, path);
}

function sha256(content: string | Buffer): string {
	return createHash("sha256").update(content).digest("hex");
}
