import { isHostPrefix, isLinkLocal, parseInterfaceAddress } from "./address.js";
import type { Context, DeclaredAddress, DeclaredEnd } from "./declared.js";
import { LOOPBACK } from "./names.js";
import { quote } from "./printable.js";
import type { Report } from "./report.js";
import type { Range } from "./source.js";
import { HOST } from "./topology.js";
import type { DeclaredVeth } from "./veths.js";

/** An address as the file has it; without a text where it is wrong and reported. */
export type WrittenAddress = { value: string | undefined; at: Range };

/** The addresses of an interface, each with its prefix length. */
export function readAddresses(
	texts: Iterable<WrittenAddress>,
	report: Report,
): { addresses: DeclaredAddress[]; incomplete: boolean } {
	const addresses: DeclaredAddress[] = [];
	let incomplete = false;
	for (const { value, at } of texts) {
		const parsed = value === undefined ? undefined : report.take(at, "address", parseInterfaceAddress(value));
		if (parsed === undefined) {
			incomplete = true;
		} else {
			addresses.push({ ...parsed, at, linkLocal: isLinkLocal(parsed) });
		}
	}
	return { addresses, incomplete };
}

/** An address with the interface that has it. */
interface Owner {
	interface: string;
	address: DeclaredAddress;
}

/** What the addresses of each namespace must not be, and seldom are on purpose. */
export function checkAddresses(pairs: readonly DeclaredVeth[], context: Context): void {
	const { report, declared } = context;
	const peers = new Map(pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
	for (const namespace of declared.namespaceNames()) {
		const ends = declared.ends(namespace);
		const loopback = declared.loopback(namespace)?.addresses ?? [];
		const owners = [
			...loopback.map((address): Owner => ({ interface: LOOPBACK, address })),
			...ends.flatMap(({ end, addresses }) =>
				addresses.map((address): Owner => ({ interface: end.interface, address })),
			),
		];
		checkDuplicates(namespace, owners, report);
		warnOfSharedSubnets(ends, peers, report);
	}
}

/**
 * An address stands once in a namespace, unless each interface that has it has it alone, as routers with
 * unnumbered links do. Link-local addresses are each link's own.
 */
function checkDuplicates(namespace: string, owners: readonly Owner[], report: Report): void {
	const first = new Map<string, Owner>();
	for (const owner of owners) {
		const { address } = owner;
		const identity = address.linkLocal ? `${address.text} ${owner.interface}` : address.text;
		const other = first.get(identity);
		if (other === undefined) {
			first.set(identity, owner);
			continue;
		}
		const onOneInterface = other.interface === owner.interface;
		if (!onOneInterface && isHostPrefix(other.address.subnet) && isHostPrefix(address.subnet)) continue;
		const where = namespace === HOST ? "on the host" : `in namespace ${quote(namespace)}`;
		const place = report.source.where(other.address.at.start);
		const already = `it is on ${quote(other.interface)} already, ${place}`;
		const length = address.family === 4 ? "/32" : "/128";
		const hint = onOneInterface ? already : `${already}; with \`${length}\` on each, interfaces may share it`;
		report.error(address.at, "duplicate", `address ${quote(address.text)} stands twice ${where}`, hint);
	}
}

/**
 * Warns of two links in one subnet: the kernel has a route to the subnet by each interface, and uses one of the two.
 * Both ends of one link may be in the same namespace, and in the same subnet on purpose.
 */
function warnOfSharedSubnets(
	ends: readonly DeclaredEnd[],
	peers: ReadonlyMap<DeclaredEnd, DeclaredEnd>,
	report: Report,
): void {
	const first = new Map<string, DeclaredEnd>();
	for (const owner of ends) {
		const told = new Set<string>();
		for (const { subnet, linkLocal, at } of owner.addresses) {
			if (linkLocal || isHostPrefix(subnet)) continue;
			const other = first.get(subnet.text) ?? owner;
			first.set(subnet.text, other);
			if (other === owner || other === peers.get(owner) || told.has(subnet.text)) continue;
			told.add(subnet.text);
			const names = `${quote(other.end.name)} and ${quote(owner.end.name)}`;
			report.warn(at, `${names} are both in ${subnet.text}: packets for it leave by one of them only`);
		}
	}
}
