import { closeSync, fstatSync, readdirSync, readlinkSync } from "node:fs";
import { ConflictError } from "../errors.js";
import { listNames, NETNS_DIRECTORY, openNamed } from "./netns.js";
import { type State, whereabouts } from "./state.js";

/**
 * A lab's `host` is the network namespace that it was first applied in.
 * @throws ConflictError where this is another one, unless that one is gone
 */
export function requireHost(state: State | undefined): void {
	if (!state || state.host === whereabouts().host) return;
	const where = findNamespace(state.host);
	if (where === undefined) return;
	throw new ConflictError(
		`lab ${state.lab} was applied in another network namespace (${where}): run this from there, as ${nsenter(where)}`,
	);
}

function nsenter(where: string): string {
	const file = where.startsWith("pid ") ? `/proc/${where.slice(4)}/ns/net` : `${NETNS_DIRECTORY}/${where}`;
	return `\`nsenter --net=${file} COMMAND\``;
}

function inodeOf(name: string): number | undefined {
	const fd = openNamed(name);
	if (fd === undefined) return undefined;
	try {
		return fstatSync(fd).ino;
	} finally {
		closeSync(fd);
	}
}

/** A name or a process by which a namespace is known: `net:[4026531840]`. */
function findNamespace(link: string): string | undefined {
	const inode = Number(/\d+/.exec(link)?.[0]);
	const name = listNames().find((name) => inodeOf(name) === inode);
	if (name !== undefined) return name;
	const pid = readdirSync("/proc").find((entry) => {
		try {
			return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/ns/net`) === link;
		} catch {
			return false;
		}
	});
	return pid === undefined ? undefined : `pid ${pid}`;
}
