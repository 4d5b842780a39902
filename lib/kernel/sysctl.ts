import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileError } from "../errors.js";

/**
 * The file of a sysctl(8) name, of the network namespace of the thread that opens it: dots separate,
 * and a slash stands for a dot within a part (`net.ipv4.conf.eth0/5.forwarding`).
 */
function pathOf(name: string): string {
	const parts = name.split(".").map((part) => part.replaceAll("/", "."));
	if (parts.includes("..")) throw new Error(`sysctl ${name} would lead out of /proc/sys`);
	return `/proc/sys/${parts.join("/")}`;
}

/** The value with its white space folded, as sysctl(8) compares; undefined where there is no such name. */
export function readSysctl(name: string): string | undefined {
	try {
		return normalizeValue(readFileSync(pathOf(name), "latin1"));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw fileError(`read sysctl ${name}`, error);
	}
}

export function writeSysctl(name: string, value: string): void {
	try {
		writeFileSync(pathOf(name), value, { flag: "r+" });
	} catch (error) {
		throw fileError(`sysctl ${name}=${value}`, error);
	}
}

/** The names below a directory of sysctls: `net.ipv4.conf.all`. */
export function listSysctls(directory: string): string[] {
	return readdirSync(pathOf(directory)).map((name) => `${directory}.${name}`);
}

/** Numbers in a row are separated by tabs when read and by blanks when written. */
export function normalizeValue(value: string): string {
	return value.trim().replace(/\s+/g, " ");
}
