import type { Machine } from "../machine.js";
import { entriesOf, mapOf, runningOn } from "./maps.js";

/** enum xdp_action of <linux/bpf.h>, in its order. */
export const ACTIONS = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"] as const;
export type Action = (typeof ACTIONS)[number];
/** Packets by what became of them. */
export type Counts = Record<Action, number>;

interface ActionCounters {
	action: { packets: number }[];
}

interface PortCounters {
	key: number;
	/** One a CPU. `hardcoded` has its constants beside them. */
	values: { value: ActionCounters | { counters: ActionCounters } }[];
}

interface Constants {
	value: { ".rodata": Record<string, number>[] };
}

/** Where the counters of a loaded program are. */
interface Located {
	map: string;
	firstIfindex: number;
}

/** IFLA_XDP_ATTACHED of <linux/if_link.h>: XDP_ATTACHED_DRV. */
const NATIVE = 1;

/**
 * Reads what programs have counted from their own map `counters`, and has the driver confirm it; of a
 * program that has no such map, what the driver has counted.
 */
export class Counters {
	readonly #machine: Machine;
	readonly #located = new Map<number, Promise<Located | undefined>>();

	constructor(machine: Machine) {
		this.#machine = machine;
	}

	/** The counts of ends, `NAMESPACE:INTERFACE`, since their programs were loaded. */
	async read(ends: readonly string[]): Promise<Map<string, Counts>> {
		return new Map(
			await Promise.all(ends.map(async (end) => [end, (await this.#readEnd(end)).counts] as const)),
		);
	}

	/**
	 * What ends count while `work` is done. The driver counts by itself what native programs redirect,
	 * send back and drop; both must say the same.
	 */
	async during(ends: readonly string[], work: () => Promise<unknown>): Promise<Map<string, Counts>> {
		const before = await Promise.all(ends.map((end) => this.#readEnd(end)));
		await work();
		const after = await Promise.all(ends.map((end) => this.#readEnd(end)));
		return new Map(
			ends.map((end, i) => {
				const [from, to] = [before[i], after[i]];
				if (!from || !to) throw new Error(`${end} was not read`);
				const counts = subtract(to.counts, from.counts);
				if (to.driver && from.driver) confirm(end, counts, subtract(to.driver, from.driver));
				return [end, counts];
			}),
		);
	}

	async #readEnd(end: string): Promise<{ counts: Counts; driver?: Counts }> {
		const { id, mode, ifindex } = await runningOn(this.#machine, end);
		const located = await this.#locate(id);
		const count = async () => {
			if (!located) return undefined;
			const ports = await entriesOf<PortCounters>(this.#machine, located.map);
			const port = ports.find(({ key }) => key === ifindex - located.firstIfindex);
			if (!port) throw new Error(`${end} is no port of its program`);
			const values = port.values.map(({ value }) => ("counters" in value ? value.counters : value));
			return byAction((i) => values.reduce((sum, { action }) => sum + (action[i]?.packets ?? 0), 0));
		};
		if (mode !== NATIVE) {
			const counts = await count();
			if (!counts) throw new Error(`nobody counts on ${end}`);
			return { counts };
		}
		// IPv6 speaks up by itself: the two belong together where the driver counts nothing in between.
		let driver = await this.#statistics(end);
		for (;;) {
			const counts = await count();
			const then = await this.#statistics(end);
			if (ACTIONS.every((action) => driver[action] === then[action]))
				return { counts: counts ?? then, driver: then };
			driver = then;
		}
	}

	#locate(program: number): Promise<Located | undefined> {
		const known = this.#located.get(program) ?? this.#find(program);
		this.#located.set(program, known);
		return known;
	}

	async #find(program: number): Promise<Located | undefined> {
		const map = await mapOf(this.#machine, program, /^counters$/);
		const rodata = await mapOf(this.#machine, program, /\.rodata$/);
		if (map === undefined || rodata === undefined) return undefined;
		const [constants] = await entriesOf<Constants>(this.#machine, rodata);
		const { first_ifindex } = Object.assign({}, ...(constants?.value[".rodata"] ?? []));
		return { map, firstIfindex: first_ifindex };
	}

	/** The driver's own statistics, of all queues. */
	async #statistics(end: string): Promise<Counts> {
		const [namespace = "", device = ""] = end.split(":");
		const { stdout } = await this.#machine.in(namespace, "ethtool", ["-S", device]);
		const total = (name: string) =>
			Array.from(stdout.matchAll(new RegExp(`rx_queue_\\d+_${name}: (\\d+)`, "g"))).reduce(
				(sum, [, value]) => sum + Number(value),
				0,
			);
		const [drop, tx, redirect] = [total("xdp_drops"), total("xdp_tx"), total("xdp_redirect")];
		return {
			XDP_ABORTED: 0,
			XDP_DROP: drop,
			XDP_PASS: total("xdp_packets") - drop - tx - redirect,
			XDP_TX: tx,
			XDP_REDIRECT: redirect,
		};
	}
}

function byAction(count: (action: number) => number): Counts {
	return Object.fromEntries(ACTIONS.map((action, i) => [action, count(i)])) as Counts;
}

function subtract(after: Counts, before: Counts): Counts {
	return byAction((i) => after[ACTIONS[i] as Action] - before[ACTIONS[i] as Action]);
}

/** What passes is left out: a multicast of IPv6's own may come between the two readings. */
function confirm(end: string, counts: Counts, driver: Counts): void {
	for (const action of ["XDP_DROP", "XDP_TX", "XDP_REDIRECT"] as const)
		if (counts[action] !== driver[action])
			throw new Error(
				`${end}: its program counted ${counts[action]} ${action}, and the driver ${driver[action]}`,
			);
}

/** How many packets the network stack of a namespace has forwarded, of both families. */
export async function forwardedByStack(machine: Machine, namespace: string): Promise<number> {
	const names = ["IpForwDatagrams", "Ip6OutForwDatagrams"];
	const { kernel } = await machine.json<{ kernel: Record<string, number> }>(
		namespace,
		"nstat",
		"-asz",
		"--json",
		...names,
	);
	return names.reduce((sum, name) => {
		const value = kernel[name];
		if (value === undefined) throw new Error(`nstat does not know ${name}`);
		return sum + value;
	}, 0);
}
