/**
 * A process in one namespace of the lab that sends and receives as the parent says: sockets of Node's
 * open in a later tick, so that only a process that was started in a namespace has them there.
 */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, isIPv6, type Server, type Socket } from "node:net";
import { type OrderName, type Orders, type Request, TCP_BYTES } from "./orders.js";

type Handlers = {
	[Name in OrderName]: (order: Orders[Name]["order"]) => Promise<Orders[Name]["answer"]>;
};

/** By address and port. */
const receivers = new Map<string, { socket: Datagrams; received: number }>();
const servers = new Map<string, { server: Server; sockets: Set<Socket> }>();

const handlers: Handlers = {
	receive: async ({ address, port = 0 }) => {
		const socket = datagrams(address);
		socket.bind({ address, port });
		await once(socket, "listening");
		const receiver = { socket, received: 0 };
		receivers.set(keyOf({ address, port: socket.address().port }), receiver);
		socket.on("message", () => {
			receiver.received++;
			socket.emit("counted");
		});
		return { port: socket.address().port };
	},
	collect: ({ address, port, count, patience }) =>
		new Promise((resolve, reject) => {
			const receiver = receivers.get(keyOf({ address, port }));
			if (!receiver) return reject(new Error(`nothing receives on port ${port} of ${address}`));
			const done = () => {
				clearTimeout(timer);
				receiver.socket.off("counted", look);
				resolve({ received: receiver.received });
			};
			const look = () => receiver.received >= count && done();
			const timer = setTimeout(done, patience);
			receiver.socket.on("counted", look);
			look();
		}),
	send: async ({ source, address, port, count }) => {
		const socket = datagrams(address);
		try {
			if (source !== undefined) {
				socket.bind({ address: source, port: 0 });
				await once(socket, "listening");
			}
			for (let i = 0; i < count; i++) {
				const error = await new Promise<Error | null>((sent) => socket.send(`${i}`, port, address, sent));
				if (error) return { error: error.message };
			}
			return {};
		} finally {
			socket.close();
		}
	},
	serve: async ({ address, port = 0 }) => {
		const sockets = new Set<Socket>();
		const server = createServer({ allowHalfOpen: true }, (socket) => {
			sockets.add(socket);
			socket.on("close", () => sockets.delete(socket));
			// What becomes of a connection is for the other side to tell.
			socket.on("error", () => {});
			socket.pipe(socket);
		});
		server.listen({ host: address, port });
		await once(server, "listening");
		const listening = server.address() as AddressInfo;
		servers.set(keyOf({ address, port: listening.port }), { server, sockets });
		return { port: listening.port };
	},
	connect: ({ source, address, port, patience }) =>
		new Promise((resolve) => {
			const payload = Buffer.from(Uint8Array.from({ length: TCP_BYTES }, (_, i) => i * 31));
			const answer: Orders["connect"]["answer"] = { connected: false, received: 0 };
			const socket = connect({ host: address, port, ...(source !== undefined && { localAddress: source }) });
			socket.setTimeout(patience, () => socket.destroy());
			socket.on("connect", () => {
				answer.connected = true;
				socket.end(payload);
			});
			socket.on("data", (chunk) => {
				const end = answer.received + chunk.length;
				if (!chunk.equals(payload.subarray(answer.received, end))) socket.destroy(new Error("other bytes"));
				else answer.received = end;
			});
			socket.on("error", ({ message }) => {
				answer.error = message;
			});
			socket.on("close", () => resolve(answer));
		}),
	close: async (where) => {
		const key = keyOf(where);
		receivers.get(key)?.socket.close();
		receivers.delete(key);
		const { server, sockets } = servers.get(key) ?? {};
		server?.close();
		for (const socket of sockets ?? []) socket.destroy();
		servers.delete(key);
		return {};
	},
};

function keyOf({ address, port }: { address: string; port: number }): string {
	return `${address} ${port}`;
}

function datagrams(address: string): Datagrams {
	return createSocket(isIPv6(address) ? "udp6" : "udp4");
}

process.on("message", async ({ id, name, order }: Request) => {
	const carryOut = handlers[name] as (order: Request["order"]) => Promise<Orders[OrderName]["answer"]>;
	try {
		process.send?.({ id, answer: await carryOut(order) });
	} catch (error) {
		process.send?.({ id, error: (error as Error).message });
	}
});

// With the parent, however it ends.
process.on("disconnect", () => process.exit());
