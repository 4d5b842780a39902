import type { Requirements } from "../declare/requirements.js";
import type { Lab } from "../kernel/lab.js";
import { idOf, type KindRules, type LabObject } from "../plan/object.js";
import type { Query, Snapshot } from "../snapshot/snapshot.js";

/**
 * A kind of object: all that is known of it, in one file. `declare` and `observe` look
 * at nothing but what they are given (and the package's own objects), and give the same type, so that a
 * plan is a comparison. The rest changes the kernel; it works on many
 * objects at a time, synchronously, and may leave netlink requests queued: the caller flushes.
 */
export interface Kind<Spec = unknown> extends KindRules<Spec> {
	readonly name: string;
	/** In a progress display, of one and of many: `veth pair`, `veth pairs`. */
	readonly title: readonly [string, string];
	/** What the topology wants. */
	declare(requirements: Requirements): LabObject<Spec>[];
	/** What has to be read so that these objects can be observed. */
	ask?(objects: readonly LabObject<Spec>[]): Query[];
	/** Tells the lab what later steps will refer to by name. */
	bind?(snapshot: Snapshot, lab: Lab): void;
	/** What the kernel has, of the lab's. */
	observe(snapshot: Snapshot): LabObject<Spec>[];
	/**
	 * Does what can be done ahead without touching anything that others see, so that a refusal of the kernel
	 * comes first.
	 * @param wanted objects that are created or changed
	 * @param removed objects that are removed before
	 */
	prepare?(wanted: readonly LabObject<Spec>[], removed: readonly LabObject<Spec>[], lab: Lab): void;
	create(objects: readonly LabObject<Spec>[], lab: Lab): void;
	/**
	 * What is left to do of a creation once everything is there that does not need it up
	 * ({@link KindRules.needsUp}).
	 */
	start?(objects: readonly LabObject<Spec>[], lab: Lab): void;
	/** In place. Left out where {@link KindRules.replaces} always says yes. */
	update?(changes: readonly Update<Spec>[], lab: Lab): void;
	/** Already gone is success. */
	remove(objects: readonly LabObject<Spec>[], lab: Lab): void;
	/**
	 * Why the kernel, or who uses it, will not have it, where that can be known before anything is touched.
	 * @param removed objects that are to go
	 * @returns a line for each; empty where nothing stands in the way
	 */
	refuse?(wanted: readonly LabObject<Spec>[], removed: readonly LabObject<Spec>[], lab: Lab): string[];
	/** Whether an undo can put back what was observed; the default is yes. */
	restores?(object: LabObject<Spec>): boolean;
	/**
	 * What to do with an object that has left the file and of which the kernel does not say that it is
	 * the lab's: a setting, which always has some value, is turned into another one, the kernel's
	 * default; an entry of a map is removed, if it still is as the lab has made it. Undefined where
	 * nothing has to be done.
	 */
	forget?(object: LabObject<Spec>, lab: Lab): LabObject<Spec> | "remove" | undefined;
	/** Whether an object is of that sort; where {@link forget} is there, the default is yes. */
	remembers?(object: LabObject<Spec>): boolean;
}

export interface Update<Spec> {
	from: LabObject<Spec>;
	object: LabObject<Spec>;
}

/** Does `work` for each object, and lets errors name the one at hand. */
export function forEach<Spec>(
	objects: readonly LabObject<Spec>[],
	lab: Lab,
	work: (object: LabObject<Spec>) => void,
): void {
	for (const object of objects) {
		lab.on(idOf(object));
		work(object);
	}
	lab.on(undefined);
}

/** errnos that mean that what is to be removed is not there any more. */
export const GONE: readonly number[] = [2, 3, 19, 99]; // ENOENT, ESRCH, ENODEV, EADDRNOTAVAIL
