import { closeSync } from "node:fs";
import { decodeFamily, getFamily } from "../netlink/features.js";
import { within } from "./netns.js";
import { NETLINK_GENERIC, NETLINK_ROUTE, NetlinkSocket } from "./socket.js";

/** An open namespace: a descriptor, and sockets that stay in it. */
export class OpenNamespace {
	/** Closed by {@link close}. */
	readonly fd: number;
	readonly route: NetlinkSocket;
	#generic: { socket: NetlinkSocket; ethtool: number } | undefined;

	/** Takes `fd` over, also when it throws. */
	constructor(fd: number) {
		this.fd = fd;
		try {
			this.route = within(fd, () => new NetlinkSocket(NETLINK_ROUTE));
		} catch (error) {
			closeSync(fd);
			throw error;
		}
	}

	get generic(): { socket: NetlinkSocket; ethtool: number } {
		this.#generic ??= within(this.fd, () => {
			const socket = new NetlinkSocket(NETLINK_GENERIC);
			return { socket, ethtool: decodeFamily(socket.get(getFamily("ethtool"))) };
		});
		return this.#generic;
	}

	close(): void {
		this.route.close();
		this.#generic?.socket.close();
		closeSync(this.fd);
	}
}
