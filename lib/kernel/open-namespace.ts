import { closeSync, fstatSync } from "node:fs";
import type { NetlinkSocket } from "./socket.js";

/** An open namespace: a descriptor, and a socket that stays in it. */
export class OpenNamespace {
	/** Closed by {@link close}. */
	readonly fd: number;
	/** Closed by {@link close}. */
	readonly route: NetlinkSocket;
	#inode: string | undefined;

	constructor(fd: number, route: NetlinkSocket) {
		this.fd = fd;
		this.route = route;
	}

	/** What /proc/PID/ns/net links to for those who are in the namespace: `net:[4026531840]`. */
	get inode(): string {
		this.#inode ??= `net:[${fstatSync(this.fd).ino}]`;
		return this.#inode;
	}

	close(): void {
		this.route.close();
		closeSync(this.fd);
	}
}
