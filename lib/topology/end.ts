import { canonicalFeature, FEATURE_NAMES, overlap } from "../netlink/feature-names.js";
import type { Context, DeclaredEnd } from "./declared.js";
import type { EndEntry, VethEntry } from "./generated/document.js";
import { readAddresses, type WrittenAddress } from "./interface-addresses.js";
import { deriveMac, parseMac } from "./mac.js";
import { IPV6_MIN_MTU } from "./mtu.js";
import type { EndParts } from "./names.js";
import type { Entry, Positions, Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { End } from "./topology.js";

const DEFAULT_MTU = 1500;

/** One end as the file has it. */
export type EndValue = Sound<VethEntry[string]>;

/** One end with its defaults. What is wrong about it is reported, and left out. */
export function resolveEnd(
	parts: EndParts,
	{ value, key, at }: Entry<EndValue>,
	lab: string,
	context: Context,
): DeclaredEnd {
	const { positions, report } = context;
	const entry = toEntry(value);
	const { addresses, incomplete } = readAddresses(addressTexts(value, at, entry, positions), report);
	const site = (name: keyof EndEntry): Range | undefined =>
		entry[name] === undefined ? undefined : positions.value(entry, name);
	const [macAt, mtuAt, xdpAt] = [site("mac"), site("mtu"), site("xdp")];
	const mac = macAt && entry.mac !== undefined ? report.take(macAt, "mac", parseMac(entry.mac)) : undefined;
	const xdp = resolveXdp(entry, context);
	const end: End = {
		...parts,
		addresses: addresses.map(({ withLength }) => withLength),
		mac: mac ?? deriveMac(lab, parts.name),
		mtu: entry.mtu ?? DEFAULT_MTU,
		...(xdp === undefined ? {} : { xdp }),
		offloads: resolveOffloads(entry, context),
	};
	if (mtuAt !== undefined && end.mtu < IPV6_MIN_MTU && addresses.some(({ family }) => family === 6)) {
		const message = `\`mtu\` must be at least ${IPV6_MIN_MTU} with IPv6 addresses, and is ${end.mtu}`;
		report.error(mtuAt, "value", message);
	}
	return {
		end,
		addresses,
		// A key that is not known may have been meant for `addresses`.
		incomplete:
			incomplete || value === undefined || (entry.addresses === undefined && positions.isDamaged(entry)),
		at: key,
		...(macAt === undefined ? {} : { macAt }),
		...(mtuAt === undefined ? {} : { mtuAt }),
		...(xdpAt === undefined ? {} : { xdpAt }),
	};
}

/** The mapping form of an end; of the short forms, one that says nothing. */
function toEntry(value: EndValue | undefined): Sound<EndEntry> {
	return typeof value === "object" && value !== null && !Array.isArray(value)
		? (value as Sound<EndEntry>)
		: {};
}

/** The addresses of an end in any of its forms; without a text where one is wrong and reported. */
function addressTexts(
	value: EndValue | undefined,
	at: Range,
	entry: Sound<EndEntry>,
	positions: Positions,
): Iterable<WrittenAddress> {
	if (typeof value === "string") return [{ value, at }];
	return Array.isArray(value) ? positions.entries<string>(value) : positions.oneOrMany(entry, "addresses");
}

function resolveXdp(entry: Sound<EndEntry>, context: Context): End["xdp"] {
	const { positions, declared } = context;
	const { xdp } = entry;
	if (xdp === undefined) return undefined;
	const at = positions.value(entry, "xdp");
	if (typeof xdp === "string") {
		if (xdp === "none") return xdp;
		const attach = declared.findProgram(xdp, at);
		return attach && { program: xdp, attach };
	}
	if (xdp.program === undefined) return undefined;
	const programAt = positions.value(xdp, "program");
	if (xdp.program === "none") {
		context.report.error(programAt, "value", "`none` is no program to attach", "write `xdp: none`");
		return undefined;
	}
	const attach = declared.findProgram(xdp.program, programAt);
	return attach && { program: xdp.program, attach: xdp.attach ?? attach };
}

function resolveOffloads(entry: Sound<EndEntry>, { positions, report }: Context): Record<string, boolean> {
	const offloads: Record<string, boolean> = {};
	if (entry.offloads === undefined) return offloads;
	const seen = new Map<string, string>();
	for (const { name, value, key } of positions.entries(entry.offloads)) {
		const feature = canonicalFeature(name);
		if (feature === undefined) {
			const hint =
				report.suggest(name, FEATURE_NAMES) ?? "a name as `ethtool -K` takes it, for example `tx` or `gro`";
			report.error(key, "reference", `${quote(name)} is no offload feature`, hint);
			continue;
		}
		const before = seen.get(feature);
		const contrary = Object.keys(offloads).find(
			(other) => offloads[other] !== value && overlap(other, feature),
		);
		if (before !== undefined) {
			report.error(key, "duplicate", `offloads ${quote(before)} and ${quote(name)} are one feature`);
		} else if (value !== undefined && contrary !== undefined) {
			const told = seen.get(contrary) ?? contrary;
			report.error(
				key,
				"duplicate",
				`offloads ${quote(told)} and ${quote(name)} share a feature, and differ`,
			);
		} else if (value !== undefined) {
			seen.set(feature, name);
			offloads[feature] = value;
		}
	}
	return offloads;
}
