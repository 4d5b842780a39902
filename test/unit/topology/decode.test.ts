import { describe, expect, test } from "vitest";
import { decode, MAX_SIZE, TopologyError } from "../../../lib/topology/index.js";

function refusal(bytes: Uint8Array): string {
	try {
		decode(bytes, "lab.yaml");
	} catch (error) {
		if (error instanceof TopologyError) return error.message;
		throw error;
	}
	return "";
}

describe("decode", () => {
	test("takes UTF-8, with a byte order mark or without", () => {
		expect(decode(Buffer.from("name: ä\n"), "x")).toBe("name: ä\n");
		expect(decode(Buffer.from("\ufeffname: x\n"), "x")).toBe("name: x\n");
		expect(decode(Buffer.alloc(0), "x")).toBe("");
		expect(decode(Buffer.alloc(MAX_SIZE, "#"), "x")).toHaveLength(MAX_SIZE);
	});

	test.each<[string, Uint8Array, string]>([
		["what is too large", Buffer.alloc(MAX_SIZE + 1, "#"), "lab.yaml:1:1: the file is too large"],
		["UTF-16, little endian", Buffer.from("\ufeffname: x", "utf16le"), "lab.yaml:1:1: the file is UTF-16"],
		["UTF-16, big endian", Buffer.from([0xfe, 0xff, 0, 0x61]), "lab.yaml:1:1: the file is UTF-16"],
		["a NUL byte", Buffer.from("name: x\nb\0"), "lab.yaml:2:2: the file holds a NUL byte"],
		[
			"Latin-1",
			Buffer.concat([Buffer.from("name: x\n# \ufffd\nb: "), Buffer.from([0xe4, 0x0a])]),
			"lab.yaml:3:4: the file is not UTF-8",
		],
		["a surrogate", Buffer.from([0x61, 0xed, 0xa0, 0x80]), "lab.yaml:1:2: the file is not UTF-8"],
	])("refuses %s", (_, bytes, message) => {
		expect(refusal(bytes)).toBe(message);
	});
});
