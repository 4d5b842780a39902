import { closeSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileError, SyscallError } from "../errors.js";
import { openFilesystem } from "../ffi/libc.js";

/** Uses of one procfs before it is exchanged for another: a few dozen namespaces. */
const USES = 256;

/**
 * The sysctls of whichever network namespace this thread is in. To be closed.
 *
 * A procfs keeps an entry (dentry) of `/proc/sys/net/ipv4` for every namespace that anybody has looked at
 * it from, all under one hash, and a look-up goes through them one by one (d_lookup(), proc_sys_compare()):
 * with a thousand namespaces that takes longer than to make them. So after some uses the look-ups go on in
 * a procfs that is mounted nowhere, and that takes its entries along when the next one takes its place.
 */
export class Sysctls {
	/** Of a procfs of our own; undefined while it is the system's. */
	#fd: number | undefined;
	#uses = 0;

	/** The value with its white space folded, as sysctl(8) compares; undefined where there is no such name. */
	read(name: string): string | undefined {
		try {
			return normalizeValue(readFileSync(this.#pathOf(name), "latin1"));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
			throw fileError(`read sysctl ${name}`, error);
		}
	}

	write(name: string, value: string): void {
		try {
			writeFileSync(this.#pathOf(name), value, { flag: "r+" });
		} catch (error) {
			throw fileError(`sysctl ${name}=${value}`, error);
		}
	}

	/** The names below a directory of sysctls: `net.ipv4.conf.all`. */
	list(directory: string): string[] {
		return readdirSync(this.#pathOf(directory)).map((name) => `${directory}.${name}`);
	}

	/**
	 * The file of a sysctl(8) name, of the network namespace of the thread that opens it: dots separate,
	 * and a slash stands for a dot within a part (`net.ipv4.conf.eth0/5.forwarding`).
	 */
	#pathOf(name: string): string {
		const parts = name.split(".").map((part) => part.replaceAll("/", "."));
		if (parts.includes("..")) throw new Error(`sysctl ${name} would lead out of /proc/sys`);
		if (++this.#uses % USES === 0) this.#exchange();
		return `${this.#fd === undefined ? "/proc" : `/proc/self/fd/${this.#fd}`}/sys/${parts.join("/")}`;
	}

	#exchange(): void {
		try {
			const next = openFilesystem("proc");
			this.close();
			this.#fd = next;
		} catch (error) {
			// Where that is forbidden, it just takes longer.
			if (!(error instanceof SyscallError)) throw error;
		}
	}

	close(): void {
		if (this.#fd !== undefined) closeSync(this.#fd);
		this.#fd = undefined;
	}
}

/** Numbers in a row are separated by tabs when read and by blanks when written. */
export function normalizeValue(value: string): string {
	return value.trim().replace(/\s+/g, " ");
}
