import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { bytesOfIp, textOfIp } from "../../../lib/netlink/ip.js";
import { fc } from "../../random.js";

describe("an address", () => {
	test.each([
		["10.1.0.255", "0a0100ff", "10.1.0.255"],
		["::", "00".repeat(16), "::"],
		["::1", `${"00".repeat(15)}01`, "::1"],
		["fe80::", `fe80${"00".repeat(14)}`, "fe80::"],
		["FC00:0001::2", `fc000001${"00".repeat(10)}0002`, "fc00:1::2"],
		["1:0:0:2:0:0:0:3", "00010000000000020000000000000003", "1:0:0:2::3"],
		["1:0:0:2:3:0:0:4", "00010000000000020003000000000004", "1::2:3:0:0:4"],
		["1:0:2:3:4:5:6:7", "00010000000200030004000500060007", "1:0:2:3:4:5:6:7"],
		["::ffff:10.0.0.1", `${"00".repeat(10)}ffff0a000001`, "::ffff:a00:1"],
	])("%s", (text, hex, canonical) => {
		const bytes = bytesOfIp(text);
		expect(bytes?.toString("hex")).toBe(hex);
		expect(bytes && textOfIp(bytes)).toBe(canonical);
	});

	test.each([
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.04",
		"1.2.3.-4",
		"0x1.2.3.4",
		"1.2.3.4 ",
		"1..2.3",
		":",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::12345",
		"::g",
		"fe80::1%eth0",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3",
		"1.2.3.4::",
		"::1.2.3.4:5",
		":1:2:3:4:5:6:7",
		"1:",
	])("%j is none", (text) => {
		expect(bytesOfIp(text)).toBeUndefined();
	});

	test("of any bytes is written as another library writes it, and read back", () => {
		const bytes = fc.constantFrom(4, 16).chain((length) =>
			// Zeros are what it is all about.
			fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), {
				minLength: length,
				maxLength: length,
			}),
		);
		fc.assert(
			fc.property(bytes, (list) => {
				const address = ipaddr.fromByteArray(list);
				const text = textOfIp(Buffer.from(list));
				expect(text).toBe(address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString());
				expect([...(bytesOfIp(text) ?? [])]).toEqual(list);
			}),
		);
	});
});
