import type { Type, TypeId } from "./btf.js";

/** What a type comes to, with all that it consists of. */
export interface Extent {
	/** In bytes; 0 of what has none. */
	size: number;
	/** Of types within each other. */
	depth: number;
	/** Members, those of anonymous structs and unions among them: what has to be searched for a name. */
	names: number;
}

/** Deeper than any C program; the kernel itself takes 32: MAX_RESOLVE_DEPTH of kernel/bpf/btf.c. */
const MAX_DEPTH = 64;
/** As many as one struct can have: BTF_MAX_VLEN of <linux/btf.h>. */
const MAX_NAMES = 0xffff;

const NOTHING: Extent = { size: 0, depth: 0, names: 0 };

/**
 * Measures all types, so that nobody who follows them is led astray: each is there, none is a part of
 * itself, and what it consists of lies within it.
 * @throws RangeError where that is not so
 */
export function measure(types: readonly Type[]): Extent[] {
	const measured: Extent[] = [];
	const begun = new Set<TypeId>();
	const extentOf = (id: TypeId): Extent => {
		const known = measured[id];
		if (known) return known;
		const type = at(types, id);
		if (begun.has(id)) throw new RangeError();
		begun.add(id);
		const extent = measureOne(type, types, extentOf);
		if (extent.depth > MAX_DEPTH || extent.names > MAX_NAMES) throw new RangeError();
		measured[id] = extent;
		return extent;
	};
	for (const id of types.keys()) extentOf(id);
	return measured;
}

function at(types: readonly Type[], id: TypeId): Type {
	const type = types[id];
	if (!type) throw new RangeError();
	return type;
}

function measureOne(type: Type, types: readonly Type[], extentOf: (id: TypeId) => Extent): Extent {
	switch (type.kind) {
		case "int":
			if (type.size > 16 || type.bits > 8 * type.size) throw new RangeError();
			return { ...NOTHING, size: type.size };
		case "float":
		case "enum":
			if (type.size > 16) throw new RangeError();
			return { ...NOTHING, size: type.size };
		case "pointer":
			// What it points to may well contain it.
			at(types, type.type);
			return { ...NOTHING, size: 8 };
		case "const":
		case "volatile":
		case "restrict":
		case "tag":
		case "typedef": {
			const extent = extentOf(type.type);
			return { ...extent, depth: extent.depth + 1 };
		}
		case "array": {
			const element = extentOf(type.element);
			const size = element.size * type.length;
			if (size > 0xffffffff) throw new RangeError();
			return { size, depth: element.depth + 1, names: 0 };
		}
		case "struct":
		case "union":
			return measureMembers(type, extentOf);
		case "variable":
			return { ...extentOf(type.type), names: 0 };
		case "section":
			for (const variable of type.variables) at(types, variable);
			return NOTHING;
		default:
			return NOTHING;
	}
}

function measureMembers(
	{ size, members }: Extract<Type, { kind: "struct" | "union" }>,
	extentOf: (id: TypeId) => Extent,
): Extent {
	const whole = { size, depth: 0, names: 0 };
	for (const { name, type, bitOffset, bits } of members) {
		const inner = extentOf(type);
		if (bitOffset + (bits || 8 * inner.size) > 8 * size) throw new RangeError();
		if (bits === 0 && bitOffset % 8 !== 0) throw new RangeError();
		if (bits > 8 * inner.size) throw new RangeError();
		whole.depth = Math.max(whole.depth, inner.depth + 1);
		whole.names += name === "" ? Math.max(1, inner.names) : 1;
	}
	return whole;
}
