import { allocate, type Memory } from "../ffi/memory.js";
import type { NetlinkSocket } from "./socket.js";

/** <linux/sockios.h>, <linux/ethtool.h> */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GLINK = 0x0a;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSSET_INFO = 0x37;
const ETH_GSTRING_LEN = 32;

/** Sets of names: enum ethtool_stringset. */
export const ETH_SS_STATS = 1;
export const ETH_SS_FEATURES = 4;

/** struct ifreq: the name, then a union, here with the address of the command. */
const IFNAMSIZ = 16;
const IFREQ = 40;

/** ethtool(8)'s ioctls, which any socket of the interface's namespace takes. To be closed. */
export class Ethtool {
	readonly #memory: Memory;
	readonly #request = Buffer.alloc(IFREQ);
	/** How many names there is room for. */
	readonly #most: number;

	/** @param most names of a set, and 64-bit values that belong to them */
	constructor(most: number) {
		this.#most = most;
		this.#memory = allocate(16 + most * ETH_GSTRING_LEN);
		this.#request.writeBigUInt64LE(this.#memory.address, IFNAMSIZ);
	}

	/**
	 * Has the kernel work on a command.
	 * @param socket one in the interface's namespace
	 * @param words the command's number, and what follows it
	 * @returns the same memory, as the kernel has left it: valid until the next call
	 */
	ask(socket: NetlinkSocket, name: string, what: string, words: readonly number[]): Buffer {
		for (let i = 0; i < words.length; i++) this.#memory.bytes.writeUInt32LE(words[i] ?? 0, 4 * i);
		this.#request.fill(0, 0, IFNAMSIZ);
		this.#request.write(name, 0, IFNAMSIZ - 1);
		socket.ioctl(SIOCETHTOOL, this.#request, `${what} ${name}`);
		return this.#memory.bytes;
	}

	/**
	 * Has the kernel finish what a new state of the carrier brings about, such as a queueing discipline that
	 * takes packets and a link-local address; left alone, it does so a little later (linkwatch_sync_dev()).
	 */
	settleCarrier(socket: NetlinkSocket, name: string): void {
		this.ask(socket, name, "ETHTOOL_GLINK", [ETHTOOL_GLINK, 0]);
	}

	/** The names of a set, in the order of what they name; none where the interface has none, or too many. */
	strings(socket: NetlinkSocket, name: string, set: number): string[] {
		// struct ethtool_sset_info: cmd, reserved, the sets asked for as a mask of 64 bits, a number each.
		const info = this.ask(socket, name, "ETHTOOL_GSSET_INFO", [ETHTOOL_GSSET_INFO, 0, 1 << set, 0, 0]);
		const count = info.readUInt32LE(8) === 0 ? 0 : info.readUInt32LE(16);
		if (count === 0 || count > this.#most) return [];
		// struct ethtool_gstrings: cmd, string_set, len, then the names.
		const bytes = this.ask(socket, name, "ETHTOOL_GSTRINGS", [ETHTOOL_GSTRINGS, set, count]);
		return Array.from({ length: bytes.readUInt32LE(8) }, (_, i) => {
			const at = 12 + i * ETH_GSTRING_LEN;
			return bytes.toString("latin1", at, bytes.indexOf(0, at));
		});
	}

	close(): void {
		this.#memory.free();
	}
}
