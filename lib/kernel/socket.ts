import { createHash, type Hash } from "node:crypto";
import { closeSync } from "node:fs";
import { NetlinkError } from "../errors.js";
import { ioctl, MSG_DONTWAIT, MSG_TRUNC, recv, send, setsockopt, socket } from "../ffi/libc.js";
import {
	decodeAcknowledgement,
	decodeMessages,
	encodeMessage,
	type Message,
	NLM_F_ACK,
	NLM_F_DUMP_INTR,
	NLMSG_DONE,
	NLMSG_ERROR,
	type Request,
} from "../netlink/message.js";
import { keepSteady } from "../netlink/steady.js";

/** <sys/socket.h>, <linux/netlink.h> */
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const EINTR = 4;
const EMSGSIZE = 90;

export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

interface Queued {
	request: Request;
	/** errnos that are success here, as ENOENT is for a removal. */
	tolerate: readonly number[];
	owner: string | undefined;
}

/**
 * A netlink socket, which stays in the network namespace that it is opened in. Requests are queued
 * and sent many at a time: the kernel works a whole buffer off within one send(2).
 */
export class NetlinkSocket {
	/** Well below the default send buffer (net.core.wmem_default), past which send(2) says EMSGSIZE. */
	static readonly BATCH = 64 * 1024;
	/**
	 * Where answers are received: decoded before the next is. The kernel sends no datagram of a dump that
	 * is longer than 32 KiB (netlink_recvmsg()), and sizes them by what was asked for before.
	 */
	static readonly #answer = Buffer.allocUnsafeSlow(64 * 1024);
	readonly #fd: number;
	#prepared = false;
	#witness: Hash | undefined;
	#sequence = 0;
	#queue: Queued[] = [];

	constructor(protocol: number) {
		this.#fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol);
		try {
			setsockopt(this.#fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
		} catch (error) {
			this.close();
			throw error;
		}
	}

	/**
	 * Adds a request to those that the next {@link flush} sends.
	 * @param owner the object on whose behalf it is; an error carries it
	 */
	queue(request: Request, owner?: string, tolerate: readonly number[] = []): void {
		this.#queue.push({ request, owner, tolerate });
	}

	/**
	 * Sends what is queued.
	 * @throws NetlinkError for the first request that the kernel refused; it has worked off the rest of
	 *   that batch all the same, and later batches are not sent.
	 */
	flush(): void {
		const queue = this.#queue.splice(0);
		for (let from = 0; from < queue.length; ) {
			let bytes = 0;
			let to = from;
			while (to < queue.length && bytes < NetlinkSocket.BATCH) bytes += queue[to++]?.request.body.length ?? 0;
			this.#transact(queue.slice(from, to));
			from = to;
		}
	}

	/** Forgets what is queued. */
	discard(): void {
		this.#queue = [];
	}

	/** What only changes need: most sockets of a command that finds nothing to do never send one. */
	#prepare(): void {
		if (this.#prepared) return;
		setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
		setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
		// A batch in which every request fails is answered with as many messages.
		setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
		this.#prepared = true;
	}

	#transact(batch: Queued[]): void {
		this.#prepare();
		const first = this.#sequence + 1;
		const last = this.#sequence + batch.length;
		this.#sequence = last;
		// Failures are always answered, success only where asked for: the last stands for all before it.
		const bytes = batch.map(({ request }, i) =>
			encodeMessage(request, first + i, first + i === last ? NLM_F_ACK : 0),
		);
		send(this.#fd, Buffer.concat(bytes));
		let failure: NetlinkError | undefined;
		for (let done = false; !done; ) {
			for (const message of this.#receive()) {
				const queued = batch[message.sequence - first];
				if (message.type !== NLMSG_ERROR || !queued) continue;
				const { errno, text } = decodeAcknowledgement(message);
				if (errno !== 0 && !queued.tolerate.includes(errno))
					failure ??= new NetlinkError(queued.request.what, errno, text, queued.owner);
				done ||= message.sequence === last;
			}
		}
		if (failure) throw failure;
	}

	/**
	 * All answers to a dump; asked again where the kernel says that the table changed meanwhile.
	 * @param decode makes of an answer what is kept of it, which must be no view of its bytes
	 */
	dump<T>(request: Request, decode: (body: Buffer) => T | undefined): T[] {
		for (let attempt = 0; attempt < 10; attempt++) {
			const found = this.#tryDump(request, decode);
			if (found) return found;
		}
		throw new NetlinkError(`${request.what} (the table keeps changing)`, EINTR);
	}

	/** Undefined where the table changed meanwhile. */
	#tryDump<T>(request: Request, decode: (body: Buffer) => T | undefined): T[] | undefined {
		const sequence = ++this.#sequence;
		send(this.#fd, encodeMessage(request, sequence, 0));
		const found: T[] = [];
		for (let interrupted = false; ; ) {
			for (const message of this.#receive()) {
				if (message.sequence !== sequence) continue;
				if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
				if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
					const errno = 0 - message.body.readInt32LE(0);
					if (errno !== 0) throw new NetlinkError(request.what, errno);
					return interrupted ? undefined : found;
				}
				if (this.#witness && keepSteady(message.type, message.body)) this.#witness.update(message.body);
				const one = decode(message.body);
				if (one !== undefined) found.push(one);
			}
		}
	}

	/** The one answer to a request for one thing. */
	get<T>(request: Request, decode: (body: Buffer) => T): T {
		const sequence = ++this.#sequence;
		send(this.#fd, encodeMessage(request, sequence, 0));
		for (;;)
			for (const message of this.#receive()) {
				if (message.sequence !== sequence) continue;
				if (message.type !== NLMSG_ERROR) return decode(message.body);
				const { errno, text } = decodeAcknowledgement(message);
				throw new NetlinkError(request.what, errno, text);
			}
	}

	/** From here on takes note of what dumps tell, as far as it stays the same while nobody changes anything. */
	listen(): void {
		this.#witness = createHash("sha256");
	}

	/** Takes note of something that was read by another way. */
	note(text: string): void {
		this.#witness?.update(text);
	}

	/** A digest of all that was noted since {@link listen}. */
	testimony(): string {
		const digest = this.#witness?.digest("base64") ?? "";
		this.#witness = undefined;
		return digest;
	}

	/** An ioctl on interfaces: any socket of the namespace takes it (sock_do_ioctl() of net/socket.c). */
	ioctl(request: number, argument: Uint8Array, what: string): void {
		ioctl(this.#fd, request, argument, what);
	}

	#receive(): Iterable<Message> {
		const buffer = NetlinkSocket.#answer;
		const length = this.#receiveInto(buffer);
		if (length > buffer.length) throw new NetlinkError(`an answer of ${length} bytes`, EMSGSIZE);
		return decodeMessages(buffer.subarray(0, length));
	}

	/** A failure leaves the socket ready for another request, such as an undo's. */
	#receiveInto(buffer: Buffer): number {
		try {
			return recv(this.#fd, buffer, MSG_TRUNC);
		} catch (error) {
			try {
				// The kernel begins no dump while another is under way: __netlink_dump_start().
				while (true) recv(this.#fd, buffer, MSG_DONTWAIT);
			} catch {
				throw error;
			}
		}
	}

	close(): void {
		closeSync(this.#fd);
	}
}
