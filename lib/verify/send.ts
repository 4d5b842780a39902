import type { Flow } from "../expect/flow.js";
import type { Lab } from "../kernel/lab.js";
import { askRoute } from "../kernel/route-lookup.js";
import { TCP_BYTES } from "./orders.js";
import { type Peer, PeerError, type Peers } from "./peers.js";
import { ping } from "./ping.js";

/** What became of a flow. */
export interface Arrival {
	/** Anything at all came through. */
	some: boolean;
	/** All of it came through. */
	whole: boolean;
	/** `0 of 3 replies` */
	detail: string;
}

export interface Patience {
	/** Milliseconds to wait for what does not come. */
	patience: number;
	/** Ends the waiting. */
	signal?: AbortSignal | undefined;
}

/** Sends a flow. One that could not even be tried did not come through, and is not proven absent. */
export async function send(
	lab: Lab,
	peers: Peers,
	flow: Flow,
	patience: Patience,
): Promise<Arrival & { tried: boolean }> {
	const missing = [flow.from, ...flow.to].find((name) => !lab.has(name));
	if (missing !== undefined) return untried(`namespace ${missing} is not there`);
	if (isOwn(lab, flow)) return untried(`nothing is sent, ${flow.from} has ${flow.address} itself`);
	if (flow.protocol === "ping") return { ...(await ping(lab, flow, patience)), tried: true };
	const transmit = flow.protocol === "tcp" ? tcp : udp;
	try {
		const arrival = await peers.with(flow.from, flow.to, (from, to) => transmit(from, to, flow, patience));
		return { ...arrival, tried: true };
	} catch (error) {
		if (error instanceof PeerError) return untried(error.message);
		throw error;
	}
}

/** Whether the sender's kernel keeps what is for another namespace, by whatever rule or table. */
function isOwn(lab: Lab, { from, to, address }: Flow): boolean {
	if (to[0] === from) return false;
	const answer = askRoute(lab, from, { destination: address });
	return "type" in answer && answer.type === "local";
}

function untried(detail: string) {
	return { some: false, whole: false, tried: false, detail };
}

/** A connection that carries data there and back. */
async function tcp(from: Peer, to: readonly Peer[], flow: Flow, { patience }: Patience): Promise<Arrival> {
	const { address } = flow;
	return listen("serve", to, flow, async (port) => {
		const { connected, received, error } = await from.order("connect", {
			...sourceOf(flow),
			address,
			port,
			patience,
		});
		const why = error === undefined ? "" : `; ${error}`;
		return {
			some: connected,
			whole: received === TCP_BYTES,
			detail: connected ? `${received} of ${TCP_BYTES} bytes came back${why}` : `no connection${why}`,
		};
	});
}

/** Datagrams sent at a time: fewer than fill the receiver's buffer, net.core.rmem_default. */
const BURST = 100;

/** Datagrams one way, counted where they arrive. */
async function udp(from: Peer, to: readonly Peer[], flow: Flow, { patience }: Patience): Promise<Arrival> {
	const { address, packets } = flow;
	return listen("receive", to, flow, async (port) => {
		let sent = 0;
		let received = 0;
		let error: string | undefined;
		while (sent < packets && received === sent && error === undefined) {
			const count = Math.min(BURST, packets - sent);
			({ error } = await from.order("send", { ...sourceOf(flow), address, port, count }));
			sent += count;
			received = await collect(to, { address, port }, sent, patience);
		}
		const why = error === undefined ? "" : `; ${error}`;
		const detail = `${received} of ${sent} datagrams arrived${why}`;
		return { some: received > 0, whole: received === packets, detail };
	});
}

/** Has all peers listen at the address, on the same port, while `work` is done. */
async function listen<T>(
	how: "serve" | "receive",
	peers: readonly Peer[],
	{ address, port: wanted }: Flow,
	work: (port: number) => Promise<T>,
): Promise<T> {
	const listening: Peer[] = [];
	let port = wanted;
	try {
		for (const peer of peers) {
			({ port } = await peer.order(how, { address, ...(port !== undefined && { port }) }));
			listening.push(peer);
		}
		return await work(port ?? 0);
	} finally {
		for (const peer of listening) await peer.order("close", { address, port: port ?? 0 });
	}
}

/** Milliseconds after which one peer is asked again, when what it waits for may be another's. */
const SLICE = 20;

/** How many datagrams all peers together have received, once there are `count`. */
async function collect(
	peers: readonly Peer[],
	where: { address: string; port: number },
	count: number,
	patience: number,
): Promise<number> {
	const deadline = performance.now() + patience;
	const slice = peers.length > 1 ? SLICE : patience;
	for (;;) {
		const orders = peers.map((peer) => peer.order("collect", { ...where, count, patience: slice }));
		const received = (await Promise.all(orders)).reduce((sum, answer) => sum + answer.received, 0);
		if (received >= count || performance.now() >= deadline) return received;
	}
}

function sourceOf({ source }: Flow): { source?: string } {
	return source === undefined ? {} : { source };
}
