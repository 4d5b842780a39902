/** Labs of routers and hosts in regular shapes, of any size, for tests that no shipped file makes. */

export type Family = 4 | 6;

/** A host behind a router. */
export interface Host {
	/** Of its namespace. */
	name: string;
	addresses: string[];
}

export interface Shape {
	/** The topology as text; YAML is a superset of JSON. */
	text: string;
	hosts: Host[];
	/** The ends of routers that a packet between two hosts comes in by, in order. */
	path(from: Host, to: Host): string[];
}

export interface ShapeOptions {
	name?: string;
	families?: readonly Family[];
	mtu?: number;
	/** Of every router; the default is `fib`. */
	forwarding?: unknown;
	/** What the routers' names begin with. */
	router?: string;
	/** The names of the hosts, which are also those of the routers' interfaces to them. */
	names?: readonly string[];
	/** The hosts' own interface. */
	inner?: string;
	/** Sets addresses of labs side by side apart. */
	site?: number;
}

type Address = { [family in Family]: string };

interface Parts {
	namespaces: Record<string, unknown>;
	veths: Record<string, unknown>[];
}

/** Routers in a ring, a host behind each. Packets take the shorter way; of two equal ones, upwards. */
export function ring(size: number, options: ShapeOptions = {}): Shape {
	const { forwarding = "fib", router = "r" } = options;
	const parts: Parts = { namespaces: {}, veths: [] };
	const hosts = range(size).map((i) => addHost(parts, `${router}${i}`, i, options));
	const next = (i: number) => (i + 1) % size;
	const step = (from: number, to: number) => ((to - from + size) % size <= size / 2 ? 1 : size - 1);
	const side = (i: number, to: number): Address =>
		to === next(i) ? address(options, 100 + i, 1) : address(options, 100 + to, 2);

	for (const i of range(size)) {
		const routes = range(size)
			.filter((to) => to !== i)
			.flatMap((to) => {
				const neighbour = (i + step(i, to)) % size;
				const [prefix, via] = [address(options, to, 0), side(neighbour, i)];
				return families(options).map((family) => ({
					to: `${prefix[family]}/${LENGTH[family]}`,
					via: via[family],
				}));
			});
		parts.namespaces[`${router}${i}`] = { forwarding, routes };
		parts.veths.push({
			[`${router}${i}:r${next(i)}`]: end(options, side(i, next(i))),
			[`${router}${next(i)}:r${i}`]: end(options, side(next(i), i)),
		});
	}
	return {
		text: write(parts, options),
		hosts,
		path: (from, to) => {
			const [first, last] = [hosts.indexOf(from), hosts.indexOf(to)];
			const ends = [`${router}${first}:${from.name}`];
			for (let at = first; at !== last; ) {
				const on = (at + step(at, last)) % size;
				ends.push(`${router}${on}:r${at}`);
				at = on;
			}
			return ends;
		},
	};
}

/** Hosts around one router. */
export function star(size: number, options: ShapeOptions = {}): Shape {
	const { forwarding = "fib", router = "hub" } = options;
	const parts: Parts = { namespaces: { [router]: { forwarding } }, veths: [] };
	const hosts = range(size).map((i) => addHost(parts, router, i, options));
	return { text: write(parts, options), hosts, path: (from) => [`${router}:${from.name}`] };
}

function addHost(parts: Parts, router: string, i: number, options: ShapeOptions): Host {
	const { names, inner = "veth0" } = options;
	const name = names?.[i] ?? `h${i}`;
	const [gateway, own] = [address(options, i, 1), address(options, i, 2)];
	parts.namespaces[name] = { gateway: families(options).map((family) => gateway[family]) };
	parts.veths.push({
		[`${router}:${name}`]: end(options, gateway),
		[`${name}:${inner}`]: end(options, own),
	});
	return { name, addresses: families(options).map((family) => own[family]) };
}

const LENGTH: Record<Family, number> = { 4: 24, 6: 64 };

/** Host `host` of network `network`; 0 is the network itself. */
function address({ site = 1 }: ShapeOptions, network: number, host: number): Address {
	return { 4: `10.${site}.${network}.${host}`, 6: `fc00:${site}:${network}::${host || ""}` };
}

function end(options: ShapeOptions, address: Address) {
	const addresses = families(options).map((family) => `${address[family]}/${LENGTH[family]}`);
	return { addresses, ...(options.mtu !== undefined && { mtu: options.mtu }) };
}

function families({ families = [4, 6] }: ShapeOptions): readonly Family[] {
	return families;
}

function write({ namespaces, veths }: Parts, { name = "shape" }: ShapeOptions): string {
	return `${JSON.stringify({ name, namespaces, veths }, null, 1)}\n`;
}

function range(size: number): number[] {
	return Array.from({ length: size }, (_, i) => i);
}
