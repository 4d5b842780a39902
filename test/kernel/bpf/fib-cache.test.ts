import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byVethAndWire, hostMac, ipv4, ipv6, mac, ports, TCP } from "./frame.js";
import { type Namespace, router } from "./namespace.js";
import { FIRST, type Outcome, Program, u32 } from "./program.js";

/** A destination that no lookup answers with: whoever sees it sees the cache. */
const FORGED = mac("02:0f:0f:0f:0f:0f");
const OTHER_HOST = "02:00:00:00:02:99";

/** TCP, UDP, DCCP, ESP with its index of security parameters, SCTP, UDP-Lite. */
const WITH_PORTS = [6, 17, 33, 50, 132, 136];

/** Two namespaces of one lab, with the same addresses; only the ifindexes differ. */
const ENDS = [
	[FIRST, FIRST + 1],
	[FIRST + 2, FIRST + 3],
] as const;
let one: Namespace;
let two: Namespace;
let program: Program;

beforeAll(() => {
	program = Program.load("fib");
	[one, two] = ENDS.map(([left, right]) => {
		const namespace = router([
			{ name: "left", ifindex: left, subnet: 1 },
			{ name: "right", ifindex: right, subnet: 2 },
		]);
		namespace.within(() => {
			for (const ifindex of [left, right]) program.set("ports", ifindex - FIRST, u32(ifindex));
		});
		return namespace;
	}) as [Namespace, Namespace];
	one.ip(`
route add blackhole 10.9.1.0/24
route add blackhole fc00:9:1::/64
route add 10.2.1.0/24 via 10.2.0.2`);
	two.ip(`
neighbour replace 10.2.0.2 lladdr ${OTHER_HOST} dev right
neighbour replace fc00:2::2 lladdr ${OTHER_HOST} dev right`);
});

afterAll(() => {
	program.close();
	one.close();
	two.close();
});

const destination = ({ frame }: Outcome) => frame.subarray(0, 6);
const run = (frame: Buffer, ingress = FIRST) => one.within(() => program.run(frame, ingress));
const isForged = (outcome: Outcome) => destination(outcome).equals(FORGED);

function slotOf(namespace: Namespace, frame: Buffer, ingress: number): number {
	const slot = namespace.within(() => program.slotOf(frame, ingress));
	if (slot === undefined) throw new Error("not cached");
	return slot;
}

/** Waits until something holds. The longest tick is 10 ms (HZ=100); the rest is for a busy machine. */
function withinTick(holds: () => boolean): void {
	const start = performance.now();
	while (!holds()) expect(performance.now() - start).toBeLessThan(100);
}

/** Forges the result of `frame` in these slots, and does `then` while the kernel's clock stands still. */
function forged<T>(frame: Buffer, slots: number[], then: () => T): T {
	const slot = slotOf(one, frame, FIRST);
	for (let attempt = 0; attempt < 1000; attempt++) {
		run(frame);
		program.forge(slot, [slot, ...slots], FORGED);
		if (!isForged(run(frame))) continue; // the tick was over
		return then();
	}
	throw new Error("the cache was never used");
}

describe.each([
	{
		family: "IPv4",
		packet: ipv4(),
		blackhole: ipv4({ destination: "10.9.1.1" }),
		unknown: ipv4({ destination: "10.2.0.77" }),
	},
	{
		family: "IPv6",
		packet: ipv6(),
		blackhole: ipv6({ destination: "fc00:9:1::1" }),
		unknown: ipv6({ destination: "fc00:2::77" }),
	},
])("the cache of xdp_fib, $family", ({ packet, blackhole, unknown }) => {
	test("answers for the rest of a tick, and no longer", () => {
		forged(packet, [], () => {
			withinTick(() => !isForged(run(packet)));
		});
		expect(destination(run(packet))).toEqual(mac(hostMac(2)));
	});

	test("keeps what a blackhole says", () => {
		expect(one.within(() => program.slotOf(blackhole))).toBeDefined();
	});

	test("keeps nothing that goes to the stack, so that a neighbour counts as soon as it is known", () => {
		expect(one.within(() => program.slotOf(unknown))).toBeUndefined();
	});

	test("does not answer in another namespace with the same addresses", () => {
		const [ingress] = ENDS[1];
		const slot = slotOf(two, packet, ingress);
		for (let round = 0; round < 10; round++) {
			const outcome = forged(packet, [slot], () => two.within(() => program.run(packet, ingress)));
			expect(destination(outcome)).toEqual(mac(OTHER_HOST));
		}
		withinTick(() => !isForged(run(packet)));
		for (let round = 0; round < 1000; round++) {
			expect(destination(run(packet))).toEqual(mac(hostMac(2)));
			expect(destination(two.within(() => program.run(packet, ingress)))).toEqual(mac(OTHER_HOST));
		}
	});
});

