import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { UnsupportedError } from "../errors.js";

/** An object in the cache. */
export interface Kept {
	path: string;
	bytes: Buffer;
	/** What the compiler said about it, empty where it was content. */
	warnings: string;
}

/** What an object was made of. */
interface Record {
	/** The object's content, as SHA-256; also its name. */
	object: string;
	/** SHA-256 of each file that was read, by path. */
	files: { [path: string]: string };
	/** Paths at which the compiler looks first for one of them: where there is a file now, it is another. */
	absent: string[];
	warnings: string;
}

/**
 * Compiled objects: of root in /var/cache/xdp-topology (Filesystem Hierarchy Standard, 5.5), of anybody
 * else in the folder that the XDG Base Directory Specification gives, and where that cannot be written,
 * in one for temporary files. What is in it can be deleted at any time; who else could write there is
 * not believed.
 */
export class CompileCache {
	readonly #key: string;
	readonly #search: readonly string[];

	/**
	 * @param key what decides, beside the files themselves, what comes out
	 * @param search the folders in which the user's headers are looked for
	 */
	constructor(key: readonly string[], search: readonly string[]) {
		this.#key = sha256(JSON.stringify(key));
		this.#search = search;
	}

	/** The object, where nothing that it was made of has changed. */
	find(): Kept | undefined {
		for (const folder of folders()) {
			const found = this.#findIn(folder);
			if (found) return found;
		}
		return undefined;
	}

	#findIn(folder: string): Kept | undefined {
		try {
			if (!isOurs(folder)) return undefined;
			const record = JSON.parse(readFileSync(this.#recordIn(folder), "utf8")) as Record;
			const { object, files, absent, warnings } = record;
			if (Object.entries(files).some(([path, hash]) => sha256(readFileSync(path)) !== hash)) return undefined;
			if (absent.some((path) => existsSync(path))) return undefined;
			const path = objectIn(folder, object);
			const bytes = readFileSync(path);
			return sha256(bytes) === object ? { path, bytes, warnings: String(warnings) } : undefined;
		} catch {
			// Nothing there, or a file is gone that it was made of.
			return undefined;
		}
	}

	/**
	 * @param files what the compiler has read
	 * @param since when it began to, in milliseconds of Date.now()
	 * @throws UnsupportedError where there is no place to keep it
	 */
	keep(bytes: Buffer, warnings: string, files: readonly string[], since: number): Kept {
		const object = sha256(bytes);
		for (const folder of folders()) {
			try {
				make(dirname(folder));
				make(folder);
				if (!isOurs(folder)) continue;
				const path = objectIn(folder, object);
				write(path, bytes);
				const record = this.#record(object, warnings, files, since);
				if (record) write(this.#recordIn(folder), JSON.stringify(record));
				return { path, bytes, warnings };
			} catch {
				// Read-only or full: the next one.
			}
		}
		throw new UnsupportedError(
			`there is no place to keep compiled programs: none of ${folders().join(", ")} can be written by this user alone (TMPDIR names another)`,
		);
	}

	/** Undefined where a file may have changed under the compiler's eyes, or cannot be read as it is named. */
	#record(object: string, warnings: string, files: readonly string[], since: number): Record | undefined {
		try {
			if (files.some((path) => statSync(path).ctimeMs >= since)) return undefined;
			const hashes = files.map((path) => [path, sha256(readFileSync(path))] as const);
			const absent = files.flatMap((path) => this.#beforehand(path)).filter((path) => !existsSync(path));
			return { object, files: Object.fromEntries(hashes), absent: [...new Set(absent)], warnings };
		} catch {
			return undefined;
		}
	}

	/** Where a file could be, if it were included by the last one, two or three parts of its path. */
	#beforehand(path: string): string[] {
		const parts = path.split("/");
		const names = [1, 2, 3].map((count) => parts.slice(-count).join("/"));
		return this.#search.flatMap((folder) => names.map((name) => join(folder, name)));
	}

	#recordIn(folder: string): string {
		return join(folder, `${this.#key}.json`);
	}
}

function objectIn(folder: string, object: string): string {
	return join(folder, `${object}.bpf.o`);
}

/** In the order in which they are tried. */
function folders(): string[] {
	const uid = process.geteuid?.();
	const cache = uid === 0 ? "/var/cache" : userCache();
	const temporary = join(tmpdir(), `xdp-topology-${uid}`);
	return cache === undefined ? [temporary] : [join(cache, "xdp-topology"), temporary];
}

/** $XDG_CACHE_HOME, which must be absolute, or ~/.cache; not everybody has a home. */
function userCache(): string | undefined {
	const given = process.env["XDG_CACHE_HOME"] ?? "";
	if (isAbsolute(given)) return given;
	try {
		return join(homedir(), ".cache");
	} catch {
		return undefined;
	}
}

/** Not `recursive`, with which Node.js 20 runs for ever where a file system, such as /proc, has no new folders. */
function make(folder: string): void {
	if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
}

/** Nobody else can have put anything there. */
function isOurs(folder: string): boolean {
	const stat = lstatSync(folder);
	return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
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
