/** What in an answer of the kernel stays the same as long as nobody changes anything. */
import { visitAttributes } from "./message.js";
import { isDaemons } from "./neighbor.js";

/** Attributes by number whose value the kernel changes by itself; within some, only those within. */
type Volatile = ReadonlyMap<number, Volatile | "all">;

const all = (...types: number[]): [number, "all"][] => types.map((type) => [type, "all"]);

/** AF_INET6 within IFLA_AF_SPEC: IFLA_INET6_FLAGS, _CACHEINFO, <linux/if_link.h> */
const inet6: Volatile = new Map(all(1, 5));

/** By type of message: the length of the fixed header, and what changes of the attributes after it. */
const MESSAGES: ReadonlyMap<number, { header: number; attributes: Volatile }> = new Map([
	// RTM_NEWLINK: IFLA_STATS, _OPERSTATE, _STATS64, _CARRIER, _CARRIER_CHANGES, _CARRIER_UP_COUNT, _DOWN_COUNT
	[
		16,
		{
			header: 16,
			attributes: new Map<number, Volatile | "all">([
				...all(7, 16, 23, 33, 35, 47, 48),
				[26, new Map([[10, inet6]])],
			]),
		},
	],
	// RTM_NEWADDR: IFA_CACHEINFO
	[20, { header: 8, attributes: new Map(all(6)) }],
	// RTM_NEWROUTE: RTA_CACHEINFO
	[24, { header: 12, attributes: new Map(all(12)) }],
	// RTM_NEWNEIGH: NDA_CACHEINFO, NDA_PROBES
	[28, { header: 12, attributes: new Map(all(3, 4)) }],
]);

/**
 * Zeroes what the kernel changes by itself, such as ages and the state of the carrier. Nothing of it is
 * decoded, so what is made of a message follows from what is left.
 * @param body as it was received; changed in place
 * @returns false where the whole message is of that sort: a neighbour that the kernel learned
 */
export function keepSteady(type: number, body: Buffer): boolean {
	const known = MESSAGES.get(type);
	if (!known) return true;
	const [RTM_NEWLINK, RTM_NEWADDR, RTM_NEWNEIGH, IFF_UP] = [16, 20, 28, 0x1];
	if (type === RTM_NEWNEIGH && !keepSteadyNeighbor(body, known.header)) return false;
	// ifi_flags: all but IFF_UP follow the carrier, or are nobody's business here.
	if (type === RTM_NEWLINK) body.writeUInt32LE(body.readUInt32LE(8) & IFF_UP, 8);
	if (type === RTM_NEWADDR) keepSteadyFlags(body, known.header);
	blank(body, known.header, body.length, known.attributes);
	return true;
}

/** Of an address: ifa_flags, and IFA_FLAGS, which repeats them, without what detecting duplicates and ageing set. */
function keepSteadyFlags(body: Buffer, header: number): void {
	// IFA_F_OPTIMISTIC, _DADFAILED, _DEPRECATED and _TENTATIVE, <linux/if_addr.h>
	const changing = 0x04 | 0x08 | 0x20 | 0x40;
	const IFA_FLAGS = 8;
	const clear = (at: number) => body.writeUInt8(body.readUInt8(at) & ~changing, at);
	clear(2);
	visitAttributes(body, (type, start, end) => type === IFA_FLAGS && start < end && clear(start), header);
}

/** Of a routing daemon's neighbour that is not permanent: ndm_state, which ages. @returns false where it is the kernel's */
function keepSteadyNeighbor(body: Buffer, header: number): boolean {
	const [STATE, NUD_PERMANENT, NDA_LLADDR, NDA_PROTOCOL] = [8, 0x80, 2, 12];
	if ((body.readUInt16LE(STATE) & NUD_PERMANENT) !== 0) return true;
	let resolved = false;
	let protocol = 0;
	const visit = (type: number, start: number, end: number) => {
		if (type === NDA_LLADDR) resolved = true;
		if (type === NDA_PROTOCOL && start < end) protocol = body.readUInt8(start);
	};
	visitAttributes(body, visit, header);
	body.writeUInt16LE(0, STATE);
	return resolved && isDaemons(protocol);
}

function blank(bytes: Buffer, from: number, to: number, attributes: Volatile): void {
	const visit = (type: number, start: number, end: number) => {
		const within = attributes.get(type);
		if (within === "all") bytes.fill(0, start, end);
		else if (within) blank(bytes, start, end, within);
	};
	visitAttributes(bytes, visit, from, to);
}
