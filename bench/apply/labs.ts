/** The labs that are measured. Both have FIB forwarding, both families, routes, and XDP on every end. */
export type Shape = "star" | "ring";

/** The text of a topology of so many namespaces. */
export function lab(shape: Shape, namespaces: number): string {
	return shape === "star" ? star(range(namespaces - 1)) : ring(namespaces);
}

/**
 * A star with a small lab by maps beside it, in two versions that differ in one redirect, one route and
 * one program.
 */
export function editedStar(namespaces: number): [before: string, after: string] {
	const beside = range(3).map((i) => namespaces + i);
	const version = (edited: boolean) => {
		const [to, xdp, routes] = edited
			? ["p1", "drop", `, routes: [{ to: 192.0.2.0/24, via: ${ipv4(0, 1)} }]`]
			: ["p0", "pass", ""];
		const text = star(range(namespaces - 5))
			.replace(
				"namespaces:\n",
				`namespaces:\n  m: { forwarding: { mode: map, redirect: { p0: p1, p1: p0, p2: ${to} } } }\n${beside.map((_, i) => `  m${i}:\n`).join("")}`,
			)
			.replace(/( {2}h0: \{ gateway: [^\n]*) \}/, `$1${routes} }`)
			.replace(/ {4}h1:veth0: (\[[^\n]*\])/, `    h1:veth0: { addresses: $1, xdp: ${xdp} }`);
		return `${text}${beside.map((subnet, i) => link(subnet, `m:p${i}`, `m${i}:veth0`)).join("\n")}\n`;
	};
	return [version(false), version(true)];
}

/** One router in the middle, and a host at each of its interfaces. */
function star(hosts: number[]): string {
	return `name: star
namespaces:
  r: { forwarding: fib }
${hosts.map((i) => `  h${i}: { gateway: [${ipv4(i, 1)}, "${ipv6(i, 1)}"] }`).join("\n")}
veths:
${hosts.map((i) => link(i, `r:h${i}`, `h${i}:veth0`)).join("\n")}
`;
}

/** Every namespace a router: `east` leads to the next one, `west` to the one before. */
function ring(namespaces: number): string {
	const routers = range(namespaces);
	const before = (i: number, steps: number) => (i + namespaces - steps) % namespaces;
	// The way round by east, but for the link that is the one before last to the west.
	const routes = (i: number) => {
		const [west, far] = [before(i, 1), before(i, 2)];
		const ways = [
			`{ to: ${ipv4(far, 0)}/24, via: ${ipv4(west, 1)} }`,
			`{ to: "${ipv6(far, 0)}/64", via: "${ipv6(west, 1)}" }`,
		];
		return `gateway: [${ipv4(i, 2)}, "${ipv6(i, 2)}"], routes: [${ways.join(", ")}]`;
	};
	return `name: ring
namespaces:
${routers.map((i) => `  r${i}: { forwarding: fib, ${routes(i)} }`).join("\n")}
veths:
${routers.map((i) => link(i, `r${i}:east`, `r${(i + 1) % namespaces}:west`)).join("\n")}
`;
}

function link(subnet: number, one: string, other: string): string {
	return `  - ${one}: [${ipv4(subnet, 1)}/24, "${ipv6(subnet, 1)}/64"]
    ${other}: [${ipv4(subnet, 2)}/24, "${ipv6(subnet, 2)}/64"]`;
}

function ipv4(subnet: number, host: number): string {
	return `10.${subnet >> 8}.${subnet & 255}.${host}`;
}

function ipv6(subnet: number, host: number): string {
	return `fc00:${subnet.toString(16)}::${host === 0 ? "" : host}`;
}

function range(length: number): number[] {
	return Array.from({ length }, (_, i) => i);
}
