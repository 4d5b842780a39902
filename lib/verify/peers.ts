import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Lab } from "../kernel/lab.js";
import { packageRoot } from "../package-root.js";
import type { Answer, OrderName, Orders } from "./orders.js";

/** Processes that are kept for the next traffic; each is a Node.js of some 40 MB. */
const KEPT = 12;

/** Sends orders to a process in a namespace. */
export interface Peer {
	order<Name extends OrderName>(name: Name, order: Orders[Name]["order"]): Promise<Orders[Name]["answer"]>;
}

/** The processes that run in a lab's namespaces to send and receive; one each, started when needed. */
export class Peers {
	readonly #lab: Lab;
	readonly #running = new Map<string, PeerProcess>();
	#closed = false;

	constructor(lab: Lab) {
		this.#lab = lab;
	}

	/** Lets `work` use a process in each of these namespaces, which may be one. */
	async with<T>(
		from: string,
		to: readonly string[],
		work: (from: Peer, to: readonly Peer[]) => Promise<T>,
	): Promise<T> {
		const sender = this.#use(from);
		const receivers = to.map((namespace) => this.#use(namespace));
		try {
			return await work(sender, receivers);
		} finally {
			for (const peer of [sender, ...receivers]) this.#release(peer);
		}
	}

	#use(namespace: string): PeerProcess {
		if (this.#closed) throw new PeerError("no more is sent");
		const peer = this.#running.get(namespace) ?? new PeerProcess(this.#lab, namespace);
		this.#running.set(namespace, peer);
		peer.users++;
		return peer;
	}

	#release(peer: PeerProcess): void {
		peer.users--;
		if (peer.users > 0 || (peer.alive && this.#running.size <= KEPT)) return;
		if (this.#running.get(peer.namespace) === peer) this.#running.delete(peer.namespace);
		void peer.stop();
	}

	/** Ends all of them; what waits for an answer fails, and none is started any more. */
	async close(): Promise<void> {
		this.#closed = true;
		const all = [...this.#running.values()];
		this.#running.clear();
		await Promise.all(all.map((peer) => peer.stop()));
	}
}

class PeerProcess implements Peer {
	readonly namespace: string;
	users = 0;
	readonly #child: ChildProcess;
	readonly #exit: Promise<unknown>;
	readonly #waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
	#orders = 0;

	constructor(lab: Lab, namespace: string) {
		this.namespace = namespace;
		const path = fileURLToPath(new URL("dist/verify/peer.js", packageRoot()));
		// Nobody reads what it would print, and options of this process are none of its.
		const start = () => fork(path, { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
		this.#child = lab.enter(namespace, start);
		this.#exit = once(this.#child, "exit").catch(() => {});
		this.#child.on("message", ({ id, answer, error }: Answer) => {
			const waiting = this.#waiting.get(id);
			this.#waiting.delete(id);
			if (error === undefined) waiting?.resolve(answer as never);
			else waiting?.reject(new PeerError(error));
		});
		const fail = () => {
			for (const { reject } of this.#waiting.values())
				reject(new PeerError(`the process in ${namespace} ended`));
			this.#waiting.clear();
		};
		this.#child.on("exit", fail);
		this.#child.on("error", fail);
	}

	get alive(): boolean {
		return this.#child.connected;
	}

	order<Name extends OrderName>(name: Name, order: Orders[Name]["order"]): Promise<Orders[Name]["answer"]> {
		const id = ++this.#orders;
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { resolve, reject });
			this.#child.send({ id, name, order }, (error) => error && reject(error));
		});
	}

	async stop(): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		this.#child.kill();
		await this.#exit;
	}
}

/** A peer that could not do what it was told. */
export class PeerError extends Error {
	override readonly name = "PeerError";
}
