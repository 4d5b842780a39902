import { decodeLabel, encodeLabel, type Label } from "../snapshot/label.js";
import { createFrozen, lookup, mapInfo, u32Key } from "./bpf.js";

/** The name of the map that marks a program. */
export const LABEL_MAP = "xdp_topology";

/** @returns a descriptor of a frozen map */
export function createLabel(label: Label): number {
	return createFrozen(LABEL_MAP, encodeLabel(label));
}

/** Undefined where the map holds something else. */
export function readLabel(map: number): Label | undefined {
	const value = lookup(map, u32Key(0), mapInfo(map).valueSize);
	return value && decodeLabel(value);
}
