import type { ApplyOptions } from "./apply.js";
import { requireCapabilities } from "./kernel/capabilities.js";
import { Lab } from "./kernel/lab.js";
import { takeLock } from "./kernel/lock.js";
import { tellsTheSame } from "./kernel/observe.js";
import { digestOf, findSettled, hasSettled, type Settled } from "./kernel/settled.js";

/**
 * Whether a text is the one that was applied last and the kernel is as it was when nothing was left to do:
 * then there is nothing to do now. The kernel is read as always; the text is not parsed.
 * @returns undefined where that cannot be said
 */
export async function findUnchanged(
	text: string,
	options: Pick<ApplyOptions, "onWait" | "signal">,
): Promise<Settled | undefined> {
	if (!isCapable()) return undefined;
	const digest = digestOf(text);
	if (digest === undefined || !hasSettled(digest)) return undefined;
	const lock = await takeLock(options.onWait ?? (() => {}), options.signal);
	try {
		const settled = findSettled(digest);
		return settled && isUnchanged(settled) ? settled : undefined;
	} finally {
		lock.release();
	}
}

/** Who is not is told so after what is wrong with the file. */
function isCapable(): boolean {
	try {
		requireCapabilities();
		return true;
	} catch {
		return false;
	}
}

/** Whether the kernel tells the same as when there was nothing left to do; called under the lock. */
export function isUnchanged({ lab: name, reading }: Pick<Settled, "lab" | "reading">): boolean {
	const lab = new Lab(name);
	try {
		return tellsTheSame(lab, reading);
	} catch {
		return false; // something was not there, or could not be read: a proper look tells
	} finally {
		lab.closeAll();
	}
}
