import { decodeLabel, encodeLabel, type Label } from "../snapshot/label.js";
import { BPF_MAP_TYPE_ARRAY, createFrozen, lookup, mapInfo, u32Key } from "./bpf.js";

/** The name of the map that marks a program. */
export const LABEL_MAP = "xdp_topology";

/** @returns a descriptor of a frozen map */
export function createLabel(label: Label): number {
	return createFrozen(LABEL_MAP, encodeLabel(label));
}

/** Undefined where the map is another kind, or holds something else: anybody may have one of that name. */
export function readLabel(map: number): Label | undefined {
	const { type, valueSize } = mapInfo(map);
	if (type !== BPF_MAP_TYPE_ARRAY) return undefined;
	const value = lookup(map, u32Key(0), valueSize);
	return value && decodeLabel(value);
}
