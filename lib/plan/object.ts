import type { FilePosition } from "../topology/source.js";

/** One thing that a topology wants, or that the kernel has: plain data, the same type for both. */
export interface LabObject<Spec = unknown> {
	/** A name of the registry of kinds. */
	kind: string;
	/** Names the object among those of its kind: `uno:veth0 10.1.0.2/24`. */
	name: string;
	/** What is compared. Names of other objects, never a number that the kernel chose. */
	spec: Spec;
	/** Ids of the objects that take this one along when they go: its namespace, its link. */
	within: string[];
	/** Ids of the objects that must be there before it is made, and go after it. */
	needs: string[];
	/** It is made after all else is done, as a setting that is turned back may be needed until then. */
	late?: true;
	/** The id of an object whose line in a plan stands for this one too, where the same is done with both. */
	partOf?: string;
	/** Why it is there, where it follows from something else in the file. */
	reason?: string;
	/** Where the topology file asks for it, of objects that the kernel may refuse. */
	at?: FilePosition;
}

/** Names an object among all: `address uno:veth0 10.1.0.2/24`. */
export function idOf(object: Pick<LabObject, "kind" | "name">): string {
	return `${object.kind} ${object.name}`;
}

/** Objects by {@link idOf}. */
export type Objects = ReadonlyMap<string, LabObject>;

/** No objects. */
export const NONE: Objects = new Map();

/** Of several objects of one id the last. */
export function byId(objects: Iterable<LabObject>): Map<string, LabObject> {
	const map = new Map<string, LabObject>();
	for (const object of objects) map.set(idOf(object), object);
	return map;
}

/** What the plan has to know of a kind of object, and no more. */
export interface KindRules<Spec = unknown> {
	/** Equal where the kernel normalises; the default compares the two specs in depth. */
	equal?(desired: Spec, actual: Spec): boolean;
	/** The kernel cannot change this in place: the object is removed and made anew. */
	replaces?(from: Spec, to: Spec): boolean;
	/** Changing the object in place makes the kernel drop `other`, which is then made again. */
	takes?(from: LabObject<Spec>, to: LabObject<Spec>, other: LabObject): boolean;
	/** A change in place that comes after all else, as what runs there now does not allow it. */
	waits?(from: Spec, to: Spec): boolean;
	/** It goes onto links that are up: made after what has to be on them before a packet comes. */
	readonly needsUp?: boolean;
	/** Removed by a request of its own even where a container goes too. @param gone ids of all that goes */
	lingers?(object: LabObject<Spec>, gone: ReadonlySet<string>): boolean;
	/** Removed after all else is done: until then packets go by it, and then by what takes its place. */
	outlasts?(object: LabObject<Spec>): boolean;
	/** For a person, without the kind's name: `uno:veth0 10.1.0.2/24`. */
	describe(object: LabObject<Spec>): string;
	/** The name for a person, if it is not the object's name. */
	displayName?(object: LabObject<Spec>): string;
	/** What an update changes, for a person; the default lists the fields. */
	describeChange?(from: Spec, to: Spec): string;
}

/** Whether what is there is as wanted. */
export function isEqual({ equal = deepEqual }: KindRules, desired: unknown, actual: unknown): boolean {
	return equal(desired, actual);
}

/** Deep equality of plain data; a missing field and an undefined one are the same. */
export function deepEqual(a: unknown, b: unknown): boolean {
	if (Object.is(a, b)) return true;
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	if (Array.isArray(a) !== Array.isArray(b)) return false;
	const left = a as Record<string, unknown>;
	const right = b as Record<string, unknown>;
	for (const key in left) if (!deepEqual(left[key], right[key])) return false;
	for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
	return true;
}
