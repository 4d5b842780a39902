import { decodeAttributes, encodeAttributes, s32, type Table, u32 } from "./attribute.js";
import { type Request, zeros } from "./message.js";

/** <linux/rtnetlink.h> */
const RTM_GETNSID = 90;
/** struct rtgenmsg, padded. */
const HEADER = 4;
/** NETNSA_*, <linux/net_namespace.h> */
const table = { nsid: [1, s32], fd: [3, u32] } satisfies Table;

/** Asks by which number the socket's namespace knows the one behind a descriptor. */
export function getNsid(fd: number): Request {
	return {
		what: "RTM_GETNSID",
		type: RTM_GETNSID,
		flags: 0,
		body: Buffer.concat([zeros(HEADER), encodeAttributes(table, { fd })]),
	};
}

/** -1 where it has no number, as no link leads there. */
export function decodeNsid(body: Buffer): number {
	return decodeAttributes(table, body.subarray(HEADER)).nsid ?? -1;
}
