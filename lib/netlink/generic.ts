import { encodeAttributes, string, type Table } from "./attribute.js";
import type { Request } from "./message.js";

/** <linux/genetlink.h> */
const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
/** CTRL_ATTR_* */
const table = { name: [2, string] } satisfies Table;

/** Request for a family of generic netlink by its name. The kernel answers ENOENT if it has no such family. */
export function getFamily(name: string): Request {
	// struct genlmsghdr: cmd, version, reserved.
	const header = Buffer.of(CTRL_CMD_GETFAMILY, 1, 0, 0);
	return {
		what: `CTRL_CMD_GETFAMILY ${name}`,
		type: GENL_ID_CTRL,
		flags: 0,
		body: Buffer.concat([header, encodeAttributes(table, { name })]),
	};
}
