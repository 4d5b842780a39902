import type { LabObject } from "../plan/object.js";
import { address } from "./address.js";
import { attachment } from "./attachment.js";
import { entry } from "./entry.js";
import type { Kind } from "./kind.js";
import { neighbor } from "./neighbor.js";
import { netns } from "./netns.js";
import { offload } from "./offload.js";
import { pin } from "./pin.js";
import { program } from "./program.js";
import { route } from "./route.js";
import { sysctl } from "./sysctl.js";
import { veth } from "./veth.js";

/**
 * All kinds. Where dependencies leave it open, this is the order of a plan: settings of a namespace before its
 * links, as each link that is there has to be told (addrconf_forward_change()), and before addresses, so that
 * none is lost to them; programs before the links that they are attached to come up.
 */
export const KINDS = [
	netns,
	sysctl,
	veth,
	offload,
	program,
	entry,
	attachment,
	pin,
	address,
	neighbor,
	route,
] as unknown as readonly Kind[];

const byName = new Map(KINDS.map((kind) => [kind.name, kind]));

/** Whether there is such a kind: what was read from a file may be of another version. */
export function isKnown({ kind }: Pick<LabObject, "kind">): boolean {
	return byName.has(kind);
}

/** The kind of an object. */
export function kindOf({ kind }: Pick<LabObject, "kind">): Kind {
	const found = byName.get(kind);
	if (!found) throw new Error(`no kind ${kind}`);
	return found;
}
