import { parseTopology } from "../../../lib/topology/parse-topology.js";
import type { Topology } from "../../../lib/topology/topology.js";

/** A file of one router by `forwarding` and two hosts. */
export function small(forwarding = "fib"): Topology {
	return parse(`name: small
namespaces:
  r: { forwarding: ${forwarding} }
  uno: {}
  dos: {}
veths:
  - r:uno: [10.0.1.1/24, "fc00:1::1/64"]
    uno:veth0: [10.0.1.2/24, "fc00:1::2/64"]
  - r:dos: 10.0.2.1/24
    dos:veth0: 10.0.2.2/24
`);
}

/** A ring of routers, each with hosts of its own. */
export function ring(routers: number, hosts: number): Topology {
	const all = Array.from({ length: routers }, (_, i) => i);
	const each = all.flatMap((i) => Array.from({ length: hosts }, (_, j) => `h${i}-${j}`));
	const veths = all.flatMap((i) => [
		`  - { "r${i}:next": 10.${i}.250.1/24, "r${(i + 1) % routers}:prev": 10.${i}.250.2/24 }`,
		...Array.from(
			{ length: hosts },
			(_, j) => `  - { "r${i}:h${j}": 10.${i}.${j}.1/24, "h${i}-${j}:veth0": 10.${i}.${j}.2/24 }`,
		),
	]);
	return parse(
		[
			"name: ring",
			"namespaces:",
			...all.map((i) => `  r${i}: { forwarding: fib }`),
			...each.map((name) => `  ${name}: {}`),
			"veths:",
			...veths,
			"",
		].join("\n"),
	);
}

/** A pair between a namespace and an interface of these names. */
export function named(namespace: string, link: string): Topology {
	const quoted = (text: string) => JSON.stringify(text);
	return parse(`name: odd
namespaces: { ${quoted(namespace)}: {}, other: {} }
veths:
  - { ${quoted(`${namespace}:${link}`)}: 10.0.0.1/24, "other:veth0": 10.0.0.2/24 }
`);
}

export function parse(text: string): Topology {
	return parseTopology(text, "test.yaml");
}
