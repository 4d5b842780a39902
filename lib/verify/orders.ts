interface Socket {
	address: string;
	port: number;
}

/** What the parent tells a peer process to do, over Node's IPC channel, and what it answers. */
export interface Orders {
	/** Receive UDP at an address; on a port that is free, where none is named. */
	receive: { order: { address: string; port?: number }; answer: { port: number } };
	/** How many datagrams it has received there, once there are `count` or `patience` ms have passed. */
	collect: { order: Socket & { count: number; patience: number }; answer: { received: number } };
	/** Send datagrams, as fast as they go. */
	send: {
		order: { source?: string; address: string; port: number; count: number };
		answer: { error?: string };
	};
	/** Send back whatever arrives on a TCP connection; on a port that is free, where none is named. */
	serve: { order: { address: string; port?: number }; answer: { port: number } };
	/** Send {@link TCP_BYTES} to such a port, and compare what comes back. */
	connect: {
		order: { source?: string; address: string; port: number; patience: number };
		answer: { connected: boolean; received: number; error?: string };
	};
	/** Listen there no more. */
	close: { order: Socket; answer: Record<string, never> };
}

export type OrderName = keyof Orders;

export interface Request<Name extends OrderName = OrderName> {
	id: number;
	name: Name;
	order: Orders[Name]["order"];
}

/** `error` where an order cannot be carried out, as an address that is not there cannot be bound. */
export interface Answer {
	id: number;
	answer?: Orders[OrderName]["answer"];
	error?: string;
}

/** Each way: many packets of any MTU, so that a bad checksum or a small MTU on the way is met. */
export const TCP_BYTES = 128 * 1024;
