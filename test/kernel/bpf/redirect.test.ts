import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as frame from "./frame.js";
import { type Namespace, router } from "./namespace.js";
import { FIRST, Program, u32 } from "./program.js";

const LEFT = FIRST;
const RIGHT = FIRST + 1;
const UNWIRED = FIRST + 2;
/** Below the lab's window, and above it: so far that the low 16 and 24 bits are a port's. */
const LOW = 900;
const HIGH = FIRST + 2 ** 30;

let namespace: Namespace;

beforeAll(() => {
	namespace = router([
		{ name: "left", ifindex: LEFT, subnet: 1 },
		{ name: "right", ifindex: RIGHT, subnet: 2 },
		{ name: "unwired", ifindex: UNWIRED, subnet: 3 },
		{ name: "low", ifindex: LOW, subnet: 4 },
		{ name: "high", ifindex: HIGH, subnet: 5 },
	]);
});

afterAll(() => namespace.close());

const { byVethAndWire, echo4, echo6, endMac, hostMac, ipv4, ipv6 } = frame;
const macs = (subnet: number) => [frame.mac(hostMac(subnet)), frame.mac(endMac(subnet))];
const through = (subnet: number) => ({ source: endMac(subnet), destination: hostMac(subnet) });

/** Both ways between left and right. */
function loadHardcoded(): Program {
	return Program.load("hardcoded", {
		redirects: [Buffer.concat([...macs(2), u32(RIGHT)]), Buffer.concat([...macs(1), u32(LEFT)])],
	});
}

function loadMap(): Program {
	const program = Program.load("map");
	namespace.within(() => {
		program.set("ports", 0, u32(LEFT));
		program.set("ports", 1, u32(RIGHT));
	});
	program.set("macs", 0, Buffer.concat(macs(1)));
	program.set("macs", 1, Buffer.concat(macs(2)));
	program.set("redirects", 0, u32(RIGHT));
	program.set("redirects", 1, u32(LEFT));
	return program;
}

/** Neighbour discovery by unicast, as a peer sends it that checks its neighbour. */
const ndp = (type: number) => echo6({ type }, { destination: "fc00:1::1", hopLimit: 255 });

