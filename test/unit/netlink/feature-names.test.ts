import { describe, expect, test } from "vitest";
import { expandFeature } from "../../../lib/netlink/feature-names.js";

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
