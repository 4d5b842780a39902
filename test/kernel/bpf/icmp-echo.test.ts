import { afterAll, beforeAll, expect, test } from "vitest";
import {
	address,
	checksum,
	type Echo,
	type Ethernet,
	echo4,
	echo6,
	endMac,
	hostMac,
	ICMPV6,
	type Ipv4,
	type Ipv6,
	ipv4,
	ipv6,
	QINQ,
	VLAN,
} from "./frame.js";
import { type Namespace, router } from "./namespace.js";
import { FIRST, Program } from "./program.js";

let namespace: Namespace;
let program: Program;

beforeAll(() => {
	namespace = router([{ name: "left", ifindex: FIRST, subnet: 1 }]);
	program = Program.load("icmp-echo");
});

afterAll(() => {
	program.close();
	namespace.close();
});

const run = (frame: Buffer) => namespace.within(() => program.run(frame));

/** The way back of what frame.ts sends by default. */
const back = { source: endMac(1), destination: hostMac(1) };
const reply4 = (icmp: Partial<Echo>, ip: Partial<Ipv4>, link: Partial<Ethernet>) =>
	echo4(
		{ type: 0, ...icmp },
		{ source: "10.2.0.2", destination: "10.1.0.2", ...ip, ttl: 64 },
		{ ...link, ...back },
	);
const reply6 = (icmp: Partial<Echo>, ip: Partial<Ipv6>, link: Partial<Ethernet>) =>
	echo6(
		{ type: 129, ...icmp },
		{ source: "fc00:2::2", destination: "fc00:1::2", ...ip, hopLimit: 64 },
		{ ...link, ...back },
	);
const data = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 0xff));

test.each<[string, Partial<Echo>, Partial<Ipv4>, Partial<Ethernet>]>([
	["as it is usual", {}, {}, {}],
	["without data", { data: data(0) }, {}, {}],
	["of odd length", { data: data(57) }, {}, {}],
	["of a full frame", { data: data(1472) }, {}, {}],
	["of a jumbo frame", { data: data(8972) }, {}, {}],
	["with padding", { data: data(1) }, {}, { padding: 17 }],
	["with TTL 64", {}, { ttl: 64 }, {}],
	["with TTL 1", {}, { ttl: 1 }, {}],
	["with TTL 0", {}, { ttl: 0 }, {}],
	["with TTL 255", {}, { ttl: 255 }, {}],
	["that must not be fragmented, with a TOS and an id", {}, { fragment: 0x4000, tos: 0xb8, id: 0xffff }, {}],
	["with a tag", {}, {}, { tags: [VLAN] }],
	["with two tags", {}, {}, { tags: [QINQ, VLAN] }],
])("answers an IPv4 request %s", (_, icmp, ip, link) => {
	expect(run(echo4(icmp, ip, link))).toEqual({ verdict: "tx", frame: reply4(icmp, ip, link) });
});

test.each<[string, Partial<Echo>, Partial<Ipv6>, Partial<Ethernet>]>([
	["as it is usual", {}, {}, {}],
	["without data", { data: data(0) }, {}, {}],
	["of odd length", { data: data(57) }, {}, {}],
	["of a full frame", { data: data(1452) }, {}, {}],
	["of a jumbo frame", { data: data(8952) }, {}, {}],
	["with padding", { data: data(1) }, {}, { padding: 17 }],
	["with hop limit 1", {}, { hopLimit: 1 }, {}],
	["with a flow label and traffic class", {}, { flow: 0xb812345 }, {}],
	["with a tag", {}, {}, { tags: [VLAN] }],
	["with two tags", {}, {}, { tags: [QINQ, VLAN] }],
])("answers an IPv6 request %s", (_, icmp, ip, link) => {
	expect(run(echo6(icmp, ip, link))).toEqual({ verdict: "tx", frame: reply6(icmp, ip, link) });
});

test("answers between link-local addresses", () => {
	const ip = { source: "fe80::2", destination: "fe80::1" };
	const swapped = { source: "fe80::1", destination: "fe80::2" };
	expect(run(echo6({}, ip))).toEqual({ verdict: "tx", frame: reply6({}, swapped, {}) });
});

test("writes an ICMP checksum that is right, whatever it was", () => {
	for (let sequence = 0; sequence < 0x10000; sequence++) {
		const { frame } = run(echo4({ id: 0xf0f0, sequence }));
		// 0xffff and 0 are one number to whoever adds up (RFC 1624, section 2).
		if (checksum(frame.subarray(34)) !== 0) expect(frame).toEqual(reply4({ id: 0xf0f0, sequence }, {}, {}));
	}
});

test("writes an ICMPv6 checksum as a full computation would, whatever it was", () => {
	for (let sequence = 0; sequence < 0x10000; sequence++) {
		const expected = reply6({ sequence }, {}, {});
		const { frame } = run(echo6({ sequence }));
		if (!frame.equals(expected)) expect(frame).toEqual(expected);
	}
});