describe.each([
	{ name: "xdp_hardcoded", load: loadHardcoded },
	{ name: "xdp_map", load: loadMap },
])("$name", ({ load }) => {
	let program: Program;
	const run = (bytes: Buffer, ingress = LEFT) => namespace.within(() => program.run(bytes, ingress));

	beforeAll(() => {
		program = load();
	});
	afterAll(() => program.close());

	test.each<[string, (link: Partial<frame.Ethernet>) => Buffer]>([
		["IPv4", (link) => ipv4({}, link)],
		["IPv4 at the end of its TTL, which it leaves alone", (link) => ipv4({ ttl: 1 }, link)],
		["IPv4 with options", (link) => ipv4({ options: Buffer.from([1, 1, 1, 0]) }, link)],
		["an IPv4 fragment", (link) => ipv4({ fragment: 0x2001 }, link)],
		["IPv4 to the router itself", (link) => ipv4({ destination: "10.1.0.1" }, link)],
		["IPv4 of 9000 bytes", (link) => ipv4({ payload: Buffer.alloc(8980, 1) }, link)],
		["IPv6", (link) => ipv6({}, link)],
		["IPv6 at the end of its hop limit, which it leaves alone", (link) => ipv6({ hopLimit: 1 }, link)],
		["IPv6 with extension headers", (link) => ipv6({ protocol: 0 }, link)],
		["IPv6 of link scope", (link) => ipv6({ source: "fe80::2", destination: "fe80::1" }, link)],
		["an echo request of IPv6", (link) => echo6({}, {}, link)],
		["a packet that is too big", (link) => echo6({ type: 2 }, {}, link)],
		["the ICMPv6 message before neighbour discovery's", (link) => echo6({ type: 132 }, {}, link)],
		["the ICMPv6 message after neighbour discovery's", (link) => echo6({ type: 138 }, {}, link)],
		[
			"the beginning of ICMPv6 alone",
			(link) => ipv6({ protocol: frame.ICMPV6, payload: Buffer.from([135]) }, link),
		],
	])("redirects %s, and writes both MACs", (_, build) => {
		for (const [sent, right, left] of byVethAndWire(build({}), build(through(2)), build(through(1)))) {
			expect(run(sent)).toEqual({ verdict: "redirect", frame: right });
			expect(run(sent, RIGHT)).toEqual({ verdict: "redirect", frame: left });
		}
	});

	test.each<[string, Buffer]>([
		["ARP by broadcast", frame.ethernet(frame.ARP, Buffer.alloc(28), { destination: "ff:ff:ff:ff:ff:ff" })],
		["ARP by unicast", frame.ethernet(frame.ARP, Buffer.alloc(28))],
		["IPv4 multicast", ipv4({ destination: "224.0.0.5" }, { destination: "01:00:5e:00:00:05" })],
		["IPv4 multicast to a unicast MAC", ipv4({ destination: "239.255.255.255" })],
		["IPv4 broadcast", ipv4({ destination: "255.255.255.255" }, { destination: "ff:ff:ff:ff:ff:ff" })],
		["IPv4 broadcast to a unicast MAC", ipv4({ destination: "255.255.255.255" })],
		["IPv4 broadcast of a subnet", ipv4({ destination: "10.1.0.255" }, { destination: "ff:ff:ff:ff:ff:ff" })],
		["IPv4 to 0.0.0.0", ipv4({ destination: "0.0.0.0" })],
		["IPv6 multicast", ipv6({ destination: "ff02::1:ff00:1" }, { destination: "33:33:ff:00:00:01" })],
		["IPv6 multicast to a unicast MAC", ipv6({ destination: "ff0e::1" })],
		["unicast IPv6 in a multicast frame", ipv6({}, { destination: "33:33:00:00:00:01" })],
		["a neighbour solicitation by unicast", ndp(135)],
		["a neighbour advertisement", ndp(136)],
		["a router solicitation", ndp(133)],
		["a redirect", ndp(137)],
		["tagged IPv4", ipv4({}, { tags: [frame.VLAN] })],
		["802.3 with a length for a type", frame.ethernet(46, Buffer.alloc(46))],
		["LLDP", frame.ethernet(0x88cc, Buffer.alloc(46), { destination: "01:80:c2:00:00:0e" })],
	])("leaves %s to the stack as it came", (_, frame) => {
		for (const [sent] of byVethAndWire(frame)) expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
	});

	test.each<[string, Buffer, number]>([
		["IPv4", ipv4({ payload: Buffer.alloc(0) }), 14 + 20],
		["IPv6", ipv6({ payload: Buffer.alloc(0) }), 14 + 40],
	])("leaves every %s frame that ends within its headers to the stack", (_, whole, headers) => {
		for (let length = 14; length < headers; length++) {
			const sent = whole.subarray(0, length);
			expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
		}
		expect(run(whole).verdict).toBe("redirect");
	});

	test.each([
		["of the lab without a wire", UNWIRED],
		["below the lab's ifindexes", LOW],
		["above the lab's ifindexes", HIGH],
	])("leaves what comes in by an end %s to the stack", (_, ingress) => {
		for (const [sent] of byVethAndWire(ipv4()))
			expect(run(sent, ingress)).toEqual({ verdict: "pass", frame: sent });
	});

	test.each([34, 57, 58, 64, 1514, 1518, 1519, 9014])(
		"counts all of a frame of %i bytes that it redirects",
		(length) => {
			const before = program.counters(0).redirect ?? { packets: 0, bytes: 0 };
			expect(run(ipv4({ payload: Buffer.alloc(length - 34) })).verdict).toBe("redirect");
			expect(program.counters(0).redirect).toEqual({
				packets: before.packets + 1,
				bytes: before.bytes + length,
			});
		},
	);

	test("answers nobody", () => {
		expect(run(echo4()).verdict).toBe("redirect");
	});
});

describe("xdp_map alone", () => {
	let program: Program;
	const run = (bytes: Buffer, ingress = LEFT) => namespace.within(() => program.run(bytes, ingress));

	beforeAll(() => {
		program = loadMap();
	});
	afterAll(() => program.close());

	test("follows a change of the wiring at the next packet, and keeps its counters", () => {
		const before = program.counters(0).redirect?.packets ?? 0;
		expect(run(ipv4()).frame).toEqual(ipv4({}, through(2)));
		program.set("redirects", 0, u32(LEFT));
		expect(run(ipv4()).frame).toEqual(ipv4({}, through(1)));
		program.set("redirects", 0, u32(0));
		expect(run(ipv4())).toEqual({ verdict: "pass", frame: ipv4() });
		program.set("redirects", 0, u32(RIGHT));
		expect(run(ipv4()).frame).toEqual(ipv4({}, through(2)));
		expect(program.counters(0).redirect?.packets).toBe(before + 3);
	});

	test.each([
		["of the lab, but in no devmap", UNWIRED],
		["below the lab's ifindexes", LOW],
		["above the lab's ifindexes", HIGH],
	])("leaves a frame as it came where the egress is an end %s", (_, egress) => {
		program.set("redirects", 0, u32(egress));
		try {
			expect(run(ipv4())).toEqual({ verdict: "pass", frame: ipv4() });
		} finally {
			program.set("redirects", 0, u32(RIGHT));
		}
	});
});

test("the table of xdp_hardcoded cannot be changed, and its counters count", () => {
	const program = loadHardcoded();
	try {
		expect(() => program.set("counters", 0, Buffer.alloc(1 << 16))).toThrow("EPERM");
		expect(namespace.within(() => program.run(ipv4())).frame).toEqual(ipv4({}, through(2)));
		expect(program.counters(0)).toEqual({ redirect: { packets: 1, bytes: ipv4().length } });
	} finally {
		program.close();
	}
});
