import { describe, expect, test } from "vitest";
import type { RouteAnswer } from "../../../lib/kernel/route-lookup.js";
import type { LabEnd, NamespaceSnapshot, Pair, Snapshot } from "../../../lib/snapshot/snapshot.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";
import type { EndName, Topology } from "../../../lib/topology/topology.js";
import { groundOf } from "../../../lib/verify/ground.js";
import { HASH_POLICY } from "../../../lib/verify/hops.js";
import { pathOf, type Stage } from "../../../lib/verify/path.js";

/**
 * What the kernel answers, by namespace: `local`, `INTERFACE [via GATEWAY], …` (the first is what the hash
 * chooses), or an errno. A namespace that is not there has no route.
 */
type Answers = Record<string, string | number>;

const ENETUNREACH = 101;

/** A snapshot of a topology as it was applied, in which every next hop is known. */
function snapshotOf(topology: Topology, lacking: readonly string[]): Snapshot {
	const all = topology.veths.flatMap(({ ends }) => ends);
	const indexes = new Map(all.map(({ name }, i) => [name, i + 1]));
	const link = (name: EndName, interfaceName: string) => ({
		index: indexes.get(name),
		name: interfaceName,
		mac: `mac of ${name}`,
		up: true,
	});
	const namespaces = new Map<string, NamespaceSnapshot>();
	for (const { name } of topology.namespaces) {
		const neighbors = topology.veths
			.flatMap(({ ends: [a, b] }) => [[a, b] as const, [b, a] as const])
			.filter(([own]) => own.namespace === name)
			.flatMap(([own, peer]) =>
				peer.addresses.map((prefix) => ({
					index: indexes.get(own.name),
					ip: prefix.replace(/\/.*/, ""),
					mac: `mac of ${peer.name}`,
				})),
			)
			.filter(({ ip }) => !lacking.includes(ip));
		const sysctls = new Map([[HASH_POLICY, "0"]]);
		namespaces.set(name, { name, links: [], addresses: [], routes: [], neighbors, sysctls } as never);
	}
	const pairs = topology.veths.map(({ ends }): Pair => {
		const [a, b] = ends.map(({ name, namespace, interface: link_ }) => ({
			name,
			namespace: namespaces.get(namespace),
			link: link(name, link_),
		})) as unknown as [LabEnd, LabEnd];
		return { ends: [a, b], numbered: true };
	});
	const ends = new Map(pairs.flatMap(({ ends }) => ends.map((end) => [end.name, end])));
	return { namespaces, pairs, ends } as unknown as Snapshot;
}

function answer({ ends }: Snapshot, namespace: string, text: string | number, whole: boolean): RouteAnswer {
	if (typeof text === "number") return { errno: text };
	if (text === "local") return { type: "local", hops: [], source: undefined };
	const hops = text.split(", ").map((hop) => {
		const [name = "", gateway] = hop.split(" via ");
		return { index: ends.get(`${namespace}:${name}`)?.link.index ?? 0, gateway };
	});
	// The kernel's order of equal paths is not that of its choice.
	return { type: "unicast", hops: whole ? hops.toReversed() : hops.slice(0, 1), source: undefined };
}

/** `uno:veth0 to 10.0.1.1 | r1:uno → r1:r2 …`, where packets come in and leave; then why they go no further. */
function trace(text: string, answers: Answers, from: string, destination: string, lacking: string[] = []) {
	const topology = parseTopology(text, "lab.yaml");
	const snapshot = snapshotOf(topology, lacking);
	const ask = (name: string, _: unknown, whole: boolean) =>
		answer(snapshot, name, answers[name] ?? ENETUNREACH, whole);
	const journey = { from, destination, source: "10.0.1.2", protocol: 1, to: ["dos"] };
	return describeStage(pathOf(groundOf(snapshot, topology, true, ask), journey));
}

function describeStage({ hops }: Stage): string {
	const paths = hops.map(({ ingress, egress, next, stop, behind }) => {
		const out = egress && `${egress.name}${next === undefined ? "" : ` to ${next}`}`;
		const steps = [[ingress?.name, out].filter(Boolean).join(" → "), behind && describeStage(behind), stop];
		return steps.filter(Boolean).join(" | ");
	});
	return paths.length === 1 ? (paths[0] ?? "") : paths.map((path) => `{ ${path} }`).join(" or ");
}

const routers = `name: x
namespaces: { uno: , dos: , r1: { forwarding: fib }, r2: { forwarding: fib } }
veths:
  - { uno:veth0: 10.0.1.2/24, r1:uno: 10.0.1.1/24 }
  - { dos:veth0: 10.0.2.2/24, r2:dos: 10.0.2.1/24 }
  - { r1:r2: 10.12.0.1/24, r2:r1: 10.12.0.2/24 }
  - { r1:spare: 10.13.0.1/24, r2:spare: 10.13.0.2/24 }
`;

