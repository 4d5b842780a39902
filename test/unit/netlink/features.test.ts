import { describe, expect, test } from "vitest";
import { expandFeature } from "../../../lib/netlink/feature-names.js";
import { decodeFamily, decodeFeatures, getFamily, setFeatures } from "../../../lib/netlink/features.js";
import { joinAttribute } from "../../../lib/netlink/message.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A veth's features by their long names, as `ethtool -k` lists them. */
const VETH = [
	"rx-checksum",
	"tx-checksum-ipv4",
	"tx-checksum-ip-generic",
	"tx-checksum-ipv6",
	"tx-checksum-fcoe-crc",
	"tx-checksum-sctp",
	"tx-scatter-gather",
	"tx-scatter-gather-fraglist",
	"tx-tcp-segmentation",
	"tx-tcp-ecn-segmentation",
	"tx-tcp-mangleid-segmentation",
	"tx-tcp6-segmentation",
	"tx-generic-segmentation",
	"tx-udp-segmentation",
	"rx-gro",
	"rx-gro-list",
	"rx-lro",
	"rx-vlan-hw-parse",
	"tx-vlan-hw-insert",
	"rx-vlan-stag-hw-parse",
	"rx-ntuple-filter",
	"rx-hashing",
];

describe("a name of ethtool -K stands for", () => {
	test.each([
		["rx", ["rx-checksum"]],
		[
			"tx",
			[
				"tx-checksum-ipv4",
				"tx-checksum-ip-generic",
				"tx-checksum-ipv6",
				"tx-checksum-fcoe-crc",
				"tx-checksum-sctp",
			],
		],
		["sg", ["tx-scatter-gather", "tx-scatter-gather-fraglist"]],
		[
			"tso",
			[
				"tx-tcp-segmentation",
				"tx-tcp-ecn-segmentation",
				"tx-tcp-mangleid-segmentation",
				"tx-tcp6-segmentation",
			],
		],
		["gso", ["tx-generic-segmentation"]],
		["gro", ["rx-gro"]],
		["lro", ["rx-lro"]],
		["rxvlan", ["rx-vlan-hw-parse"]],
		["txvlan", ["tx-vlan-hw-insert"]],
		["ntuple", ["rx-ntuple-filter"]],
		["rxhash", ["rx-hashing"]],
		["tx-udp-segmentation", ["tx-udp-segmentation"]],
		["no-such-feature", []],
	])("%s", (name, features) => {
		expect(expandFeature(name, VETH)).toEqual(features);
	});

	test("only what the device has", () => {
		expect(expandFeature("tx", ["tx-checksum-ip-generic", "rx-gro"])).toEqual(["tx-checksum-ip-generic"]);
	});
});

/** One bit of a bitset: ETHTOOL_A_BITSET_BIT_NAME, and VALUE where it is set. */
const bit = (name: string, value: boolean) =>
	joinAttribute(
		0x8001,
		Buffer.concat([
			joinAttribute(2, Buffer.from(`${name}\0`)),
			...(value ? [joinAttribute(3, Buffer.alloc(0))] : []),
		]),
	);
/** A bitset: with a mask each bit says for itself; without one, those listed are set. */
const bitset = (type: number, noMask: boolean, bits: Buffer[]) =>
	joinAttribute(
		0x8000 | type,
		Buffer.concat([
			...(noMask ? [joinAttribute(1, Buffer.alloc(0))] : []),
			joinAttribute(0x8003, Buffer.concat(bits)),
		]),
	);

test("an answer with masks and without is read as one", () => {
	const body = Buffer.concat([
		Buffer.of(11, 1, 0, 0),
		joinAttribute(0x8001, joinAttribute(1, Buffer.of(7, 0, 0, 0))),
		bitset(2, false, [
			bit("rx-gro", true),
			bit("tx-checksum-sctp", true),
			bit("rx-lro", false),
			bit("highdma", true),
		]),
		bitset(3, true, [bit("tx-checksum-sctp", false)]),
		bitset(4, true, [bit("tx-checksum-sctp", false), bit("highdma", false)]),
		bitset(5, true, [bit("highdma", false)]),
	]);
	expect(decodeFeatures(body)).toEqual({
		index: 7,
		changeable: new Set(["rx-gro", "tx-checksum-sctp"]),
		wanted: new Set(["tx-checksum-sctp"]),
		active: new Set(["tx-checksum-sctp", "highdma"]),
		known: new Set(["rx-gro", "tx-checksum-sctp", "rx-lro", "highdma"]),
	});
});

test("features are set by name, in one request, and named in it", () => {
	const { what, type, body } = setFeatures(
		21,
		7,
		new Map([
			["rx-gro", true],
			["rx-lro", false],
		]),
	);
	expect({ what, type }).toEqual({ what: "ETHTOOL_MSG_FEATURES_SET rx-gro on, rx-lro off", type: 21 });
	expect(hex(body)).toBe(
		hex(
			Buffer.concat([
				Buffer.of(12, 1, 0, 0),
				// ETHTOOL_A_FEATURES_HEADER: the device, and ETHTOOL_FLAG_OMIT_REPLY
				joinAttribute(
					0x8001,
					Buffer.concat([joinAttribute(1, Buffer.of(7, 0, 0, 0)), joinAttribute(3, Buffer.of(2, 0, 0, 0))]),
				),
				bitset(3, false, [bit("rx-gro", true), bit("rx-lro", false)]),
			]),
		),
	);
});

test("the number of the family is asked for by its name", () => {
	const { type, body } = getFamily("ethtool");
	expect({ type, body: hex(body) }).toEqual({
		type: 16,
		body: hex(Buffer.concat([Buffer.of(3, 1, 0, 0), joinAttribute(2, Buffer.from("ethtool\0"))])),
	});
	expect(decodeFamily(Buffer.concat([Buffer.of(1, 2, 0, 0), joinAttribute(1, Buffer.of(21, 0))]))).toBe(21);
});
