import type { Lab } from "../kernel/lab.js";
import type { Label } from "../snapshot/label.js";
import type { Snapshot } from "../snapshot/snapshot.js";

/** How many ends a lab's maps have room for. It may grow a little: programs and their counters are kept. */
export function portsFor(ends: number): number {
	const LEAST = 64;
	return 2 ** Math.ceil(Math.log2(Math.max(LEAST, ends)));
}

/** The same for maps that are made now, or `least` if that is more: no port in use is beyond them. */
export function portsInUse(least: number, lab: Lab): number {
	return Math.max(least, portsFor(1 + Math.max(0, ...lab.ends.ports())));
}

/** Whether the maps of a program have room for all ends that are there. */
export function holdsAll({ ends, firstIfindex }: Snapshot, label: Label): boolean {
	return (
		label.firstIfindex === firstIfindex &&
		[...ends.values()].every(({ link }) => link.index < firstIfindex + label.ports)
	);
}
