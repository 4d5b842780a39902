import type { Flow } from "../expect/flow.js";
import type { Lab } from "../kernel/lab.js";
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
	const missing = [flow.from, flow.to].find((name) => !lab.has(name));
	if (missing !== undefined) return untried(`namespace ${missing} is not there`);
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

function untried(detail: string) {
	return { some: false, whole: false, tried: false, detail };
}

/** A connection that carries data there and back. */
async function tcp(from: Peer, to: Peer, flow: Flow, { patience }: Patience): Promise<Arrival> {
	const { address } = flow;
	const { port } = await to.order("serve", { address });
	try {
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
	} finally {
		await to.order("close", { port });
	}
}

/** Datagrams sent at a time: fewer than fill the receiver's buffer, net.core.rmem_default. */
const BURST = 100;

/** Datagrams one way, counted where they arrive. */
async function udp(from: Peer, to: Peer, flow: Flow, { patience }: Patience): Promise<Arrival> {
	const { address, packets } = flow;
	const { port } = await to.order("receive", { address });
	try {
		let sent = 0;
		let received = 0;
		let error: string | undefined;
		while (sent < packets && received === sent && error === undefined) {
			const count = Math.min(BURST, packets - sent);
			({ error } = await from.order("send", { ...sourceOf(flow), address, port, count }));
			sent += count;
			({ received } = await to.order("collect", { port, count: sent, patience }));
		}
		const why = error === undefined ? "" : `; ${error}`;
		const detail = `${received} of ${sent} datagrams arrived${why}`;
		return { some: received > 0, whole: received === packets, detail };
	} finally {
		await to.order("close", { port });
	}
}

function sourceOf({ source }: Flow): { source?: string } {
	return source === undefined ? {} : { source };
}
