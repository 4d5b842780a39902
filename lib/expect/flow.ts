import { addressedOf } from "../topology/addressed.js";
import type { Addressed, Expectation, Protocol, Topology } from "../topology/topology.js";

/** Traffic of one protocol and one address family, between two namespaces. */
export interface Flow {
	protocol: Protocol;
	family: 4 | 6;
	/** The namespace that sends. */
	from: string;
	/** The address to send from, where the expectation names an end; the kernel chooses otherwise. */
	source?: string;
	/** The namespaces that have {@link address}, first that of the end which is named: any may get it. */
	to: string[];
	address: string;
	/** To be listened on; a free one where it is absent. */
	port?: number;
	/** ICMP requests or UDP datagrams. */
	packets: number;
}

/** ICMP requests. */
const PINGS = 3;

/** What an expectation comes to: each protocol over every address family that both sides have. */
export function flowsOf({ from, to, protocols, port, packets }: Expectation, topology: Topology): Flow[] {
	const ends = addressedOf(topology);
	const sources = ends.filter(({ name, namespace }) =>
		from.end === undefined ? namespace === from.namespace : name === from.end,
	);
	const target = ends.filter(({ name }) => name === to);
	return protocols.flatMap((protocol) =>
		([4, 6] as const).flatMap((family) => {
			const [source] = addresses(sources, family);
			const [address] = addresses(target, family);
			if (source === undefined || address === undefined) return [];
			return {
				protocol,
				family,
				from: from.namespace,
				...(from.end !== undefined && { source }),
				to: [...new Set([...target, ...ends.filter((end) => has(end, address))].map(namespaceOf))],
				address,
				...(port !== undefined && { port }),
				packets: protocol === "ping" ? PINGS : packets,
			};
		}),
	);
}

function has({ addresses }: Addressed, address: string): boolean {
	return addresses.some((one) => one.startsWith(`${address}/`));
}

function namespaceOf({ namespace }: Addressed): string {
	return namespace;
}

/** Without prefix length. A link-local one says nothing without its link, and is left out. */
function addresses(ends: readonly Addressed[], family: 4 | 6): string[] {
	return ends
		.flatMap(({ addresses }) => addresses)
		.map((address) => address.slice(0, address.indexOf("/")))
		.filter((address) => address.includes(":") === (family === 6) && !/^fe[89ab]/.test(address));
}

const NAMES: Record<Protocol, string> = { ping: "ping", tcp: "TCP", udp: "UDP" };

/** An expectation's name, or `uno reaches dos:veth0 by ping, TCP and UDP`. */
export function titleOf({ name, from, to, protocols, port, reachable }: Expectation): string {
	if (name !== undefined) return name;
	const names = protocols.map((protocol) => NAMES[protocol]);
	const last = names.pop() ?? "";
	const how = names.length ? `${names.join(", ")} ${reachable ? "and" : "or"} ${last}` : last;
	const verb = reachable ? "reaches" : "does not reach";
	return `${from.end ?? from.namespace} ${verb} ${to} by ${how}${portText(port)}`;
}

/** `TCP to fc00:2::2`, `UDP to 10.0.2.2, port 53` */
export function describeFlow({
	protocol,
	address,
	port,
}: Pick<Flow, "protocol" | "address" | "port">): string {
	return `${NAMES[protocol]} to ${address}${portText(port)}`;
}

function portText(port: number | undefined): string {
	return port === undefined ? "" : `, port ${port}`;
}
