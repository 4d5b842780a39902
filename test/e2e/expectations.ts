import { expect } from "vitest";
import { parse } from "yaml";
import { draftTopology } from "../../lib/topology/parse-topology.js";
import type { End } from "../../lib/topology/topology.js";
import type { Machine } from "../machine.js";
import type { Action, Counters } from "./counters.js";
import { type Flow, ping, TCP_ARRIVES, tcp, udp } from "./traffic.js";

type Protocol = "ping" | "tcp" | "udp";

interface Traffic {
	from: string;
	to: string;
	port?: number;
	packets?: number;
}

type Entry = Partial<Record<Protocol | "reach", Traffic>> & {
	actions?: Record<string, Action>;
	reachable?: boolean;
};

/** One entry of a file's `expect` list, spelled out. */
export interface Expectation {
	/** As a sentence: `uno reaches dos:veth0 by ping, tcp and udp`. */
	title: string;
	protocols: Protocol[];
	/** One a family that both ends have. */
	flows: Flow[];
	packets: number;
	reachable: boolean;
	actions: Record<string, Action>;
}

const PINGS = 3;
const DATAGRAMS = 10;
/** Long enough for a loaded machine to deliver, short enough to wait for what must not come. */
const IMPATIENT = 250;

/** The `expect` list of a topology. */
export function expectationsOf(text: string): Expectation[] {
	const { topology } = draftTopology(text, "topology.yaml");
	const ends = topology.veths.flatMap((veth) => veth.ends);
	const { expect: entries } = parse(text, { merge: true }) as { expect?: Entry[] };
	return (entries ?? []).map((entry) => {
		const [kind, traffic] = trafficOf(entry);
		const protocols: Protocol[] = kind === "reach" ? ["ping", "tcp", "udp"] : [kind];
		const target = ends.find(({ name }) => name === traffic.to);
		const sources = ends.filter(({ namespace, name }) => [namespace, name].includes(traffic.from));
		const families = new Set(sources.flatMap(({ addresses }) => addresses).map(isIpv6));
		const reachable = entry.reachable ?? true;
		const flows = (target?.addresses ?? [])
			.filter((address) => families.has(isIpv6(address)))
			// One each: an end may have another address, which it shares with other hosts.
			.filter((address, i, all) => all.findIndex((one) => isIpv6(one) === isIpv6(address)) === i)
			.map((address) => address.replace(/\/.*/, ""))
			.map((address) => ({
				from: sources[0]?.namespace ?? "",
				to: target?.namespace ?? "",
				address,
				...hostsOf(ends, address),
				...(traffic.port !== undefined && { port: traffic.port }),
				...(!reachable && { patience: IMPATIENT }),
			}));
		const where = traffic.port === undefined ? kind : `${kind} to port ${traffic.port}`;
		const how = protocols.length > 1 ? "ping, tcp and udp" : where;
		return {
			title: `${traffic.from} ${reachable ? "reaches" : "does not reach"} ${traffic.to} by ${how}`,
			protocols,
			flows,
			packets: traffic.packets ?? DATAGRAMS,
			reachable,
			actions: entry.actions ?? {},
		};
	});
}

/** All that have an address, where they are several. */
function hostsOf(ends: readonly End[], address: string): { hosts?: string[] } {
	const having = ends.filter(({ addresses }) => addresses.some((one) => one.startsWith(`${address}/`)));
	return having.length > 1 ? { hosts: having.map(({ namespace }) => namespace) } : {};
}

function trafficOf(entry: Entry): [Protocol | "reach", Traffic] {
	for (const kind of ["ping", "tcp", "udp", "reach"] as const) {
		const traffic = entry[kind];
		if (traffic) return [kind, traffic];
	}
	throw new Error("an expectation without traffic");
}

function isIpv6(address: string): boolean {
	return address.includes(":");
}

/** Sends what an expectation speaks of, over every family, and asserts what it says. */
export async function verify(machine: Machine, counters: Counters, expectation: Expectation): Promise<void> {
	expect(expectation.flows, "an address to send to").not.toHaveLength(0);
	for (const protocol of expectation.protocols) {
		const counts = await counters.during(Object.keys(expectation.actions), async () => {
			const results = expectation.flows.map(async (flow) => {
				const { arrived, least } = await send(machine, protocol, flow, expectation.packets);
				const what = `${protocol} from ${flow.from} to ${flow.address}`;
				if (expectation.reachable) expect(arrived, what).toBeGreaterThanOrEqual(least);
				else expect(arrived, what).toBe(0);
			});
			await Promise.all(results);
		});
		for (const [end, action] of Object.entries(expectation.actions)) {
			const counted = counts.get(end)?.[action] ?? 0;
			const least = expectation.flows.length * packetsOf(protocol, expectation.packets);
			// Other packets than these may pass, but none may be redirected or answered.
			const exact = protocol !== "tcp" && action !== "XDP_PASS";
			if (exact) expect(counted, `${action} of ${protocol} at ${end}`).toBe(least);
			else expect(counted, `${action} of ${protocol} at ${end}`).toBeGreaterThanOrEqual(least);
		}
	}
}

/** How many packets of a flow an end on its way sees at least. */
function packetsOf(protocol: Protocol, datagrams: number): number {
	return { ping: PINGS, tcp: 1, udp: datagrams }[protocol];
}

async function send(
	machine: Machine,
	protocol: Protocol,
	flow: Flow,
	datagrams: number,
): Promise<{ arrived: number; least: number }> {
	switch (protocol) {
		case "ping":
			return { arrived: await ping(machine, flow, { count: PINGS }), least: PINGS };
		case "tcp":
			return { arrived: await tcp(machine, flow), least: TCP_ARRIVES };
		case "udp":
			return { arrived: await udp(machine, flow, datagrams), least: datagrams };
	}
}
