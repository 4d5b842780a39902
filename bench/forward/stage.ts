import { u32Key, update } from "../../lib/kernel/bpf.js";
import { closeLoaded, type LoadedProgram } from "../../lib/kernel/load.js";
import { NETLINK_ROUTE, NetlinkSocket } from "../../lib/kernel/socket.js";
import { setXdp } from "../../lib/netlink/link.js";
import { type Namespace, router } from "../../test/kernel/bpf/namespace.js";
import { FIRST } from "../../test/kernel/bpf/program.js";
import { testRun } from "../../test/kernel/bpf/test-run.js";
import { type Packet, PREFIXES } from "./packets.js";
import type { Programs } from "./programs.js";

export const INGRESS = FIRST;
export const EGRESS = FIRST + 1;

/** Rounds before the clock starts, by which caches and predictors know the program. */
const WARM_UP = 1000;

const ATTEMPTS = 3;

/** A router on which programs are run and timed, without a frame that leaves it. */
export class Stage {
	readonly namespace: Namespace;
	readonly #socket: NetlinkSocket;
	#restore: LoadedProgram | undefined;

	constructor() {
		this.namespace = router([
			{ name: "left", ifindex: INGRESS, subnet: 1 },
			{ name: "right", ifindex: EGRESS, subnet: 2 },
		]);
		this.namespace.ip(`route add ${PREFIXES.IPv4} via 10.2.0.2\nroute add ${PREFIXES.IPv6} via fc00:2::2`);
		this.#socket = this.namespace.within(() => new NetlinkSocket(NETLINK_ROUTE));
	}

	/**
	 * Loads the wrapper anew, so that it lies elsewhere, and attaches it: of a program that is attached
	 * nowhere the kernel would rebuild the dispatcher at each run.
	 */
	prepare(programs: Programs): void {
		this.#clear();
		this.#restore = programs.load("restore");
		this.#attach(this.#restore.fd);
	}

	/**
	 * Nanoseconds that each of many packets takes, with the wrapper: the least of some attempts, since
	 * whoever else has the CPU meanwhile only ever adds to it.
	 * @param milliseconds that an attempt takes
	 * @throws unless each ends with this action
	 */
	time(program: number, packet: Packet, action: number, milliseconds: number): number {
		const wrapper = this.#choose(program, packet);
		const run = (repeat: number) => {
			const start = process.hrtime.bigint();
			const { action: last } = testRun(wrapper, packet.bytes, { ingress: INGRESS, repeat });
			if (last !== action) throw new Error(`a program returned ${last} instead of ${action}`);
			return Number(process.hrtime.bigint() - start) / repeat;
		};
		return this.namespace.within(() => {
			const repeat = Math.ceil((milliseconds * 1e6) / run(WARM_UP));
			return Math.min(...Array.from({ length: ATTEMPTS }, () => run(repeat)));
		});
	}

	close(): void {
		this.#clear();
		this.#socket.close();
		this.namespace.close();
	}

	/** Tells the wrapper which program to go on in, and what to put back (struct change). */
	#choose(program: number, { bytes, changes, counts }: Packet): number {
		const maps = this.#restore?.maps ?? new Map<string, number>();
		const change = Buffer.alloc(32);
		change.writeUInt32LE(changes, 0);
		change.writeUInt32LE(bytes.readUInt32LE(changes), 4);
		if (counts) {
			change.writeUInt32LE(counts.at, 8);
			change.writeBigUInt64LE(bytes.readBigUInt64LE(counts.at), 16);
			change.writeBigUInt64LE(counts.step, 24);
		}
		update(maps.get("changes") as number, u32Key(0), change);
		update(maps.get("measured") as number, u32Key(0), u32Key(program));
		return this.#restore?.fd as number;
	}

	#attach(fd: number): void {
		this.#socket.queue(setXdp(INGRESS, "native", fd));
		this.#socket.flush();
	}

	#clear(): void {
		if (!this.#restore) return;
		this.#attach(-1);
		closeLoaded(this.#restore);
		this.#restore = undefined;
	}
}
