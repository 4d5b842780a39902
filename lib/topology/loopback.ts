import { isHostPrefix } from "./address.js";
import type { Context } from "./declared.js";
import type { NamespaceEntry } from "./generated/document.js";
import { readAddresses } from "./interface-addresses.js";
import { LOOPBACK } from "./names.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import { HOST } from "./topology.js";

/** Declares the addresses that a namespace's entry puts on `lo`. */
export function declareLoopback(
	namespace: string,
	value: Sound<NamespaceEntry> | undefined,
	{ positions, report, declared }: Context,
): void {
	const entry = value ?? {};
	if (entry.addresses !== undefined && namespace === HOST) {
		const hint = "`addresses` belong to a namespace of the lab, or to an end in `veths`";
		report.error(positions.key(entry, "addresses"), "value", "`lo` of `host` is the machine's own", hint);
		return;
	}
	const { addresses, incomplete } = readAddresses(positions.oneOrMany(entry, "addresses"), report);
	for (const { linkLocal, subnet, withLength, text, at } of addresses) {
		if (linkLocal) {
			report.error(
				at,
				"address",
				`${quote(withLength)} is link-local, and \`lo\` is no link`,
				"for example `fd00:ff::1/128`",
			);
		} else if (!isHostPrefix(subnet)) {
			const one = `${text}/${subnet.family === 4 ? 32 : 128}`;
			report.warn(
				at,
				`packets for all of ${subnet.text} stay in ${quote(namespace)}, since ${quote(withLength)} is on \`lo\`: ${quote(one)} is the address alone`,
			);
		}
	}
	// A key that is not known may have been meant for `addresses`.
	const mayHaveMore =
		incomplete || value === undefined || (entry.addresses === undefined && positions.isDamaged(entry));
	if (addresses.length > 0 || mayHaveMore)
		declared.addLoopback({
			name: `${namespace}:${LOOPBACK}`,
			namespace,
			addresses,
			incomplete: mayHaveMore,
		});
}