test("writes an IPv4 header checksum as a full computation would, whatever it was", () => {
	for (let id = 0; id < 0x10000; id++) {
		const expected = reply4({}, { id }, {});
		const { frame } = run(echo4({}, { id, ttl: 1 }));
		if (!frame.equals(expected)) expect(frame).toEqual(expected);
	}
});

test("answers a request whose reply is all zeros with the one checksum that such a message can have", () => {
	const zeros = { id: 0, sequence: 0, data: Buffer.alloc(56) };
	const { frame } = run(echo4(zeros));
	expect(frame).toEqual(reply4(zeros, {}, {}));
	expect(frame.readUInt16BE(36)).toBe(0xffff);
});

test("carries an error of either checksum along instead of hiding it", () => {
	for (const at of [24, 36]) {
		const sent = echo4();
		sent.writeUInt16BE(sent.readUInt16BE(at) ^ 0x0400, at);
		const { verdict, frame } = run(sent);
		expect(verdict).toBe("tx");
		expect(at === 24 ? checksum(frame.subarray(14, 34)) : checksum(frame.subarray(34))).not.toBe(0);
	}
	const sent = echo6();
	sent.writeUInt16BE(sent.readUInt16BE(56) ^ 0x0400, 56);
	const { frame } = run(sent);
	const pseudo = [address("fc00:1::2"), address("fc00:2::2"), Buffer.from([0, 16, 0, ICMPV6])];
	expect(checksum(...pseudo, frame.subarray(54))).not.toBe(0);
});

test.each<[string, Buffer]>([
	["an IPv4 reply", echo4({ type: 0 })],
	["an IPv6 reply", echo6({ type: 129 })],
	["an IPv4 request with a code", echo4({ code: 1 })],
	["an IPv6 request with a code", echo6({ code: 1 })],
	["IPv4 options", echo4({}, { options: Buffer.from([1, 1, 1, 0]) })],
	["the first fragment", echo4({}, { fragment: 0x2000 })],
	["a later fragment", echo4({}, { fragment: 0x0001 })],
	["an IPv6 fragment", echo6({}, { protocol: 44 })],
	["IPv6 with options", echo6({}, { protocol: 60 })],
	["ICMPv6 in IPv4", echo4({ type: 128 }, { protocol: ICMPV6 })],
	["ICMP in IPv6", echo6({ type: 8 }, { protocol: 1 })],
	["an IPv4 multicast destination", echo4({}, { destination: "224.0.0.1" })],
	["an IPv4 broadcast destination", echo4({}, { destination: "255.255.255.255" })],
	["an IPv4 multicast source", echo4({}, { source: "224.0.0.1" })],
	["a source of 0.0.0.0", echo4({}, { source: "0.0.0.0" })],
	["an IPv6 multicast destination", echo6({}, { destination: "ff02::1" })],
	["an IPv6 multicast source", echo6({}, { source: "ff02::1" })],
	["the unspecified IPv6 source", echo6({}, { source: "::" })],
	["IPv6 loopback", echo6({}, { destination: "::1" })],
	["a broadcast frame", echo4({}, {}, { destination: "ff:ff:ff:ff:ff:ff" })],
	["a multicast frame", echo6({}, {}, { destination: "33:33:00:00:00:01" })],
	["three tags", echo4({}, {}, { tags: [QINQ, VLAN, VLAN] })],
	["an IPv4 packet longer than its frame", echo4({}, { length: 37 })],
	["an IPv6 packet longer than its frame", echo6({}, { length: 17 })],
	["an IPv4 packet too short for a request", echo4({}, { length: 27 })],
	["an IPv6 packet too short for a request", echo6({}, { length: 7 })],
	["an IPv4 version of 5", echo4({}, { version: 5 })],
	["an IPv6 version of 4", echo6({}, { version: 4 })],
	["other IPv4", ipv4()],
	["other IPv6", ipv6()],
])("leaves %s to the stack as it came", (_, sent) => {
	expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
});

test.each<[string, Buffer]>([
	["IPv4", echo4({ data: data(0) })],
	["IPv6", echo6({ data: data(0) })],
	["tagged IPv4", echo4({ data: data(0) }, {}, { tags: [VLAN] })],
	["twice tagged IPv6", echo6({ data: data(0) }, {}, { tags: [QINQ, VLAN] })],
])("leaves every %s frame that ends within the request to the stack", (_, whole) => {
	for (let length = 14; length < whole.length; length++) {
		const sent = whole.subarray(0, length);
		expect(run(sent)).toEqual({ verdict: "pass", frame: sent });
	}
	expect(run(whole).verdict).toBe("tx");
});
