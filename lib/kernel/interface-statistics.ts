import { readU64 } from "../stats/counters.js";
import { ETH_SS_STATS, Ethtool } from "./ethtool.js";
import type { NetlinkSocket } from "./socket.js";

/** <linux/ethtool.h> */
const ETHTOOL_GSTATS = 0x1d;

/**
 * The kernel writes as many values as there are when it writes, whatever room it was told of. So there is
 * room for all that a veth can have: 4,096 queues each way (rtnl_create_link()), 9 names a pair.
 */
const MOST = 4096 * 9 + 1024;

/** Reads what `ethtool -S` shows. To be closed. */
export class InterfaceStatistics {
	readonly #ethtool = new Ethtool(MOST);

	/** @param socket one in the interface's namespace. @returns names and values, none where it counts none */
	read(socket: NetlinkSocket, name: string): [name: string, value: number][] {
		const names = this.#ethtool.strings(socket, name, ETH_SS_STATS);
		if (names.length === 0) return [];
		// struct ethtool_stats: cmd, n_stats, then the values.
		const bytes = this.#ethtool.ask(socket, name, "ETHTOOL_GSTATS", [ETHTOOL_GSTATS, names.length]);
		// The number of queues was changed in between: names and values would not go together.
		if (bytes.readUInt32LE(4) !== names.length) return this.read(socket, name);
		return names.map((name, i) => [name, readU64(bytes, 8 + 8 * i)]);
	}

	close(): void {
		this.#ethtool.close();
	}
}
