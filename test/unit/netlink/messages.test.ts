import { describe, expect, test } from "vitest";
import {
	ALL_ADDRESSES,
	decodeAddress,
	deleteAddress,
	linkLocal,
	setAddress,
	subnetOf,
} from "../../../lib/netlink/address.js";
import {
	ALL_LINKS,
	changeLink,
	createVeth,
	decodeLink,
	deleteLink,
	setXdp,
} from "../../../lib/netlink/link.js";
import {
	align,
	decodeAcknowledgement,
	decodeMessages,
	encodeMessage,
	joinAttribute,
	NLM_F_ACK,
	type Request,
	splitAttributes,
} from "../../../lib/netlink/message.js";
import { ALL_NEIGHBORS, decodeNeighbor, deleteNeighbor, setNeighbor } from "../../../lib/netlink/neighbor.js";
import { decodeForwarding, getNetconf } from "../../../lib/netlink/netconf.js";
import { decodeNsid, getNsid } from "../../../lib/netlink/nsid.js";
import { addRoute, decodeRoute, deleteRoute, dumpRoutes } from "../../../lib/netlink/route.js";
import { fc } from "../../random.js";

/** Bytes as they stand in a comment: blanks and line ends between them are for the eye. */
function bytes(text: string): Buffer {
	return Buffer.from(text.replace(/#.*$/gm, "").replace(/\s/g, ""), "hex");
}

const hex = (body: Uint8Array) => Buffer.from(body).toString("hex");

describe("a request in bytes, field by field as the headers have them", () => {
	test.each<[title: string, request: Request, type: number, flags: number, body: string]>([
		[
			"all links, without statistics",
			ALL_LINKS,
			18,
			0x300,
			`00 00 0000  00000000 00000000 00000000  # struct ifinfomsg: family, type, index, flags, change
			 0800 1d00 08000000                     # IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS`,
		],
		[
			"a link set up",
			changeLink(7, { up: true }),
			16,
			0,
			"00 00 0000 07000000 01000000 01000000 # IFF_UP, and that it alone changes",
		],
		["a link set down", changeLink(7, { up: false }), 16, 0, "00000000 07000000 00000000 01000000"],
		[
			"a link's MAC, MTU and alias",
			changeLink(7, { mac: "02:00:00:00:00:0a", mtu: 1400, alias: "ab" }),
			16,
			0,
			`00000000 07000000 00000000 00000000
			 0a00 0100 02000000000a 0000  # IFLA_ADDRESS, padded
			 0800 0400 78050000           # IFLA_MTU
			 0700 1400 616200 00          # IFLA_IFALIAS, zero-terminated`,
		],
		["a link removed", deleteLink(7), 17, 0, "00000000 07000000 00000000 00000000"],
		[
			"a veth, each end in a namespace and with a number of its own",
			createVeth(
				{ name: "a", index: 100000, mac: "02:00:00:00:00:01", mtu: 1500, queues: 1, netnsFd: 20 },
				{ name: "b", index: 100001, mac: "02:00:00:00:00:02", mtu: 1500, queues: 1, netnsFd: 21 },
			),
			16,
			0x600,
			`00000000 a0860100 00000000 00000000
			 0a00 0100 020000000001 0000
			 0600 0300 6100 0000
			 0800 0400 dc050000
			 0800 1c00 14000000           # IFLA_NET_NS_FD
			 0800 1f00 01000000           # IFLA_NUM_TX_QUEUES
			 0800 2000 01000000           # IFLA_NUM_RX_QUEUES
			 5c00 1200                    # IFLA_LINKINFO
			   0900 0100 7665746800 000000  # IFLA_INFO_KIND veth
			   4c00 0200                    # IFLA_INFO_DATA
			     4800 0100                  # VETH_INFO_PEER: struct ifinfomsg and attributes
			       00000000 a1860100 00000000 00000000
			       0a00 0100 020000000002 0000
			       0600 0300 6200 0000
			       0800 0400 dc050000
			       0800 1c00 15000000
			       0800 1f00 01000000
			       0800 2000 01000000`,
		],
		[
			"a program attached where none is",
			setXdp(7, "native", 12),
			16,
			0,
			`00000000 07000000 00000000 00000000
			 1400 2b80                  # IFLA_XDP, nested
			   0800 0100 0c000000       # IFLA_XDP_FD
			   0800 0300 05000000       # XDP_FLAGS_UPDATE_IF_NOEXIST | XDP_FLAGS_DRV_MODE`,
		],
		[
			"a program in place of another",
			setXdp(7, "generic", 12, 11),
			16,
			0,
			`00000000 07000000 00000000 00000000
			 1c00 2b80
			   0800 0100 0c000000
			   0800 0300 12000000       # XDP_FLAGS_REPLACE | XDP_FLAGS_SKB_MODE
			   0800 0800 0b000000       # IFLA_XDP_EXPECTED_FD`,
		],
		[
			"a program detached",
			setXdp(7, "native", -1),
			16,
			0,
			"00000000 07000000 00000000 00000000 1400 2b80 0800 0100 ffffffff 0800 0300 04000000",
		],
		["all addresses", ALL_ADDRESSES, 22, 0x300, "00 00 00 00 00000000"],
		[
			"an address removed",
			deleteAddress(7, "10.1.0.1/24"),
			21,
			0,
			`02 18 00 00 07000000         # struct ifaddrmsg: AF_INET, 24
			 0800 0100 0a010001           # IFA_ADDRESS
			 0800 0200 0a010001           # IFA_LOCAL`,
		],
		["all neighbours", ALL_NEIGHBORS, 30, 0x300, "00 00 0000 00000000 0000 00 00"],
		[
			"a permanent neighbour, over whatever is there",
			setNeighbor(7, "10.1.0.2", "02:00:00:00:00:02"),
			28,
			0x500,
			`02 00 0000 07000000 8000 00 00  # struct ndmsg: NUD_PERMANENT
			 0800 0100 0a010002              # NDA_DST
			 0a00 0200 020000000002 0000     # NDA_LLADDR`,
		],
		[
			"an IPv6 neighbour removed",
			deleteNeighbor(7, "fe80::1"),
			29,
			0,
			`0a 00 0000 07000000 8000 00 00
			 1400 0100 fe800000000000000000000000000001`,
		],
		["the IPv4 routes of the main table", dumpRoutes(4), 26, 0x300, "02 00 00 00 fe 00 00 00 00000000"],
		["the IPv6 routes of the main table", dumpRoutes(6), 26, 0x300, "0a 00 00 00 fe 00 00 00 00000000"],
		[
			"a namespace's number asked for",
			getNsid(20),
			90,
			0,
			"00000000 0800 0300 14000000 # struct rtgenmsg, padded; NETNSA_FD",
		],
		[
			"what `net.ipv6.conf.all` says",
			getNetconf(10),
			82,
			0,
			"0a000000 0800 0100 ffffffff # struct netconfmsg, padded; NETCONFA_IFINDEX: NETCONFA_IFINDEX_ALL",
		],
	])("%s", (_, request, type, flags, body) => {
		expect({ type: request.type, flags: request.flags, body: hex(request.body) }).toEqual({
			type,
			flags,
			body: hex(bytes(body)),
		});
	});

	test("a default route has no destination, and a prefix length of 0", () => {
		const { body } = addRoute({
			to: "0.0.0.0/0",
			type: "unicast",
			hops: [{ index: 7, gateway: "10.1.0.1" }],
			metric: 0,
			source: undefined,
		} as Parameters<typeof addRoute>[0]);
		expect(hex(body)).toBe(
			hex(
				bytes(`02 00 00 00 fe 04 00 01 00000000  # struct rtmsg: main, RTPROT_STATIC, universe, RTN_UNICAST
					0800 0400 07000000               # RTA_OIF
					0800 0500 0a010001               # RTA_GATEWAY`),
			),
		);
	});

	test("an address is added for good, IPv6 without duplicate address detection", () => {
		const { type, body } = setAddress(7, "fc00::1/64");
		expect(type).toBe(20);
		expect(hex(body)).toBe(
			hex(
				bytes(`0a 40 00 00 07000000
					1400 0100 fc000000000000000000000000000001
					1400 0200 fc000000000000000000000000000001
					0800 0800 02000000 # IFA_FLAGS: IFA_F_NODAD`),
			),
		);
	});
});

describe("what is encoded is decoded to the same", () => {
	const index = fc.integer({ min: 1, max: 0x7fff_ffff });
	const ipv4 = fc.ipV4();
	const octets = fc.uint8Array({ minLength: 6, maxLength: 6 });
	const mac = octets.map((bytes) =>
		Buffer.from(bytes)
			.toString("hex")
			.replace(/..(?!$)/g, "$&:"),
	);
	const word = fc.integer({ min: 1, max: 0xffff }).map((n) => n.toString(16));
	const ipv6 = fc.tuple(word, word, word, word, word, word, word, word).map((words) => words.join(":"));
	const address = fc.oneof(ipv4, ipv6);

	test("an address", () => {
		fc.assert(
			fc.property(index, ipv4, fc.integer({ min: 0, max: 32 }), (index, ip, length) => {
				const prefix = `${ip}/${length}`;
				expect(decodeAddress(Buffer.from(setAddress(index, prefix).body))).toMatchObject({ index, prefix });
			}),
		);
	});

	test("a neighbour", () => {
		fc.assert(
			fc.property(index, address, mac, (index, ip, mac) => {
				const body = Buffer.from(setNeighbor(index, ip, mac).body);
				expect(decodeNeighbor(body)).toMatchObject({ index, ip, mac, permanent: true });
			}),
		);
	});

	test("a route, of one next hop, of many, or of none", () => {
		// An IPv6 next hop as well: RFC 8950.
		const gateway = fc.oneof(ipv4, fc.constantFrom("fe80::2", "fd00::1"));
		const onlink = fc.constant(true);
		const hop = fc.record({ index, gateway, onlink }, { requiredKeys: ["index", "gateway"] });
		const unicast = fc.record({
			to: fc.tuple(ipv4, fc.integer({ min: 1, max: 32 })).map(([ip, length]) => `${ip}/${length}`),
			type: fc.constant("unicast" as const),
			hops: fc.array(hop, { minLength: 1, maxLength: 5 }),
			metric: fc.nat(),
			source: fc.option(ipv4, { nil: undefined }),
		});
		const other = fc.record({
			to: fc.constantFrom("10.0.0.0/8", "0.0.0.0/0", "fc00::/7", "::/0"),
			type: fc.constantFrom("blackhole" as const, "unreachable" as const, "prohibit" as const),
			hops: fc.constant([]),
			metric: fc.nat(),
			source: fc.constant(undefined),
		});
		fc.assert(
			fc.property(fc.oneof(unicast, other), (route) => {
				const request = addRoute(route as Parameters<typeof addRoute>[0]);
				expect(decodeRoute(Buffer.from(request.body))).toMatchObject({ ...route, protocol: 4 });
			}),
		);
	});

	test("any messages, one after the other", () => {
		const requests = fc.array(
			fc.record({
				what: fc.constant(""),
				type: fc.integer({ min: 16, max: 0xffff }),
				flags: fc.integer({ min: 0, max: 0xfff }),
				body: fc.uint8Array({ maxLength: 40 }),
			}),
		);
		fc.assert(
			fc.property(requests, (requests) => {
				const datagram = Buffer.concat(requests.map((one, i) => encodeMessage(one, i, NLM_F_ACK)));
				expect(datagram.length % 4).toBe(0);
				const decoded = [...decodeMessages(datagram)];
				expect(decoded.map(({ type, sequence, body }) => [type, sequence, hex(body)])).toEqual(
					requests.map(({ type, body }, i) => [type, i, hex(body)]),
				);
			}),
		);
	});

	test("any attributes, whatever their length", () => {
		const attributes = fc.array(
			fc.tuple(fc.integer({ min: 0, max: 0x3fff }), fc.uint8Array({ maxLength: 20 })),
		);
		fc.assert(
			fc.property(attributes, (attributes) => {
				const joined = Buffer.concat(attributes.map(([type, value]) => joinAttribute(type, value)));
				expect([...splitAttributes(joined)].map(([type, value]) => [type, hex(value)])).toEqual(
					attributes.map(([type, value]) => [type, hex(value)]),
				);
			}),
		);
	});

	test("alignment is to the next multiple of four", () => {
		expect([0, 1, 2, 3, 4, 5, 8].map(align)).toEqual([0, 4, 4, 4, 4, 8, 8]);
	});
});

describe("whatever comes, decoding ends", () => {
	test("of bytes at random", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
				const buffer = Buffer.from(random);
				for (const { body } of decodeMessages(buffer)) expect(body.length).toBeLessThanOrEqual(buffer.length);
				for (const [, value] of splitAttributes(buffer)) expect(value.length).toBeLessThan(buffer.length);
			}),
		);
	});

	test.each([
		["a length of 0", "00000000 0300 0000 01000000 00000000"],
		["a length beyond the datagram", "ff000000 0300 0000 01000000 00000000"],
		["half a header", "10000000 0300"],
	])("of a message with %s", (_, text) => {
		expect([...decodeMessages(bytes(text))]).toEqual([]);
	});

	test.each([
		["a length of 0", "0000 0100"],
		["a length of 3", "0300 0100 01000000"],
		["a length beyond the end", "0900 0100 01000000"],
	])("of an attribute with %s", (_, text) => {
		expect([...splitAttributes(bytes(text))]).toEqual([]);
	});
});

