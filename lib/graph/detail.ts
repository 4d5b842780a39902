import type { Graph } from "./model.js";

/** How much a picture says about each end. Drift is always told. */
export interface Detail {
	addresses: boolean;
	/** Interface names and programs. */
	ends: boolean;
}

/** Ends beyond which a picture with all addresses cannot be taken in. */
const WITH_ADDRESSES = 64;

/** Ends beyond which only the namespaces are readable. */
const WITH_ENDS = 400;

export function detailFor({ namespaces }: Graph, full: boolean): Detail {
	const ends = namespaces.reduce((sum, namespace) => sum + namespace.ends.length, 0);
	return { addresses: full || ends <= WITH_ADDRESSES, ends: full || ends <= WITH_ENDS };
}
