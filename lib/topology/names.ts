import { quote } from "./printable.js";
import type { Parsed, Report } from "./report.js";
import type { Range } from "./source.js";
import type { EndName } from "./topology.js";

/** NAME_MAX of linux/limits.h: a namespace is a file under /run/netns. In bytes. */
const NAMESPACE_LENGTH = 255;

/** IFNAMSIZ of linux/if.h less the NUL at the end. In bytes. */
const INTERFACE_LENGTH = 15;

const LAB = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const LAB_LENGTH = 32;

const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/** The loopback interface, which the kernel gives every namespace. */
export const LOOPBACK = "lo";

/** Whether a text can be the name of a lab. */
export function isLabName(name: string): boolean {
	return name.length <= LAB_LENGTH && LAB.test(name);
}

export function checkLabName(name: string, at: Range, report: Report): void {
	if (name.length > LAB_LENGTH) {
		const message = `the lab's name is too long: ${name.length} characters, at most ${LAB_LENGTH}`;
		report.error(at, "name", message);
	} else if (!LAB.test(name)) {
		const hint = "lower-case letters, digits and dashes, a letter or digit first and last";
		report.error(at, "name", `${quote(name)} cannot be the name of a lab`, hint);
	}
}

/** Why a name can be that of no namespace; undefined if it can. */
export function namespaceProblem(name: string): string | undefined {
	if (name.startsWith("-")) return "begins with `-`, which ip(8) takes for an option";
	return problem(name, NAMESPACE_LENGTH);
}

/**
 * Why a name can be that of no interface of a lab; undefined if it can.
 *
 * The rules are those of dev_valid_name() in net/core/dev.c, and of what stands for something else.
 */
export function interfaceProblem(name: string): string | undefined {
	if (name === LOOPBACK) return "is the loopback interface, which every namespace has already";
	if (name === "all" || name === "default") return "stands for other interfaces in sysctl(8)";
	if (name.includes("%")) return "holds `%`, which the kernel takes for a number to fill in";
	// The kernel's isspace() reads bytes as Latin-1, where 0xa0 is a space: `à` is c3 a0.
	if (Buffer.from(name).includes(0xa0))
		return "holds the byte a0 in UTF-8, which the kernel takes for white space";
	return problem(name, INTERFACE_LENGTH);
}

function problem(name: string, maximum: number): string | undefined {
	if (name === "") return "is empty";
	if (name === ".") return "names a folder";
	for (const part of ["..", "/", ":"]) {
		if (name.includes(part)) return `holds \`${part}\``;
	}
	if (CONTROL.test(name)) return "holds a control character";
	if (/\s/u.test(name)) return "holds white space";
	const length = Buffer.byteLength(name);
	return length > maximum ? `is too long: ${length} bytes, at most ${maximum}` : undefined;
}

export interface EndParts {
	name: EndName;
	namespace: string;
	interface: string;
}

/** What the name of an end consists of: neither part can hold a colon. */
export function splitEnd(name: string): { namespace: string; interface: string } {
	const colon = name.indexOf(":");
	return { namespace: name.slice(0, colon), interface: name.slice(colon + 1) };
}

/** Reads NAMESPACE:INTERFACE, whatever the two look like. */
export function parseEndName(text: string): Parsed<EndParts> {
	const [namespace, interfaceName, another] = text.split(":");
	if (namespace === undefined || interfaceName === undefined || another !== undefined) {
		const hint = "an end is NAMESPACE:INTERFACE, for example `uno:veth0`";
		return { problem: `${quote(text)} does not name an end`, hint };
	}
	return { value: { name: `${namespace}:${interfaceName}`, namespace, interface: interfaceName } };
}
