/** Device features by the `ethtool` family of generic netlink: <linux/ethtool_netlink.h>. */
import {
	type Codec,
	decodeAttributes,
	encodeAttributes,
	flag,
	list,
	nest,
	nested,
	string,
	type Table,
	u16,
	u32,
	type Values,
} from "./attribute.js";
import { NLM_F_DUMP, type Request } from "./message.js";

/** The family of generic netlink that tells the number of every other: <linux/genetlink.h>. */
const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const ETHTOOL_MSG_FEATURES_GET = 11;
const ETHTOOL_MSG_FEATURES_SET = 12;

/** struct genlmsghdr: command, version, reserved. */
function header(command: number): Buffer {
	return Buffer.of(command, 1, 0, 0);
}
const HEADER = 4;

const control = { id: [1, u16], name: [2, string] } satisfies Table;

/** Asks for the number of a family, which differs from boot to boot. */
export function getFamily(name: string): Request {
	return {
		what: `CTRL_CMD_GETFAMILY ${name}`,
		type: GENL_ID_CTRL,
		flags: 0,
		body: Buffer.concat([header(CTRL_CMD_GETFAMILY), encodeAttributes(control, { name })]),
	};
}

export function decodeFamily(body: Buffer): number {
	return decodeAttributes(control, body.subarray(HEADER)).id ?? 0;
}

const bit = { index: [1, u32], name: [2, string], value: [3, flag] } satisfies Table;
const BITS_BIT = nest(1);
const bits = list(BITS_BIT, nested(bit)) as Codec<{ index?: number; name?: string; value?: boolean }[]>;
const bitset = { noMask: [1, flag], size: [2, u32], bits: [nest(3), bits] } satisfies Table;
const device = { index: [1, u32], name: [2, string], flags: [3, u32] } satisfies Table;
const features = {
	header: [nest(1), nested(device)],
	hardware: [nest(2), nested(bitset)],
	wanted: [nest(3), nested(bitset)],
	active: [nest(4), nested(bitset)],
	fixed: [nest(5), nested(bitset)],
} satisfies Table;

export interface Features {
	/** ifindex */
	index: number;
	/** Features that can be changed, by their long names of `ethtool -k`. */
	changeable: Set<string>;
	/** Of these, the ones that the user wants on; what is active may differ where the driver overrules. */
	wanted: Set<string>;
	/** Whatever is on, fixed features included. */
	active: Set<string>;
	/** All names that this kernel has, whether or not the device knows them. */
	known: Set<string>;
}

/** The features of all devices of a namespace. @param family of `ethtool`, from {@link getFamily} */
export function dumpFeatures(family: number): Request {
	return { ...getFeatures(family), flags: NLM_F_DUMP };
}

/** The features of one device. */
export function getFeatures(family: number, index?: number): Request {
	const device = index === undefined ? {} : { index };
	return {
		what: "ETHTOOL_MSG_FEATURES_GET",
		type: family,
		flags: 0,
		body: Buffer.concat([header(ETHTOOL_MSG_FEATURES_GET), encodeAttributes(features, { header: device })]),
	};
}

/** The body of an ETHTOOL_MSG_FEATURES_GET_REPLY. */
export function decodeFeatures(body: Buffer): Features {
	const values = decodeAttributes(features, body.subarray(HEADER));
	// Without a mask the bits listed are those set; with one, each says for itself.
	const names = (set: Values<typeof bitset> = {}) =>
		new Set((set.bits ?? []).flatMap(({ name, value }) => (name && (set.noMask || value) ? name : [])));
	const fixed = names(values.fixed);
	return {
		index: values.header?.index ?? 0,
		changeable: new Set([...names(values.hardware)].filter((name) => !fixed.has(name))),
		wanted: names(values.wanted),
		active: names(values.active),
		// The set of changeable ones comes with a mask of all.
		known: new Set((values.hardware?.bits ?? []).flatMap(({ name }) => name ?? [])),
	};
}

/** Switches features on or off by their long names. */
export function setFeatures(family: number, index: number, wanted: Map<string, boolean>): Request {
	// Nobody reads the reply, which says what changed: ETHTOOL_FLAG_OMIT_REPLY.
	const OMIT_REPLY = 2;
	const list = Array.from(wanted, ([name, on]) => ({ name, ...(on && { value: true }) }));
	return {
		what: `ETHTOOL_MSG_FEATURES_SET ${Array.from(wanted, ([name, on]) => `${name} ${on ? "on" : "off"}`).join(", ")}`,
		type: family,
		flags: 0,
		body: Buffer.concat([
			header(ETHTOOL_MSG_FEATURES_SET),
			encodeAttributes(features, { header: { index, flags: OMIT_REPLY }, wanted: { bits: list } }),
		]),
	};
}
