import { isMapping, type Memory, text } from "./memory.js";
import { type Place, REFERENCES, type ReferenceKind } from "./surroundings.js";

/** What a reference is to be written to. */
export interface Target {
	/** As a message calls it. */
	name: string;
	/** Offset and size in bytes. */
	at: number;
	size: number;
	/** It is an integer, such as an ifindex is. */
	integer: boolean;
	/** It may be any bytes. */
	bytes: boolean;
}

const WHAT: Record<ReferenceKind, string> = {
	ifindex: "an ifindex",
	mac: "a MAC",
	ipv4: "an IPv4 address",
	ipv6: "an IPv6 address",
};

/** `{ ifindex: host:uno }`: which of an end's properties, and the end. Undefined of any other value. */
export function referenceIn(value: unknown): { kind: ReferenceKind; end: unknown } | undefined {
	if (!isMapping(value)) return undefined;
	const [key, another] = Object.keys(value);
	const kind = REFERENCES.find((one) => one === key);
	return kind === undefined || another !== undefined ? undefined : { kind, end: value[kind] };
}

/** Writes what a reference stands for. @param value a mapping that is one */
export function writeReference(memory: Memory, target: Target, value: object, place: Place): void {
	const { kind, end } = referenceIn(value) ?? {};
	if (kind === undefined) throw new Error("bug: no reference");
	const inner = { container: value, name: kind };
	if (typeof end !== "string") {
		memory.problem(inner, `a reference names an end, and this is ${text(end)}`, "NAMESPACE:INTERFACE");
		return;
	}
	const found = memory.reference(kind, end, inner);
	if (found === undefined) return;
	const { name, at, size } = target;
	if (typeof found === "string") {
		if (target.integer && size >= 4 && size <= 8) memory.slots.push({ at, size, end: found });
		else memory.problem(place, `an ifindex does not fit ${name}`, "it is a number of 32 bits");
	} else if (!target.bytes) memory.problem(place, `${WHAT[kind]} does not fit ${name}`);
	else if (found.length === size) found.copy(memory.bytes, at);
	else memory.problem(place, `${WHAT[kind]} is ${found.length} bytes, and ${name} has ${size}`);
}
