import { parseTopology, TopologyError } from "../../lib/topology/index.js";
import { fc } from "../random.js";

/**
 * Files with everything that a topology can have, small and much alike, so that one turned into another
 * keeps some, changes some and loses some. Written as JSON, which YAML is a superset of.
 */

const HOST = "host";
const NAMESPACES = ["a", "b", "c"];
/** Pairs, by the number that their names and addresses have. */
const PAIRS = [0, 1, 2, 3];

type Fields = Record<string, unknown>;

/** A field that is there in one file of `many`. */
const oneOf = <T>(many: number, value: fc.Arbitrary<T>) =>
	fc.oneof({ arbitrary: fc.constant(undefined), weight: many - 1 }, { arbitrary: value, weight: 1 });
const maybe = <T>(value: fc.Arbitrary<T>) => oneOf(2, value);
const rarely = <T>(value: fc.Arbitrary<T>) => oneOf(4, value);

/** An end of pair `i`, on the side 1 or 2. */
function end(i: number, side: 1 | 2): fc.Arbitrary<Fields> {
	const address = fc.constantFrom(`10.${i}.0.${side}/24`, `10.${i}.0.${side}/24`, `10.${i}.0.${side}/28`);
	return fc
		.record(
			{
				first: fc.option(address, { nil: undefined, freq: 5 }),
				second: rarely(fc.constant(`10.${i}.0.${side + 4}/24`)),
				sixth: fc.option(fc.constant(`fc00:${i}::${side}/64`), { nil: undefined }),
				mtu: rarely(fc.constantFrom(1400, 3000, 9000)),
				mac: rarely(fc.constantFrom(`02:00:00:00:0${i}:0${side}`, `02:00:00:00:0${i}:1${side}`)),
				xdp: rarely(
					fc.constantFrom<unknown>("none", "pass", "drop", "icmp-echo", {
						program: "icmp-echo",
						attach: "generic",
					}),
				),
				offloads: rarely(fc.record({ tx: maybe(fc.boolean()), gro: maybe(fc.boolean()) })),
			},
			{ requiredKeys: ["first", "second", "sixth"] },
		)
		.map(({ first, second, sixth, ...rest }) => ({
			addresses: [first, second, sixth].filter((one) => one !== undefined),
			...rest,
		}));
}

interface Pair {
	i: number;
	/** Namespace and interface of each end. */
	ends: [[string, string], [string, string]];
	fields: [Fields, Fields];
}

function pair(i: number): fc.Arbitrary<Pair> {
	const place = fc.constantFrom(HOST, ...NAMESPACES, ...NAMESPACES);
	return fc.tuple(place, place, end(i, 1), end(i, 2)).map(([one, other, first, second]) => ({
		i,
		ends: [
			[one, `v${i}`],
			[other, one === other ? `w${i}` : `v${i}`],
		],
		fields: [first, second],
	}));
}

