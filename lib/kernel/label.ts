import { decodeLabel, encodeLabel, LABEL_SIZE, type Label } from "../snapshot/label.js";
import { createFrozenArray, lookup, u32Key } from "./bpf.js";

/** The name of the map that marks a program. */
export const LABEL_MAP = "xdp_topology";

/** @returns a descriptor of a frozen map */
export function createLabel(label: Label): number {
	return createFrozenArray(LABEL_MAP, [encodeLabel(label)], LABEL_SIZE);
}

/** Undefined where the map holds something else. */
export function readLabel(map: number): Label | undefined {
	const value = lookup(map, u32Key(0), LABEL_SIZE);
	return value && decodeLabel(value);
}
