import type { Features } from "../snapshot/features.js";
import { ETH_SS_FEATURES, Ethtool } from "./ethtool.js";
import type { NetlinkSocket } from "./socket.js";

/** <linux/ethtool.h> */
const ETHTOOL_GFEATURES = 0x3a;
const ETHTOOL_SFEATURES = 0x3b;

/** Names that there is room for; Linux 6.18 has 62 features. */
const MOST = 1024;

/**
 * Reads and sets what `ethtool -k` and `-K` do. By ioctl, as it is a bitmap there, where netlink spells all
 * names out for each device and takes a socket more for each namespace. To be closed.
 */
export class InterfaceFeatures {
	readonly #ethtool = new Ethtool(MOST);
	/** By bit; the same for all devices. */
	#names: string[] | undefined;
	/** Devices of a lab are much alike: what each state of the bits comes to. */
	readonly #known = new Map<string, Features>();

	/** The features of a device. @param socket one in its namespace */
	read(socket: NetlinkSocket, device: string): Features {
		const blocks = this.#blocks(socket, device);
		// struct ethtool_gfeatures: cmd, size, then of each 32 features: available, requested, active,
		// never_changed.
		const bytes = this.#ethtool.ask(socket, device, "ETHTOOL_GFEATURES", [ETHTOOL_GFEATURES, blocks]);
		const state = bytes.toString("latin1", 8, 8 + 16 * blocks);
		socket.note(state);
		let features = this.#known.get(state);
		if (!features) {
			const column = (i: number) => (bit: number) =>
				((bytes.readUInt32LE(8 + 16 * (bit >> 5) + 4 * i) >>> (bit & 31)) & 1) === 1;
			features = this.#decode(column(0), column(1), column(2), column(3));
			this.#known.set(state, features);
		}
		return features;
	}

	#decode(...[available, requested, active, fixed]: ((bit: number) => boolean)[]): Features {
		const where = (holds: (bit: number) => boolean | undefined) =>
			new Set((this.#names ?? []).filter((name, bit) => name !== "" && holds(bit)));
		return {
			changeable: where((bit) => available?.(bit) && !fixed?.(bit)),
			wanted: where((bit) => requested?.(bit)),
			active: where((bit) => active?.(bit)),
		};
	}

	/** The names of all features that this kernel has, whether or not a device knows them. */
	names(socket: NetlinkSocket, device: string): readonly string[] {
		this.#names ??= this.#ethtool.strings(socket, device, ETH_SS_FEATURES);
		return this.#names;
	}

	/** Asks for features to be on or off; what the device does not let be changed stays as it is. */
	set(socket: NetlinkSocket, device: string, wanted: ReadonlyMap<string, boolean>): void {
		// struct ethtool_sfeatures: cmd, size, then of each 32 features: valid, requested.
		const words = new Array<number>(2 * this.#blocks(socket, device)).fill(0);
		for (const [bit, name] of this.names(socket, device).entries()) {
			const on = wanted.get(name);
			if (on === undefined) continue;
			const [at, mask] = [2 * (bit >> 5), 2 ** (bit & 31)];
			words[at] = (words[at] ?? 0) + mask;
			if (on) words[at + 1] = (words[at + 1] ?? 0) + mask;
		}
		const list = Array.from(wanted, ([name, on]) => `${name} ${on ? "on" : "off"}`).join(", ");
		const what = `ETHTOOL_SFEATURES ${list}`;
		this.#ethtool.ask(socket, device, what, [ETHTOOL_SFEATURES, words.length / 2, ...words]);
	}

	/** @see Ethtool.settleCarrier */
	settleCarrier(socket: NetlinkSocket, device: string): void {
		this.#ethtool.settleCarrier(socket, device);
	}

	#blocks(socket: NetlinkSocket, device: string): number {
		return Math.ceil(this.names(socket, device).length / 32);
	}

	close(): void {
		this.#ethtool.close();
	}
}
