import { allocate, type Memory } from "../ffi/memory.js";
import { readU64 } from "../stats/counters.js";
import type { NetlinkSocket } from "./socket.js";

/** <linux/sockios.h>, <linux/ethtool.h> */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETHTOOL_GSSET_INFO = 0x37;
const ETH_SS_STATS = 1;
const ETH_GSTRING_LEN = 32;

/** struct ifreq: the name, then a union, here with the address of the command. */
const IFNAMSIZ = 16;
const IFREQ = 40;

/**
 * The kernel writes as many values as there are when it writes, whatever room it was told of. So there is
 * room for all that a veth can have: 4,096 queues each way (rtnl_create_link()), 9 names a pair.
 */
const MOST = 4096 * 9 + 1024;

/** Reads what `ethtool -S` shows. To be closed. */
export class InterfaceStatistics {
	readonly #memory: Memory = allocate(16 + MOST * ETH_GSTRING_LEN);

	/** @param socket one in the interface's namespace. @returns names and values, none where it counts none */
	read(socket: NetlinkSocket, name: string): [name: string, value: number][] {
		const { bytes } = this.#memory;
		const count = this.#count(socket, name);
		if (count === 0 || count > MOST) return [];
		// struct ethtool_gstrings: cmd, string_set, len, then the names.
		this.#ask(socket, name, "ETHTOOL_GSTRINGS", [ETHTOOL_GSTRINGS, ETH_SS_STATS, count]);
		const names = Array.from({ length: bytes.readUInt32LE(8) }, (_, i) => {
			const at = 12 + i * ETH_GSTRING_LEN;
			return bytes.toString("latin1", at, bytes.indexOf(0, at));
		});
		// struct ethtool_stats: cmd, n_stats, then the values.
		this.#ask(socket, name, "ETHTOOL_GSTATS", [ETHTOOL_GSTATS, count]);
		// The number of queues was changed in between: names and values would not go together.
		if (bytes.readUInt32LE(4) !== names.length) return this.read(socket, name);
		return names.map((name, i) => [name, readU64(bytes, 8 + 8 * i)]);
	}

	#count(socket: NetlinkSocket, name: string): number {
		// struct ethtool_sset_info: cmd, reserved, the sets asked for as a mask of 64 bits, a number each.
		this.#ask(socket, name, "ETHTOOL_GSSET_INFO", [ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS, 0, 0]);
		const { bytes } = this.#memory;
		return bytes.readUInt32LE(8) === 0 ? 0 : bytes.readUInt32LE(16);
	}

	#ask(socket: NetlinkSocket, name: string, what: string, command: readonly number[]): void {
		for (const [i, word] of command.entries()) this.#memory.bytes.writeUInt32LE(word, 4 * i);
		const request = Buffer.alloc(IFREQ);
		request.write(name, 0, IFNAMSIZ - 1);
		request.writeBigUInt64LE(this.#memory.address, IFNAMSIZ);
		socket.ioctl(SIOCETHTOOL, request, `${what} ${name}`);
	}

	close(): void {
		this.#memory.free();
	}
}
