import { LOOPBACK } from "./names.js";
import type { Addressed, Namespace, Topology } from "./topology.js";

/** The `lo` of a namespace that has addresses there. */
export function loopbackOf({ name, addresses }: Namespace): Addressed | undefined {
	return addresses && { name: `${name}:${LOOPBACK}`, namespace: name, addresses };
}

/** Every interface that may have addresses: each `lo` that has some, then the ends in the file's order. */
export function addressedOf({ namespaces, veths }: Topology): Addressed[] {
	return [...namespaces.flatMap((one) => loopbackOf(one) ?? []), ...veths.flatMap(({ ends }) => ends)];
}