test.each<[string, Buffer, Buffer]>([
	["IPv4 source", ipv4(), ipv4({ source: "10.1.0.3" })],
	["IPv4 destination", ipv4(), ipv4({ destination: "10.2.0.1" })],
	["TOS", ipv4(), ipv4({ tos: 0x10 })],
	["protocol", ipv4(), ipv4({ protocol: TCP })],
	["source port", ipv4({ payload: ports(1, 2) }), ipv4({ payload: ports(3, 2) })],
	["destination port", ipv4({ payload: ports(1, 2) }), ipv4({ payload: ports(1, 3) })],
	["swapped ports", ipv4({ payload: ports(1, 2) }), ipv4({ payload: ports(2, 1) })],
	["fragment of other ports", ipv4({ payload: ports(1, 2) }), ipv4({ payload: ports(1, 2), fragment: 1 })],
	["IPv6 source, first word", ipv6(), ipv6({ source: "fc01:1::2" })],
	["IPv6 source, last word", ipv6(), ipv6({ source: "fc00:1::3" })],
	["IPv6 source, words exchanged", ipv6({ source: "fc00:1::2:0:3" }), ipv6({ source: "fc00:1::3:0:2" })],
	["IPv6 destination", ipv6(), ipv6({ destination: "fc00:2::1" })],
	["flow label", ipv6({ flow: 1 }), ipv6({ flow: 2 })],
	["traffic class", ipv6(), ipv6({ flow: 0x10 << 20 })],
	["next header", ipv6(), ipv6({ protocol: TCP })],
	["IPv4 version", ipv4(), ipv4({ version: 6 })],
	["IPv4 header length", ipv4(), ipv4({ ihl: 6 })],
	["IPv6 version", ipv6(), ipv6({ version: 4 })],
	[
		"ethertype, IPv4, though all that is compared of it is as in IPv6",
		ipv6({ flow: 0x5000000, payload: ports(1, 2) }),
		ipv4({ version: 6, source: "252.0.0.1", destination: "0.0.0.0", payload: ports(1, 2) }),
	],
	[
		"ethertype, IPv6, though all that is compared of it is as in IPv4",
		ipv4({ payload: ports(1, 2) }),
		ipv6({
			version: 4,
			flow: 0x5000000,
			source: "a01:2:a02:2::",
			destination: "::",
			payload: ports(1, 2),
		}),
	],
	["TTL, the last one", ipv4(), ipv4({ ttl: 1 })],
	["hop limit, the last one", ipv6(), ipv6({ hopLimit: 1 })],
	["IPv4 length, which the frame does not have", ipv4(), ipv4({ length: 1000 })],
	["IPv4 length, shorter than a header", ipv4(), ipv4({ length: 19 })],
	["IPv6 length, which the frame does not have", ipv6(), ipv6({ length: 1000 })],
	...WITH_PORTS.flatMap((protocol): [string, Buffer, Buffer][] => [
		[
			`source port of protocol ${protocol}`,
			ipv4({ protocol, payload: ports(1, 2) }),
			ipv4({ protocol, payload: ports(3, 2) }),
		],
		[
			`destination port of next header ${protocol}`,
			ipv6({ protocol, payload: ports(1, 2) }),
			ipv6({ protocol, payload: ports(1, 3) }),
		],
	]),
	["destination MAC, a group's", ipv4(), ipv4({}, { destination: "ff:ff:ff:ff:ff:ff" })],
])("the cache of xdp_fib does not take a packet for one with another %s", (_, ...frames) => {
	// The other packet's slot is unknown where nothing is cached for it: any may be it.
	const slots = Array.from({ length: 256 }, (_, slot) => slot);
	for (const [known, packet] of byVethAndWire(...frames))
		for (const ingress of [FIRST, FIRST + 1])
			for (let round = 0; round < 3; round++)
				expect(isForged(forged(known, slots, () => run(packet, ingress)))).toBe(false);
});

test.each<[string, (payload: Buffer) => Buffer, number]>([
	["IPv4", (payload) => ipv4({ payload }), 1481],
	["IPv6", (payload) => ipv6({ payload }), 1461],
])("the cache of xdp_fib answers for %s of the whole MTU, and of no more", (_, build, length) => {
	const small = build(Buffer.alloc(8));
	const whole = build(Buffer.alloc(length - 1));
	const large = build(Buffer.alloc(length));
	forged(small, [], () => {
		expect(run(large)).toEqual({ verdict: "pass", frame: large });
	});
	expect(forged(whole, [], () => run(whole).verdict)).toBe("redirect");
});