const THERE = { uno: "veth0 via 10.0.1.1", r1: "r2 via 10.12.0.2", r2: "dos", dos: "local" };

describe("a packet's path", () => {
	test("follows the kernel's routes from namespace to namespace", () => {
		expect(trace(routers, THERE, "uno", "10.0.2.2")).toBe(
			"uno:veth0 to 10.0.1.1 | r1:uno → r1:r2 to 10.12.0.2 | r2:r1 → r2:dos to 10.0.2.2 | dos:veth0",
		);
	});

	test("is the one that the kernel chooses among equal paths, if that leads on", () => {
		const r1 = "spare via 10.13.0.2, r2 via 10.12.0.2";
		expect(trace(routers, { ...THERE, r1 }, "uno", "10.0.2.2")).toBe(
			"uno:veth0 to 10.0.1.1 | r1:uno → r1:spare to 10.13.0.2 | r2:spare → r2:dos to 10.0.2.2 | dos:veth0",
		);
	});

	test("is all of equal paths, if the one that the kernel chooses does not lead on", () => {
		const r1 = "spare via 10.13.0.9, r2 via 10.12.0.2";
		expect(trace(routers, { ...THERE, r1 }, "uno", "10.0.2.2")).toBe(
			"uno:veth0 to 10.0.1.1 | { r1:uno → r1:spare to 10.13.0.9 | r1:spare has no neighbour 10.13.0.9 }" +
				" or { r1:uno → r1:r2 to 10.12.0.2 | r2:r1 → r2:dos to 10.0.2.2 | dos:veth0 }",
		);
	});

	test("is all of equal paths of the sender's own packets, whose ports nobody knows yet", () => {
		const uno = "veth0 via 10.0.1.1, veth0 via 10.0.1.9";
		expect(trace(routers, { ...THERE, uno }, "uno", "10.0.2.2", ["10.0.1.1"])).toBe(
			"{ uno:veth0 to 10.0.1.9 | uno:veth0 has no neighbour 10.0.1.9 }" +
				" or { uno:veth0 to 10.0.1.1 | uno:veth0 has no neighbour 10.0.1.1 }",
		);
	});

	test("ends where nobody knows the neighbour, whatever is behind", () => {
		expect(trace(routers, { ...THERE, r2: "r1" }, "uno", "10.0.2.2", ["10.12.0.2"])).toBe(
			"uno:veth0 to 10.0.1.1 | r1:uno → r1:r2 to 10.12.0.2 | r1:r2 has no neighbour 10.12.0.2",
		);
	});

	test.each<[string, Answers, string]>([
		["where there is no route", { uno: ENETUNREACH }, "uno has no route to 10.0.2.2"],
		["in the sender that has the address", { uno: "local" }, "uno has 10.0.2.2 itself, nothing is sent"],
		[
			"in another namespace that has the address",
			{ ...THERE, r2: "local" },
			"r2 has 10.0.2.2 as well: packets end there",
		],
		[
			"in a loop",
			{ ...THERE, r2: "r1 via 10.12.0.1", r1: "r2 via 10.12.0.2" },
			"packets to 10.0.2.2 go round in a loop: r1:r2 sends them to r2:r1 again",
		],
		[
			"where a rule drops",
			{ uno: 22 },
			"uno sends nothing to 10.0.2.2: a rule or a route outside the main table is a blackhole",
		],
	])("ends %s", (_, answers, stop) => {
		expect(trace(routers, answers, "uno", "10.0.2.2").split(" | ").at(-1)).toBe(stop);
	});

	test("of more hops than a TTL allows ends with it", () => {
		const chain = Array.from({ length: 70 }, (_, i) => i);
		const text = `name: x
namespaces: { dos: , ${chain.map((i) => `r${i}: { forwarding: fib }`).join(", ")} }
veths:
${chain.map((i) => `  - { r${i}:up: 10.1.${i}.1/24, ${i < 69 ? `r${i + 1}:down` : "dos:veth0"}: 10.1.${i}.2/24 }\n`).join("")}`;
		const answers = Object.fromEntries(chain.map((i) => [`r${i}`, `up via 10.1.${i}.2`]));
		const path = trace(text, { ...answers, dos: "local" }, "r0", "10.0.2.2");
		expect(path.split(" | ").at(-1)).toBe("the TTL of packets to 10.0.2.2 is used up at r64:down");
	});

	test("follows a redirect, whoever the packet is for", () => {
		const text = `name: x
namespaces: { host: { forwarding: { mode: map, redirect: { uno: dos } } }, uno: , dos: }
veths:
  - { uno:veth0: 10.0.1.2/24, host:uno: 10.0.1.1/24 }
  - { dos:veth0: 10.0.2.2/24, host:dos: 10.0.2.1/24 }
`;
		expect(trace(text, { uno: "veth0" }, "uno", "10.0.1.1")).toBe(
			"uno:veth0 to 10.0.1.1 | host:uno → host:dos | dos:veth0 | dos has no route to 10.0.1.1",
		);
	});
});
