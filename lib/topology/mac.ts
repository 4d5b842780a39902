import { createHash } from "node:crypto";
import { quote } from "./printable.js";
import type { Parsed } from "./report.js";
import type { EndName } from "./topology.js";

const MAC = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** Of the first byte (IEEE 802, 8.2): a group address; one that no manufacturer has given. */
const GROUP = 0x01;
const LOCAL = 0x02;

/** A unicast MAC in lower case. */
export function parseMac(text: string): Parsed<string> {
	const mac = text.toLowerCase();
	if (!MAC.test(mac)) {
		const colons = mac.replaceAll("-", ":");
		const hint = `for example ${MAC.test(colons) ? quote(colons) : "`02:00:00:00:00:01`"}`;
		return { problem: `${quote(text)} is no MAC`, hint };
	}
	if ((Number.parseInt(mac, 16) & GROUP) !== 0) {
		return {
			problem: `${quote(text)} is a multicast MAC`,
			hint: "the second digit of a unicast MAC is even",
		};
	}
	if (mac === "00:00:00:00:00:00") return { problem: `${quote(text)} is no interface's MAC` };
	return { value: mac };
}

/** The MAC of an end that is given none: locally administered, unicast, the same on every machine. */
export function deriveMac(lab: string, end: EndName): string {
	// A space is in neither name, so that no two pairs of names read the same.
	const bytes = createHash("sha256").update(`${lab} ${end}`).digest().subarray(0, 6);
	bytes.writeUInt8((bytes.readUInt8(0) & ~GROUP) | LOCAL, 0);
	return bytes.toString("hex").replace(/..(?!$)/g, "$&:");
}
