import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as frame from "./frame.js";
import { type Namespace, router } from "./namespace.js";
import { FIRST, Program, u32 } from "./program.js";

const LEFT = FIRST;
const RIGHT = FIRST + 1;
const THIRD = FIRST + 2;
/** Below the lab's window, right before it, and above it: so far that the low 16 and 24 bits are a port's. */
const LOW = 900;
const BEFORE = FIRST - 1;
const HIGH = FIRST + 2 ** 30;

let namespace: Namespace;

beforeAll(() => {
	namespace = router([
		{ name: "left", ifindex: LEFT, subnet: 1 },
		{ name: "right", ifindex: RIGHT, subnet: 2 },
		{ name: "third", ifindex: THIRD, subnet: 3 },
		{ name: "low", ifindex: LOW, subnet: 4 },
		{ name: "high", ifindex: HIGH, subnet: 5 },
		{ name: "before", ifindex: BEFORE, subnet: 6 },
	]);
	namespace.ip(`
link set dev third mtu 65535
route add blackhole 10.9.1.0/24
route add unreachable 10.9.2.0/24
route add prohibit 10.9.3.0/24
route add 10.8.0.0/16 nexthop via 10.2.0.2 nexthop via 10.3.0.2
route add 10.7.0.0/16 via inet6 fc00:2::2 dev right
route add blackhole fc00:9:1::/64
route add unreachable fc00:9:2::/64
route add prohibit fc00:9:3::/64
route add fc00:8::/64 nexthop via fc00:2::2 nexthop via fc00:3::2
route add 10.2.0.0/24 via 10.3.0.2 table 100
route add fc00:2::/64 via fc00:3::2 table 100
route add 0.0.0.0/8 via 10.2.0.2
route add 127.0.0.0/8 via 10.2.0.2
route add 169.254.0.0/16 via 10.2.0.2
route add 224.0.0.0/4 via 10.2.0.2
route add 240.0.0.0/4 via 10.2.0.2`);
	const rules = (source: string, destination: string) =>
		["tos 0x10", "ipproto tcp dport 8080", "sport 8081", "ipproto gre", `from ${source}`]
			.map((selector, i) => `rule add pref ${10 + i} ${selector} to ${destination} lookup 100`)
			.join("\n");
	namespace.ip(rules("10.1.0.9", "10.2.0.0/24"));
	namespace.ip(rules("fc00:1::9", "fc00:2::/64"), "-6");
});

afterAll(() => namespace.close());

