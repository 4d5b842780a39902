import type { Context } from "./declared.js";
import type { ExpectEntry, TopologyDocument } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { list } from "./printable.js";
import type { Range } from "./source.js";

const kinds = ["ping", "tcp", "udp", "reach"] as const;

/** Checks the expectations of a document. Their names must resolve; nothing is made of them yet. */
export function checkExpectations(document: Sound<TopologyDocument>, context: Context): void {
	const { positions } = context;
	for (const { value, at } of positions.entries<Sound<ExpectEntry>>(document.expect ?? [])) {
		if (value !== undefined) {
			checkExpectation(value, at, context);
		}
	}
}

function checkExpectation(entry: Sound<ExpectEntry>, at: Range, context: Context): void {
	const { positions, report, declared } = context;
	const [kind, another] = kinds.filter((name) => entry[name] !== undefined);
	if (another !== undefined) {
		report.error(
			positions.key(entry, another),
			"value",
			`an expectation has one of ${list(kinds)}, not several`,
		);
	} else if (kind === undefined && !positions.isDamaged(entry)) {
		report.error(at, "missing-key", `an expectation needs one of ${list(kinds)}`);
	}
	const traffic = kind === undefined ? undefined : entry[kind];
	if (traffic?.from !== undefined) {
		const from = positions.value(traffic, "from");
		if (traffic.from.includes(":")) {
			declared.findEnd(traffic.from, from);
		} else {
			declared.findNamespace(traffic.from, from);
		}
	}
	if (traffic?.to !== undefined) {
		declared.findEnd(traffic.to, positions.value(traffic, "to"));
	}
	for (const { name, key } of positions.entries<string>(entry.actions ?? {})) {
		declared.findEnd(name, key);
	}
}