/** What a namespace is told, with the interfaces that it has and the addresses beyond each. */
function namespace(name: string, pairs: readonly Pair[]): fc.Arbitrary<Fields | null> {
	const links = pairs.flatMap(({ i, ends }) =>
		ends.flatMap(([at, link], side) => (at === name ? [{ i, link, peer: side === 0 ? 2 : 1 }] : [])),
	);
	const made = name !== HOST;
	const link = fc.constantFrom(...links.map(({ link }) => link), ...(links.length ? [] : ["none"]));
	const hop = (family: 4 | 6) =>
		fc.constantFrom(
			...links.map(({ i, peer }) => (family === 4 ? `10.${i}.0.${peer}` : `fc00:${i}::${peer}`)),
		);
	const attach = rarely(fc.constantFrom("native", "generic"));
	const peers = rarely(fc.constantFrom("program", "gro"));
	const forwarding = fc.oneof(
		fc.constant<unknown>("kernel"),
		fc.constant<unknown>("fib"),
		fc.record({ mode: fc.constant("fib"), cache: rarely(fc.boolean()), attach, peers }),
		fc.record({
			mode: fc.constantFrom("map", "hardcoded"),
			redirect: fc.dictionary(link, link, { minKeys: 1, maxKeys: 2 }),
			attach,
			peers,
		}),
	);
	const to4 = fc.constantFrom("10.100.0.0/16", "10.101.0.0/24", "10.102.0.0/16");
	const to6 = fc.constantFrom("fc00:100::/64", "fc00:101::/64");
	const metric = rarely(fc.constantFrom(50, 2000));
	const via = (family: 4 | 6, to: fc.Arbitrary<string>) =>
		fc.record({ to, via: fc.uniqueArray(hop(family), { minLength: 1, maxLength: 2 }), metric });
	const routes = fc.array(
		fc.oneof(
			via(4, to4),
			via(6, to6),
			fc.record({ to: to4, interface: link, metric }),
			...(made
				? [
						fc.record({
							to: fc.oneof(to4, to6),
							type: fc.constantFrom("blackhole", "unreachable", "prohibit"),
							metric,
						}),
					]
				: []),
		),
		{ maxLength: 2 },
	);
	const neighbor = link.chain((interfaceName) =>
		fc.record({
			ip: fc.constantFrom(`10.${interfaceName.slice(1)}.0.9`, `fc00:${interfaceName.slice(1)}::9`),
			mac: fc.constantFrom("02:00:00:00:00:09", "02:00:00:00:00:0a"),
			interface: fc.constant(interfaceName),
		}),
	);
	const bit = fc.constantFrom(0, 1);
	const own: fc.Arbitrary<Fields> = link.chain((one) =>
		fc.record({
			[`net.ipv4.conf.${one}.arp_ignore`]: maybe(fc.constantFrom(0, 1, 2)),
			[`net.ipv6.conf.${one}.forwarding`]: rarely(bit),
		}),
	);
	const global: fc.Arbitrary<Fields> = fc.record({
		"net.ipv4.conf.all.log_martians": maybe(bit),
		"net.ipv4.ip_default_ttl": maybe(fc.constantFrom(64, 63)),
		"net.ipv4.ip_forward": rarely(bit),
		"net.ipv6.conf.all.forwarding": rarely(bit),
	});
	if (links.length === 0) return fc.constant(null);
	return fc.record({
		forwarding: made ? fc.option(forwarding, { nil: undefined, freq: 1 }) : rarely(forwarding),
		routes: maybe(routes),
		...(made && { gateway: maybe(hop(4)) }),
		neighbors: rarely(fc.oneof(fc.constant<unknown>("learned"), fc.array(neighbor, { maxLength: 1 }))),
		sysctls: rarely(made ? fc.tuple(own, global).map(([a, b]) => ({ ...a, ...b })) : own),
	});
}

/** Without what is undefined, which JSON leaves out. */
function write(name: string, pairs: readonly Pair[], namespaces: readonly [string, Fields | null][]): string {
	const veths = pairs.map(({ ends, fields }) =>
		Object.fromEntries(ends.map(([at, link], i) => [`${at}:${link}`, fields[i]])),
	);
	return JSON.stringify({ name, namespaces: Object.fromEntries(namespaces), veths }, null, 1);
}

function isValid(text: string): boolean {
	try {
		parseTopology(text, "lab.yaml");
		return true;
	} catch (error) {
		if (error instanceof TopologyError) return false;
		throw error;
	}
}

/** A valid topology of this lab, as the text of a file. */
export function topologyOf(lab: string): fc.Arbitrary<string> {
	return fc
		.subarray(PAIRS, { minLength: 1 })
		.chain((numbers) => fc.tuple(...numbers.map(pair)))
		.chain((pairs) => {
			const used = new Set(pairs.flatMap(({ ends }) => ends.map(([at]) => at)));
			const names = [HOST, ...NAMESPACES].filter((name) => used.has(name));
			return fc
				.tuple(...names.map((name) => fc.tuple(fc.constant(name), namespace(name, pairs))))
				.map((namespaces) => write(lab, pairs, namespaces));
		})
		.filter(isValid);
}