describe.each([{ cache: true }, { cache: false }])("xdp_fib, cache: $cache", ({ cache }) => {
	let program: Program;
	const run = (bytes: Buffer, ingress = LEFT) => namespace.within(() => program.run(bytes, ingress));

	beforeAll(() => {
		program = Program.load("fib", { cache });
		for (const ifindex of [LEFT, RIGHT, THIRD])
			namespace.within(() => program.set("ports", ifindex - FIRST, u32(ifindex)));
	});
	afterAll(() => program.close());

	const { byVethAndWire, endMac, hostMac, ipv4, ipv6, ports, ICMP, TCP, UDP, GRE, ESP, ICMPV6 } = frame;
	const through = (subnet: number) => ({ source: endMac(subnet), destination: hostMac(subnet) });
	const DSTOPTS = Buffer.from([UDP, 0, 1, 4, 0, 0, 0, 0, 0, 80, 0, 80, 0, 8, 0, 0]);
	const fragment = (protocol: number) =>
		Buffer.concat([Buffer.from([protocol, 0, 0, 1, 0, 0, 0, 9]), ports(7, 7)]);
	const large = (length: number) => Buffer.alloc(length, 0x5a);

	test.each<[string, Buffer, Buffer]>([
		["an IPv4 packet", ipv4(), ipv4({ ttl: 63 }, through(2))],
		["an IPv4 packet with the largest TTL", ipv4({ ttl: 255 }), ipv4({ ttl: 254 }, through(2))],
		["an IPv4 packet with one hop left after this", ipv4({ ttl: 2 }), ipv4({ ttl: 1 }, through(2))],
		[
			"an IPv4 packet of no payload",
			ipv4({ payload: large(0) }),
			ipv4({ payload: large(0), ttl: 63 }, through(2)),
		],
		[
			"an IPv4 packet of odd length",
			ipv4({ payload: large(3) }),
			ipv4({ payload: large(3), ttl: 63 }, through(2)),
		],
		[
			"padding behind an IPv4 packet",
			ipv4({}, { padding: 18 }),
			ipv4({ ttl: 63 }, { ...through(2), padding: 18 }),
		],
		["the first fragment", ipv4({ fragment: 0x2000 }), ipv4({ fragment: 0x2000, ttl: 63 }, through(2))],
		["a later fragment", ipv4({ fragment: 0x00b9 }), ipv4({ fragment: 0x00b9, ttl: 63 }, through(2))],
		[
			"an IPv4 packet of exactly the MTU",
			ipv4({ payload: large(1480) }),
			ipv4({ payload: large(1480), ttl: 63 }, through(2)),
		],
		[
			"padding behind an IPv4 packet of exactly the MTU",
			ipv4({ payload: large(1480) }, { padding: 4 }),
			ipv4({ payload: large(1480), ttl: 63 }, { ...through(2), padding: 4 }),
		],
		[
			"as much padding as the egress takes",
			ipv4({}, { padding: 1476 }),
			ipv4({ ttl: 63 }, { ...through(2), padding: 1476 }),
		],
		[
			"IPv4 with a next hop of IPv6",
			ipv4({ destination: "10.7.1.1" }),
			ipv4({ destination: "10.7.1.1", ttl: 63 }, through(2)),
		],
		["an IPv6 packet", ipv6(), ipv6({ hopLimit: 63 }, through(2))],
		["an IPv6 packet with one hop left after this", ipv6({ hopLimit: 2 }), ipv6({ hopLimit: 1 }, through(2))],
		[
			"an IPv6 packet of no payload",
			ipv6({ payload: large(0), protocol: 59 }),
			ipv6({ payload: large(0), protocol: 59, hopLimit: 63 }, through(2)),
		],
		[
			"padding behind an IPv6 packet",
			ipv6({}, { padding: 9 }),
			ipv6({ hopLimit: 63 }, { ...through(2), padding: 9 }),
		],
		[
			"an IPv6 packet of exactly the MTU",
			ipv6({ payload: large(1460) }),
			ipv6({ payload: large(1460), hopLimit: 63 }, through(2)),
		],
		[
			"an IPv4 packet of a jumbo frame",
			ipv4({ destination: "10.3.0.2", payload: large(8980) }),
			ipv4({ destination: "10.3.0.2", payload: large(8980), ttl: 63 }, through(3)),
		],
		[
			"an IPv6 packet of a jumbo frame",
			ipv6({ destination: "fc00:3::2", payload: large(8960) }),
			ipv6({ destination: "fc00:3::2", payload: large(8960), hopLimit: 63 }, through(3)),
		],
		[
			"an IPv6 fragment",
			ipv6({ protocol: 44, payload: fragment(UDP) }),
			ipv6({ protocol: 44, payload: fragment(UDP), hopLimit: 63 }, through(2)),
		],
		[
			"a packet from the first address behind ::/64",
			ipv6({ source: "0:0:0:1::" }),
			ipv6({ source: "0:0:0:1::", hopLimit: 63 }, through(2)),
		],
		[
			"a frame to the MAC of another, which a veth takes in as well",
			ipv4({}, { destination: hostMac(3) }),
			ipv4({ ttl: 63 }, through(2)),
		],
		[
			"a packet from an address of the router's own",
			ipv4({ source: "10.2.0.1" }),
			ipv4({ source: "10.2.0.1", ttl: 63 }, through(2)),
		],
	])("forwards %s", (_, ...frames) => {
		for (const [sent, expected] of byVethAndWire(...frames)) {
			// Twice: by a lookup, and by what the first left in the cache.
			expect(run(sent)).toEqual({ verdict: "redirect", frame: expected });
			expect(run(sent)).toEqual({ verdict: "redirect", frame: expected });
		}
	});

	const v4 = (ip: Partial<frame.Ipv4>) => (ttl: number, link: Partial<frame.Ethernet>) =>
		ipv4({ ...ip, ttl }, link);
	const v6 = (ip: Partial<frame.Ipv6>) => (hopLimit: number, link: Partial<frame.Ethernet>) =>
		ipv6({ ...ip, hopLimit }, link);
	const from = { protocol: TCP, payload: ports(8081, 9, 20) };
	const to = { protocol: TCP, payload: ports(9, 8080, 20) };

	test.each<[string, (ttl: number, link: Partial<frame.Ethernet>) => Buffer, subnet: number]>([
		["a TOS", v4({ tos: 0x10 }), 3],
		["a traffic class", v6({ flow: 0x10 << 20 }), 3],
		["an IPv4 source", v4({ source: "10.1.0.9" }), 3],
		["an IPv6 source", v6({ source: "fc00:1::9" }), 3],
		["a destination port of IPv4", v4(to), 3],
		["a destination port of IPv4 that must not be fragmented", v4({ ...to, fragment: 0x4000 }), 3],
		["a destination port of IPv6", v6(to), 3],
		["a source port of IPv4", v4(from), 3],
		["a source port of IPv6", v6(from), 3],
		["an IPv4 protocol", v4({ protocol: GRE }), 3],
		["an IPv6 next header", v6({ protocol: GRE }), 3],
		["an IPv4 protocol in fragments", v4({ protocol: GRE, fragment: 0x2000 }), 3],
		["an IPv6 next header in fragments", v6({ protocol: 44, payload: fragment(GRE) }), 3],
		["a port, but not ICMP", v4({ ...from, protocol: ICMP }), 2],
		["a port, but not ICMPv6", v6({ ...from, protocol: ICMPV6 }), 2],
		["a port, but not the first IPv4 fragment", v4({ ...to, fragment: 0x2000 }), 2],
		["a port, but not a later IPv4 fragment", v4({ ...to, fragment: 0x1000 }), 2],
		[
			"a port, but not an IPv6 fragment",
			v6({ protocol: 44, payload: Buffer.concat([fragment(TCP).subarray(0, 8), to.payload]) }),
			2,
		],
	])("forwards as the kernel's rules say by %s", (_, build, subnet) => {
		for (const [sent, expected] of byVethAndWire(build(64, {}), build(63, through(subnet))))
			for (let round = 0; round < 2; round++)
				expect(run(sent)).toEqual({ verdict: "redirect", frame: expected });
	});

	test.each<[string, Buffer]>([
		["TTL 1", ipv4({ ttl: 1 })],
		["TTL 0", ipv4({ ttl: 0 })],
		["hop limit 1", ipv6({ hopLimit: 1 })],
		["hop limit 0", ipv6({ hopLimit: 0 })],
		["IPv4 options", ipv4({ options: Buffer.from([1, 1, 1, 0]) })],
		["an IPv4 header length of 16", ipv4({ ihl: 4 })],
		["an IPv4 version of 6", ipv4({ version: 6 })],
		["an IPv6 version of 4", ipv6({ version: 4 })],
		["an IPv4 total length shorter than the header", ipv4({ length: 19 })],
		["an IPv4 packet longer than its frame", ipv4({ payload: large(26), length: 47 })],
		["an IPv6 packet longer than its frame", ipv6({ length: 9 })],
		[
			"an IPv4 packet longer than its jumbo frame",
			ipv4({ destination: "10.3.0.2", payload: large(8000), length: 8021 }),
		],
		[
			"an IPv6 packet longer than its jumbo frame",
			ipv6({ destination: "fc00:3::2", payload: large(8000), length: 8001 }),
		],
		["hop-by-hop options", ipv6({ protocol: 0, payload: DSTOPTS })],
		["a routing header", ipv6({ protocol: 43, payload: DSTOPTS })],
		["destination options", ipv6({ protocol: 60, payload: DSTOPTS })],
		["a fragment header cut short", ipv6({ protocol: 44, payload: large(7) })],
		["an IPv4 packet to the router", ipv4({ destination: "10.2.0.1" })],
		["an IPv6 packet to the router", ipv6({ destination: "fc00:2::1" })],
		["an IPv4 neighbour that is not known", ipv4({ destination: "10.2.0.77" })],
		["an IPv6 neighbour that is not known", ipv6({ destination: "fc00:2::77" })],
		["an IPv4 destination without a route", ipv4({ destination: "11.0.0.1" })],
		["an IPv6 destination without a route", ipv6({ destination: "fc11::1" })],
		["an IPv4 packet of the MTU and one", ipv4({ payload: large(1481) })],
		["an IPv6 packet of the MTU and one", ipv6({ payload: large(1461) })],
		["an IPv6 packet of the MTU and 40", ipv6({ payload: large(1500) })],
		["an IPv6 packet of the MTU and 41", ipv6({ payload: large(1501) })],
		["an IPv6 packet whose length with the header is 39 in 16 bits", ipv6({ payload: large(65_535) })],
		[
			"an IPv6 packet whose length with the header is 0 in 16 bits, one more than the MTU",
			ipv6({ destination: "fc00:3::2", payload: large(65_496) }),
		],
		["an IPv4 egress below the lab's ifindexes", ipv4({ destination: "10.4.0.2" })],
		["an IPv6 egress below the lab's ifindexes", ipv6({ destination: "fc00:4::2" })],
		["an egress right before the lab's ifindexes", ipv4({ destination: "10.6.0.2" })],
		["an egress above the lab's ifindexes", ipv4({ destination: "10.5.0.2" })],
		["IPv4 with more padding than the egress takes", ipv4({}, { padding: 1477 })],
		["IPv6 with more padding than the egress takes", ipv6({}, { padding: 1457 })],
		["IPv4 multicast", ipv4({ destination: "224.0.0.5" }, { destination: "01:00:5e:00:00:05" })],
		["IPv4 multicast to a unicast MAC", ipv4({ destination: "224.0.0.5" })],
		["IPv4 of the reserved class", ipv4({ destination: "240.0.0.1" })],
		["IPv4 to link scope", ipv4({ destination: "169.254.1.1" })],
		["IPv4 to the loopback network", ipv4({ destination: "127.0.0.2" })],
		["IPv4 to network 0", ipv4({ destination: "0.1.2.3" })],
		["IPv4 broadcast", ipv4({ destination: "255.255.255.255" }, { destination: "ff:ff:ff:ff:ff:ff" })],
		["IPv4 broadcast of a subnet", ipv4({ destination: "10.2.0.255" })],
		["a unicast packet in a broadcast frame", ipv4({}, { destination: "ff:ff:ff:ff:ff:ff" })],
		["a source of IPv4 multicast", ipv4({ source: "224.0.0.5" })],
		["a source of IPv4 broadcast", ipv4({ source: "255.255.255.255" })],
		["a source of 0.0.0.0", ipv4({ source: "0.0.0.0" })],
		["a source of 127.0.0.1", ipv4({ source: "127.0.0.1" })],
		["a source of IPv4 link scope", ipv4({ source: "169.254.1.1" })],
		["IPv6 multicast", ipv6({ destination: "ff02::1" }, { destination: "33:33:00:00:00:01" })],
		["IPv6 link-local", ipv6({ destination: "fe80::2" })],
		["a source of IPv6 link-local", ipv6({ source: "fe80::2" })],
		["a source of IPv6 multicast", ipv6({ source: "ff02::1" })],
		["the unspecified IPv6 source", ipv6({ source: "::" })],
		["an IPv4-mapped source", ipv6({ source: "::ffff:10.1.0.2" })],
		["a tagged packet", ipv4({}, { tags: [frame.VLAN] })],
		["ARP", frame.ethernet(frame.ARP, large(28))],
		["802.3 with a length for a type", frame.ethernet(46, large(46))],
	])("leaves %s to the stack as it came", (_, frame) => {
		for (const [sent] of byVethAndWire(frame)) {
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
		}
	});

	test("leaves an IPv4 packet longer than its short frame to the stack", () => {
		const sent = ipv4({ length: 29 });
		expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
	});

	test.each<[string, Buffer]>([
		["IPv4", ipv4({ destination: "10.9.1.1" })],
		["IPv6", ipv6({ destination: "fc00:9:1::1" })],
	])("drops by a blackhole route of %s", (_, frame) => {
		for (const [sent] of byVethAndWire(frame)) {
			expect(run(sent)).toEqual({ verdict: "drop", frame: sent });
			expect(run(sent)).toEqual({ verdict: "drop", frame: sent });
		}
	});

	test.each<[string, Buffer]>([
		["IPv4 unreachable", ipv4({ destination: "10.9.2.1" })],
		["IPv4 prohibit", ipv4({ destination: "10.9.3.1" })],
		["IPv6 unreachable", ipv6({ destination: "fc00:9:2::1" })],
		["IPv6 prohibit", ipv6({ destination: "fc00:9:3::1" })],
	])("leaves the answer of a route of type %s to the stack", (_, frame) => {
		for (const [sent] of byVethAndWire(frame)) {
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
		}
	});

	test.each<[string, Buffer, number]>([
		["IPv4", ipv4({ payload: large(0) }), 14 + 20],
		["IPv6", ipv6({ protocol: 59, payload: large(0) }), 14 + 40],
	])("leaves every %s frame that ends within its headers to the stack", (_, whole, headers) => {
		for (let length = 14; length < headers; length++) {
			const sent = whole.subarray(0, length);
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
		}
		expect(run(whole).verdict).toBe("redirect");
	});

	test("does without ports where a segment ends before them", () => {
		for (let length = 0; length < 4; length++)
			expect(run(ipv4({ protocol: TCP, payload: large(length) })).verdict).toBe("redirect");
	});

	test.each([
		["a short frame", 0],
		["any other", 18],
	])("updates the checksum of %s as a full computation would, whatever it was", (_, padding) => {
		// Every identification gives every value of the checksum but one, 0x0000 and the carry among them.
		for (let id = 0; id < 0x10000; id++) {
			const out = run(ipv4({ id }, { padding })).frame;
			const expected = ipv4({ id, ttl: 63 }, { ...through(2), padding });
			if (!out.equals(expected)) expect(out).toEqual(expected);
		}
	});

	test("updates a checksum of 0xffff, the other zero, as well", () => {
		const CHECKSUM = 24;
		const id = Array.from({ length: 0x10000 }, (_, id) => id).find(
			(id) => ipv4({ id }).readUInt16BE(CHECKSUM) === 0,
		);
		const sent = ipv4({ ...(id !== undefined && { id }) });
		sent.writeUInt16BE(0xffff, CHECKSUM);
		for (const [frame] of byVethAndWire(sent)) {
			const { frame: out } = run(frame);
			expect(out.readUInt16BE(CHECKSUM)).toBe(0x0100);
			expect(out).toEqual(
				ipv4({ id: id as number, ttl: 63 }, { ...through(2), padding: frame.length - sent.length }),
			);
		}
	});

	test("carries an error of the checksum along instead of hiding it", () => {
		const sent = ipv4();
		sent.writeUInt16BE(sent.readUInt16BE(24) ^ 0x0400, 24);
		const { frame: out } = run(sent);
		expect(frame.checksum(out.subarray(14, 34))).not.toBe(0);
	});

	const egress = (bytes: Buffer) => run(bytes).frame.subarray(0, 6).toString("hex");

	test.each<[string, (flow: number) => Buffer]>([
		["IPv4 flows by address", (n) => ipv4({ destination: `10.8.0.${n}` })],
		["IPv6 flows by address", (n) => ipv6({ destination: `fc00:8::${n}` })],
		["IPv6 flows by label", (n) => ipv6({ destination: "fc00:8::1", flow: n * 4099 })],
	])("spreads %s over equal paths, and keeps each on its own", (_, build) => {
		const flows = Array.from({ length: 64 }, (_, i) => build(i + 1));
		const paths = flows.map(egress);
		expect(new Set(paths).size).toBe(2);
		for (let round = 0; round < 5; round++) expect(flows.map(egress)).toEqual(paths);
	});

	test.each([
		["TCP", TCP],
		["ESP, whose index of security parameters is taken for them,", ESP],
	])("spreads %s over equal paths by ports where fib_multipath_hash_policy says so", (_, protocol) => {
		const build = (port: number, fragment = 0) =>
			ipv4({ destination: "10.8.0.1", protocol, payload: ports(port, 80, 20), fragment });
		const some = Array.from({ length: 64 }, (_, i) => 40_000 + i);
		const paths = () => new Set(some.map((port) => egress(build(port)))).size;
		expect(paths()).toBe(1);
		namespace.sysctl("net.ipv4.fib_multipath_hash_policy", 1);
		try {
			// Others than above, whose paths may be in use for the rest of the tick.
			expect(new Set(some.map((port) => egress(build(port + 1000)))).size).toBe(2);
			expect(new Set(some.map((port) => egress(build(port, 0x2000)))).size).toBe(1);
		} finally {
			namespace.sysctl("net.ipv4.fib_multipath_hash_policy", 0);
		}
	});

	test("leaves everything to the stack where forwarding is off on the ingress", () => {
		namespace.sysctl("net.ipv4.conf.third.forwarding", 0);
		namespace.sysctl("net.ipv6.conf.third.forwarding", 0);
		try {
			expect(run(ipv4({ source: "10.3.0.2" }), THIRD).verdict).toBe("pass");
			expect(run(ipv6({ source: "fc00:3::2" }), THIRD).verdict).toBe("pass");
		} finally {
			namespace.sysctl("net.ipv4.conf.third.forwarding", 1);
			namespace.sysctl("net.ipv6.conf.third.forwarding", 1);
		}
	});

	test.each([LOW, HIGH])(
		"leaves what comes in by ifindex %i, which is no port of the lab, to the stack",
		(ingress) => {
			expect(run(ipv4(), ingress)).toEqual({ verdict: "pass", frame: ipv4() });
			expect(run(ipv6(), ingress)).toEqual({ verdict: "pass", frame: ipv6() });
		},
	);
});