describe("an acknowledgement", () => {
	const message = (flags: number, body: string) => ({ type: 2, flags, sequence: 1, body: bytes(body) });
	const echoed = "20000000 1000 0500 01000000 00000000";

	test.each([
		["of success", message(0x100, `00000000 ${echoed}`), { errno: 0, text: undefined }],
		["of a failure", message(0x100, `efffffff ${echoed}`), { errno: 17, text: undefined }],
		[
			"with the kernel's words",
			message(0x300, `eaffffff ${echoed} 0700 0100 4e6f00 00`),
			{ errno: 22, text: "No" },
		],
		[
			"with them after a request that is echoed whole",
			message(0x200, `eaffffff ${echoed} ${"00".repeat(16)} 0800 0200 04000000 0700 0100 4e6f00 00`),
			{ errno: 22, text: "No" },
		],
	])("%s", (_, acknowledgement, expected) => {
		const { errno, text } = decodeAcknowledgement(acknowledgement);
		expect({ errno: errno || 0, text }).toEqual(expected);
	});
});

describe("an answer of the kernel's", () => {
	test("a veth's link with a program, IPv6 and its peer elsewhere", () => {
		const body = bytes(`00 00 0100 a0860100 43100100 00000000
			0a00 0300 766574683000 0000   # IFLA_IFNAME veth0
			0a00 0100 020000000001 0000
			0800 0400 dc050000
			0800 0500 a1860100            # IFLA_LINK
			0800 2500 03000000            # IFLA_LINK_NETNSID
			0800 1f00 01000000
			0800 2000 02000000
			1000 1200 0900 0100 7665746800 000000
			1c00 2b80 0500 0200 01000000 0800 0400 2a000000 0800 0500 2a000000 # IFLA_XDP: native, 42`);
		expect(decodeLink(body)).toMatchObject({
			index: 100000,
			up: true,
			name: "veth0",
			kind: "veth",
			mac: "02:00:00:00:00:01",
			mtu: 1500,
			peerIndex: 100001,
			netnsId: 3,
			txQueues: 1,
			rxQueues: 2,
			alias: undefined,
			xdp: [{ mode: "native", id: 42 }],
			settings: {},
		});
	});

	test.each([
		["none", "0c00 2b80 0500 0200 00000000", []],
		["native", "1400 2b80 0500 0200 01000000 0800 0400 2a000000", [{ mode: "native", id: 42 }]],
		["generic", "1400 2b80 0500 0200 02000000 0800 0400 2a000000", [{ mode: "generic", id: 42 }]],
		[
			"several",
			"1c00 2b80 0500 0200 04000000 0800 0500 2a000000 0800 0600 2b000000",
			[
				{ mode: "native", id: 42 },
				{ mode: "generic", id: 43 },
			],
		],
	])("programs: %s", (_, attribute, xdp) => {
		const body = Buffer.concat([Buffer.alloc(16), bytes(attribute)]);
		expect(decodeLink(body).xdp).toEqual(xdp);
	});

	test.each([
		["of a namespace that no link leads to", "00000000 0800 0100 ffffffff", -1],
		["of one that has a number", "00000000 0800 0100 02000000", 2],
	])("the number %s", (_, body, nsid) => {
		expect(decodeNsid(bytes(body))).toBe(nsid);
	});

	test("forwarding of a namespace is told as sysctl(8) writes it", () => {
		const answer = "0a000000 0800 0100 ffffffff 0800 0200 01000000 0800 0400 00000000";
		expect(decodeForwarding(bytes(answer))).toBe("1");
	});

	test.each([
		["a route of another table", "02 18 00 00 ff 02 fd 02 00000000 0800 0100 0a010000"],
		["a table beyond 255", "02 18 00 00 00 04 00 01 00000000 0800 0f00 e8030000 0800 0100 0a010000"],
		["a broadcast route", "02 20 00 00 fe 02 fd 03 00000000 0800 0100 0a0100ff"],
		["an entry of the cache", "02 20 00 00 fe 04 00 01 00020000 0800 0100 0a010001"],
	])("%s is none of ours", (_, body) => {
		expect(decodeRoute(bytes(body))).toBeUndefined();
	});

	test.each([
		["permanent", "8000", true],
		["reachable", "0200", false],
		["stale", "0400", false],
		["noarp", "4000", false],
	])("a neighbour that is %s", (_, state, permanent) => {
		const body = bytes(`02 00 0000 07000000 ${state} 00 01 0800 0100 0a010002`);
		expect(decodeNeighbor(body)).toEqual({
			index: 7,
			ip: "10.1.0.2",
			mac: undefined,
			permanent,
			byDaemon: false,
		});
	});

	test.each([
		["nobody", "", false],
		["the kernel's tools", "0500 0c00 04 000000", false], // RTPROT_STATIC
		["zebra", "0500 0c00 0b 000000", true], // RTPROT_ZEBRA
	])("a neighbour that %s put there", (_, protocol, byDaemon) => {
		const body = bytes(`02 00 0000 07000000 0200 00 01 0800 0100 0a010002 ${protocol}`);
		expect(decodeNeighbor(body)).toMatchObject({ permanent: false, byDaemon });
	});
});

