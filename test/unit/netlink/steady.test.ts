import { describe, expect, test } from "vitest";
import { keepSteady } from "../../../lib/netlink/steady.js";

const bytes = (text: string) => Buffer.from(text.replace(/#.*$/gm, "").replace(/\s/g, ""), "hex");

describe("what changes by itself is no part of a digest:", () => {
	test.each<[title: string, type: number, before: string, after: string]>([
		[
			"flags but that of being up, and the state of the carrier",
			16,
			`00000100 07000000 43100100 00000000 # IFF_UP, IFF_BROADCAST, IFF_RUNNING, IFF_MULTICAST, IFF_LOWER_UP
			 0600 0300 6100 0000                # IFLA_IFNAME
			 0500 1000 06000000                 # IFLA_OPERSTATE: IF_OPER_UP`,
			"00000100 07000000 01000000 00000000  0600 0300 6100 0000  0500 1000 00000000",
		],
		[
			"how ready IPv6 is on a link, deep within, and not its settings",
			16,
			`00000100 07000000 01000000 00000000
			 1400 1a80            # IFLA_AF_SPEC
			   1000 0a80          # AF_INET6
			     0800 0100 30000080  # IFLA_INET6_FLAGS
			     0400 0200           # IFLA_INET6_CONF
			 0800 0500 06000000   # IFLA_LINK: within, its number would be IFLA_INET6_CACHEINFO`,
			`00000100 07000000 01000000 00000000
			 1400 1a80 1000 0a80 0800 0100 00000000 0400 0200 0800 0500 06000000`,
		],
		[
			"the age of an address",
			20,
			"02188000 07000000 0800 0600 11111111",
			"02188000 07000000 0800 0600 00000000",
		],
		[
			"whether an address is tentative or deprecated, and not whether it is permanent",
			20,
			`0a40e0fd 07000000    # AF_INET6, a prefix of 64 bits, RT_SCOPE_LINK
			 0800 0800 e0000000   # IFA_FLAGS: IFA_F_PERMANENT, IFA_F_TENTATIVE, IFA_F_DEPRECATED`,
			"0a4080fd 07000000 0800 0800 80000000",
		],
		[
			"the age of a route, and not its metric",
			24,
			`0a400000 fe040001 00000000    # AF_INET6, a prefix of 64 bits, RT_TABLE_MAIN, RTPROT_STATIC, RTN_UNICAST
			 0800 0600 00040000 0800 0c00 11111111 # RTA_PRIORITY: 1024, RTA_CACHEINFO`,
			"0a400000 fe040001 00000000 0800 0600 00040000 0800 0c00 00000000",
		],
		[
			"the age of a neighbour",
			28,
			"02000000 07000000 80000000 0800 0300 11111111 0800 0400 01000000",
			"02000000 07000000 80000000 0800 0300 00000000 0800 0400 00000000",
		],
	])("%s", (_, type, before, after) => {
		const body = bytes(before);
		expect(keepSteady(type, body)).toBe(true);
		expect(body.toString("hex")).toBe(bytes(after).toString("hex"));
	});

	test("a neighbour that was learned is left out", () => {
		expect(keepSteady(28, bytes("02000000 07000000 02000000"))).toBe(false); // NUD_REACHABLE
	});

	test("a routing daemon's neighbour is kept as long as its MAC is known, however old that is", () => {
		const daemons = (state: string, mac: string) =>
			bytes(`02000000 07000000 ${state} 0000 ${mac} 0500 0c00 0b000000`);
		const MAC = "0a00 0200 020000000009 0000";
		const [reachable, stale, failed] = [daemons("0200", MAC), daemons("0400", MAC), daemons("2000", "")];
		expect([reachable, stale, failed].map((body) => keepSteady(28, body))).toEqual([true, true, false]);
		expect(reachable.equals(stale)).toBe(true);
	});

	test("a cut-off attribute ends it", () => {
		const body = bytes("02188000 07000000 0900 0600 11111111");
		expect(keepSteady(20, body)).toBe(true);
		expect(body.toString("hex")).toBe("021880000700000009000600" + "11111111");
	});
});