test.each<[string, (n: number) => Buffer]>([
	["IPv4 flows by address", (n) => ipv4({ destination: `10.2.1.${n}` })],
	["IPv4 flows by port", (n) => ipv4({ payload: ports(40_000 + n, 80) })],
	["IPv6 flows by source", (n) => ipv6({ source: `fc00:1::${n}` })],
	["IPv6 flows by destination", (n) => ipv6({ destination: `fc00:9:1::${n}` })],
	["IPv6 flows by port", (n) => ipv6({ payload: ports(40_000 + n, 80) })],
])("%s share no more slots of the cache than by chance", (_, build) => {
	const flows = Array.from({ length: 64 }, (_, n) => build(n + 1));
	// Of 256 slots, 64 flows take 57 on average.
	expect(new Set(flows.map((frame) => slotOf(one, frame, FIRST))).size).toBeGreaterThan(45);
});

test.each<[string, (port: number) => Buffer]>([
	["an unknown neighbour", (port) => ipv4({ destination: "10.2.0.77", payload: ports(port, 80) })],
	[
		"more padding than the egress takes",
		(port) => ipv4({ destination: "10.1.0.2", payload: ports(port, 80) }, { padding: 1477 }),
	],
])("a packet that goes to the stack for %s leaves the result in its slot as it is", (_, build) => {
	// So many flows that some have the slot of the other one.
	for (let port = 0; port < 2000; port++) {
		run(ipv4());
		expect(run(build(port)).verdict).toBe("pass");
		expect(destination(run(ipv4()))).toEqual(mac(hostMac(2)));
	}
});

/** What becomes of a packet once the kernel has changed its mind: where it goes, or how it ends. */
const ended = ({ verdict, frame }: Outcome) =>
	verdict === "redirect" ? frame.subarray(0, 6).toString("hex") : verdict;
const to = (lladdr: string) => mac(lladdr).toString("hex");

describe.each([
	{ prefix: "10.6.0.0/16", host: "10.2.0.2", other: "10.2.0.3", packet: ipv4({ destination: "10.6.0.1" }) },
	{
		prefix: "fc00:6::/64",
		host: "fc00:2::2",
		other: "fc00:2::3",
		packet: ipv6({ destination: "fc00:6::1" }),
	},
])("within a tick of the kernel's clock, on the way to $prefix,", ({ prefix, host, other, packet }) => {
	const before = to(hostMac(2));
	const neighbour = (address: string, lladdr: string) =>
		`neighbour replace ${address} lladdr ${lladdr} dev right`;
	const route = `route replace ${prefix} via ${host}`;
	const asBefore = [route, neighbour(host, hostMac(2))].join("\n");

	beforeAll(() => one.ip([asBefore, neighbour(other, OTHER_HOST)].join("\n")));
	afterAll(() => one.ip(`route del ${prefix}`));

	test.each<[what: string, change: string, then: string, undo: string]>([
		["another MAC of the neighbour", neighbour(host, OTHER_HOST), to(OTHER_HOST), asBefore],
		["a neighbour that is gone", `neighbour del ${host} dev right`, "pass", asBefore],
		["another gateway", `route replace ${prefix} via ${other}`, to(OTHER_HOST), asBefore],
		["a route that is gone", `route del ${prefix}`, "pass", asBefore],
		["a blackhole", `route replace blackhole ${prefix}`, "drop", `route del ${prefix}\n${asBefore}`],
	])("%s takes effect", (_, change, then, undo) => {
		expect(ended(run(packet))).toBe(before);
		one.ip(change);
		withinTick(() => ended(run(packet)) === then);
		one.ip(undo);
		withinTick(() => ended(run(packet)) === before);
	});
});

test("a rule takes effect within a tick", () => {
	const rule = "pref 10 to 10.2.0.0/24 blackhole";
	expect(run(ipv4()).verdict).toBe("redirect");
	one.ip(`rule add ${rule}`);
	withinTick(() => run(ipv4()).verdict === "drop");
	one.ip(`rule del ${rule}`);
	withinTick(() => run(ipv4()).verdict === "redirect");
});

test("forwarding that is switched off takes effect within a tick", () => {
	expect(run(ipv4()).verdict).toBe("redirect");
	one.sysctl("net.ipv4.conf.left.forwarding", 0);
	withinTick(() => run(ipv4()).verdict === "pass");
	one.sysctl("net.ipv4.conf.left.forwarding", 1);
	withinTick(() => run(ipv4()).verdict === "redirect");
});

test("cache: false keeps no result", () => {
	const uncached = Program.load("fib", { cache: false });
	try {
		one.within(() => uncached.set("ports", 1, u32(FIRST + 1)));
		expect(one.within(() => uncached.slotOf(ipv4()))).toBeUndefined();
		expect(one.within(() => uncached.run(ipv4())).verdict).toBe("redirect");
	} finally {
		uncached.close();
	}
});
