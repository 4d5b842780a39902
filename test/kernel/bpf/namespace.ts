import { execFileSync } from "node:child_process";
import { closeSync, writeFileSync } from "node:fs";
import { CLONE_NEWNET, setns, unshare } from "../../../lib/ffi/libc.js";
import { openCurrent, within } from "../../../lib/kernel/netns.js";
import { endMac, hostMac } from "./frame.js";

/** A network namespace without a name, which ends with its descriptor. */
export class Namespace {
	readonly #fd: number;

	constructor() {
		const back = openCurrent();
		unshare(CLONE_NEWNET);
		this.#fd = openCurrent();
		setns(back, CLONE_NEWNET);
		closeSync(back);
	}

	close(): void {
		closeSync(this.#fd);
	}

	/** Synchronous work with this thread inside. */
	within<T>(work: () => T extends Promise<unknown> ? never : T): T {
		return within(this.#fd, work);
	}

	/**
	 * Commands of ip(8), one a line.
	 * @param family of those that do not say it, such as rules
	 */
	ip(commands: string, ...family: ["-6"] | []): void {
		this.within(() => void execFileSync("ip", [...family, "-batch", "-"], { input: commands }));
	}

	sysctl(name: string, value: number): void {
		this.within(() => writeFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, String(value)));
	}
}

/** An interface of the router, to which frames come from or go; its peer stays beside it. */
export interface End {
	name: string;
	ifindex: number;
	/** Of the end; its peer's ends in 02 instead of 01. */
	subnet: number;
}

/** A namespace that forwards between these ends, with 10.N.0.2 and fc00:N::2 as a host behind each. */
export function router(ends: End[]): Namespace {
	const namespace = new Namespace();
	namespace.ip(
		ends
			.map(
				({ name, ifindex, subnet }) => `
link add name ${name} index ${ifindex} address ${endMac(subnet)} type veth peer name ${name}-peer
link set dev ${name} up
link set dev ${name}-peer up
address add 10.${subnet}.0.1/24 dev ${name}
address add fc00:${subnet}::1/64 dev ${name} nodad
neighbour add 10.${subnet}.0.2 lladdr ${hostMac(subnet)} dev ${name}
neighbour add fc00:${subnet}::2 lladdr ${hostMac(subnet)} dev ${name}`,
			)
			.join("\n"),
	);
	namespace.sysctl("net.ipv4.ip_forward", 1);
	namespace.sysctl("net.ipv6.conf.all.forwarding", 1);
	return namespace;
}
