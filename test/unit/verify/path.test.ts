import { describe, expect, test } from "vitest";
import { type Route, RTPROT_STATIC } from "../../../lib/netlink/route.js";
import type { LabEnd, NamespaceSnapshot, Pair, Snapshot } from "../../../lib/snapshot/snapshot.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";
import type { EndName, Topology } from "../../../lib/topology/topology.js";
import { pathOf } from "../../../lib/verify/path.js";

/** Of a namespace: its routes, `PREFIX [via GATEWAY] INTERFACE` or `PREFIX TYPE`. */
type Routes = Record<string, string[]>;

/** A snapshot of a topology as it was applied, with these routes beside those of its subnets. */
function snapshotOf(topology: Topology, routes: Routes): Snapshot {
	const indexes = new Map(topology.veths.flatMap(({ ends }) => ends).map(({ name }, i) => [name, i + 1]));
	const index = (end: string) => indexes.get(end as EndName) ?? 0;
	const namespaces = new Map<string, NamespaceSnapshot>();
	for (const { name } of topology.namespaces) {
		const own = topology.veths.flatMap(({ ends }) => ends).filter(({ namespace }) => namespace === name);
		const addresses = own.flatMap((end) =>
			end.addresses.map((prefix) => ({
				index: index(end.name),
				prefix,
				permanent: true,
				secondary: false,
				byKernel: false,
			})),
		);
		const subnets = addresses.map(({ index, prefix }) => route(prefix, [{ index }]));
		const more = (routes[name] ?? []).map((text) => parseRoute(text, (link) => index(`${name}:${link}`)));
		namespaces.set(name, { name, made: true, links: [], addresses, routes: [...subnets, ...more] } as never);
	}
	const pairs = topology.veths.map(({ ends }): Pair => {
		const [a, b] = ends.map(({ name, namespace, interface: link }) => ({
			name,
			namespace: namespaces.get(namespace),
			link: { index: index(name), name: link },
		})) as unknown as [LabEnd, LabEnd];
		return { ends: [a, b], numbered: true };
	});
	const ends = new Map(pairs.flatMap(({ ends }) => ends.map((end) => [end.name, end])));
	return { namespaces, pairs, ends } as unknown as Snapshot;
}

function parseRoute(text: string, indexOf: (link: string) => number): Route {
	const [, to = "", gateway, last = ""] = /^(\S+)(?: via (\S+))? (\S+)$/.exec(text) ?? [];
	if (last === "blackhole") return { ...route(to, []), type: last };
	return route(to, [{ index: indexOf(last), gateway }]);
}

function route(to: string, hops: Route["hops"]): Route {
	return { to, type: "unicast", hops, metric: 0, source: undefined, protocol: RTPROT_STATIC };
}

/** `uno > r1:uno r1:r2 > …`, where packets come in and leave; then why they go no further. */
function trace(text: string, routes: Routes, from: string, address: string): string {
	const topology = parseTopology(text, "lab.yaml");
	const { hops, stop } = pathOf(snapshotOf(topology, routes), topology, from, address);
	const steps = hops.map(({ ingress, egress, next }) =>
		[ingress?.name, egress && `${egress.name}${next === undefined ? "" : ` to ${next}`}`]
			.filter(Boolean)
			.join(" → "),
	);
	return [...steps.filter(Boolean), ...(stop === undefined ? [] : [stop])].join(" | ");
}

const routers = `name: x
namespaces: { uno: , dos: , r1: { forwarding: fib }, r2: { forwarding: fib } }
veths:
  - { uno:veth0: 10.0.1.2/24, r1:uno: 10.0.1.1/24 }
  - { dos:veth0: 10.0.2.2/24, r2:dos: 10.0.2.1/24 }
  - { r1:r2: 10.12.0.1/24, r2:r1: 10.12.0.2/24 }
  - { r1:spare: 10.13.0.1/24, r2:spare: 10.13.0.2/24 }
`;

describe("a packet's path", () => {
	test("follows the routes from namespace to namespace", () => {
		const routes = { uno: ["0.0.0.0/0 via 10.0.1.1 veth0"], r1: ["10.0.2.0/24 via 10.12.0.2 r2"] };
		expect(trace(routers, routes, "uno", "10.0.2.2")).toBe(
			"uno:veth0 to 10.0.1.1 | r1:uno → r1:r2 to 10.12.0.2 | r2:r1 → r2:dos to 10.0.2.2 | dos:veth0",
		);
	});

	test("takes the longest prefix", () => {
		const r1 = ["0.0.0.0/0 via 10.12.0.2 r2", "10.0.2.2/32 via 10.13.0.2 spare", "10.0.0.0/8 blackhole"];
		expect(trace(routers, { r1 }, "r1", "10.0.2.2")).toBe(
			"r1:spare to 10.13.0.2 | r2:spare → r2:dos to 10.0.2.2 | dos:veth0",
		);
		expect(trace(routers, { r1 }, "r1", "10.0.3.1")).toBe("the route of r1 to 10.0.0.0/8 is a blackhole");
	});

	test("ends where there is no route, of the packet's own family", () => {
		const uno = ["::/0 via fc00::1 veth0"];
		expect(trace(routers, { uno }, "uno", "10.0.2.2")).toBe("uno has no route to 10.0.2.2");
	});

	test("ends in a loop", () => {
		const routes = { r1: ["0.0.0.0/0 via 10.12.0.2 r2"], r2: ["10.0.9.0/24 via 10.12.0.1 r1"] };
		expect(trace(routers, routes, "r1", "10.0.9.9")).toMatch(/packets to 10\.0\.9\.9 go round in a loop$/);
	});

	test("follows a redirect, whoever the packet is for", () => {
		const text = `name: x
namespaces: { host: { forwarding: { mode: map, redirect: { uno: dos } } }, uno: , dos: }
veths:
  - { uno:veth0: 10.0.1.2/24, host:uno: 10.0.1.1/24 }
  - { dos:veth0: 10.0.2.2/24, host:dos: 10.0.2.1/24 }
`;
		expect(trace(text, {}, "uno", "10.0.1.1")).toBe(
			"uno:veth0 to 10.0.1.1 | host:uno → host:dos | dos:veth0 | dos has no route to 10.0.1.1",
		);
	});
});
