import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { within } from "../../lib/kernel/netns.js";

/** How packets get from one end of the router to the other. */
export interface Router {
	name: string;
	/** What follows `forwarding:` in the file. */
	forwarding: string;
	/** Whether the router's ends take frames by GRO, as they must where no program runs on them. */
	gro?: boolean;
}

const HOSTS = ["sender", "sink"] as const;
export type Host = (typeof HOSTS)[number];

/**
 * A lab with a router between two hosts, in the machine that the benchmark has to itself.
 * @param ends what a host's end has besides addresses, as the file has it
 */
export function applyLab(
	{ forwarding, gro = false }: Router,
	ends: Partial<Record<Host, string>> = {},
): void {
	const pairs = HOSTS.map((host, i) => {
		const n = i + 1;
		const own = gro ? ", offloads: { gro: true }" : "";
		const end = ends[host] ? `, ${ends[host]}` : "";
		return `
  - router:${host}: { addresses: [10.0.${n}.1/24, "fc00:${n}::1/64"]${own} }
    ${host}:veth0: { addresses: [10.0.${n}.2/24, "fc00:${n}::2/64"]${end} }`;
	});
	const topology = `name: bench
namespaces:
  router: { forwarding: ${forwarding} }
  sender: { gateway: [10.0.1.1, "fc00:1::1"] }
  sink: { gateway: [10.0.2.1, "fc00:2::1"] }
veths:${pairs.join("")}
`;
	execFileSync(process.execPath, ["dist/bin/xdp-apply.js", "--quiet", "-"], {
		input: topology,
		stdio: ["pipe", "inherit", "inherit"],
	});
}

export function destroyLab(): void {
	execFileSync(process.execPath, ["dist/bin/xdp-destroy.js", "--quiet", "bench"]);
}

/** What a command prints in a namespace of the lab. */
export function inNamespace(namespace: string, command: string, ...args: string[]): string {
	return execFileSync("ip", ["netns", "exec", namespace, command, ...args], { encoding: "utf8" });
}

/** Synchronous work with this thread in a namespace of the lab. */
export function withinNamespace<T>(name: string, work: () => T extends Promise<unknown> ? never : T): T {
	const fd = openSync(`/run/netns/${name}`, "r");
	try {
		return within(fd, work);
	} finally {
		closeSync(fd);
	}
}

export interface Link {
	ifindex: number;
	address: string;
}

export function linkOf(namespace: string, name: string): Link {
	const [link] = JSON.parse(inNamespace(namespace, "ip", "-j", "link", "show", "dev", name)) as Link[];
	if (!link) throw new Error(`no link ${namespace}:${name}`);
	return link;
}