describe("a removed route matches any protocol and, of IPv4, any scope", () => {
	test("by zeros and RT_SCOPE_NOWHERE", () => {
		const { type, body } = deleteRoute({
			to: "10.2.0.0/16",
			type: "blackhole",
			hops: [],
			metric: 0,
			source: undefined,
		} as Parameters<typeof deleteRoute>[0]);
		expect({ type, body: hex(body) }).toEqual({
			type: 25,
			body: hex(bytes("02 10 00 00 fe 00 ff 06 00000000 0800 0100 0a020000")),
		});
	});
});

describe("the link-local address of a MAC", () => {
	test.each([
		// RFC 4291, appendix A: 34-56-78-9A-BC-DE.
		["34:56:78:9a:bc:de", "fe80::3656:78ff:fe9a:bcde/64"],
		["02:00:00:00:00:01", "fe80::ff:fe00:1/64"],
		["00:00:00:00:00:00", "fe80::200:ff:fe00:0/64"],
		["fe:ff:ff:ff:ff:ff", "fe80::fcff:ffff:feff:ffff/64"],
	])("%s is %s", (mac, address) => {
		expect(linkLocal(mac)).toBe(address);
	});
});

describe("the subnet of an address", () => {
	test.each([
		["10.1.2.3/24", "10.1.2.0/24"],
		["10.1.2.3/32", "10.1.2.3/32"],
		["10.1.2.3/0", "0.0.0.0/0"],
		["10.255.255.255/9", "10.128.0.0/9"],
		["fc00:1:2:3::4/64", "fc00:1:2:3::/64"],
		["fc00:1:2:3::4/63", "fc00:1:2:2::/63"],
		["fc00::1/128", "fc00::1/128"],
	])("%s is %s", (prefix, subnet) => {
		expect(subnetOf(prefix)).toBe(subnet);
	});
});
