import { quote } from "./printable.js";
import type { Parsed } from "./report.js";
import { scopeOf } from "./sysctl-interface.js";

export interface SysctlName {
	/** With dots; an interface's own dots are `/`. Of two names of one value always the same one. */
	name: string;
	/** The interface, `all` or `default` that it is about, if it is about one. */
	interface?: string;
}

/** Names of one value, by the name that is kept. net/ipv4/devinet.c: both are IPV4_DEVCONF_ALL(FORWARDING). */
const synonyms: ReadonlyMap<string, string> = new Map([
	["net.ipv4.conf.all.forwarding", "net.ipv4.ip_forward"],
]);

/** What is in the names under /proc/sys/net, interface names included. */
const SEGMENT = /^[^\s\p{Cc}\p{Cf}\p{Cs}]+$/u;

/**
 * A name as sysctl(8) takes it: the first separator, `.` or `/`, is the one between the parts, and the
 * other then stands for a dot within a part, or for itself.
 */
export function parseSysctlName(text: string): Parsed<SysctlName> {
	const slashes = /^[^.]*\//.test(text);
	const segments = slashes ? text.split("/") : text.split(".").map((part) => part.replaceAll("/", "."));
	if (segments[0] !== "net") {
		const hint = "only `net.*` belongs to a network namespace";
		return { problem: `sysctl ${quote(text)} is not under \`net.\``, hint };
	}
	if (segments.some((part) => part === "" || part === "." || part.includes("..")))
		return { problem: `sysctl ${quote(text)} has an empty part or \`..\`` };
	if (segments.length < 3 || !segments.every((part) => SEGMENT.test(part))) {
		const hint = "for example `net.ipv4.conf.all.rp_filter`";
		return { problem: `${quote(text)} is no sysctl`, hint };
	}
	const name = segments.map((part) => part.replaceAll(".", "/")).join(".");
	const about = scopeOf(name);
	return {
		value: { name: synonyms.get(name) ?? name, ...(about === undefined ? {} : { interface: about }) },
	};
}

/** A value as it is written to the kernel. */
export function parseSysctlValue(value: string | number | boolean): Parsed<string> {
	if (typeof value === "boolean") return { value: value ? "1" : "0" };
	if (typeof value === "number") {
		return Number.isSafeInteger(value)
			? { value: String(value) }
			: { problem: `${value} is too large a number for YAML`, hint: "put it in quotes" };
	}
	if (value.trim() === "") return { problem: "a sysctl's value cannot be empty" };
	// A tab separates the numbers of a list.
	if (/(?!\t)[\p{Cc}\p{Cf}\p{Cs}]/u.test(value))
		return { problem: "a sysctl's value is one line without control characters" };
	return { value: value.trim() };
}
