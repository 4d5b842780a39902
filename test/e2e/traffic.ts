import { fileURLToPath } from "node:url";
import type { Machine } from "../machine.js";

const RECEIVE = fileURLToPath(new URL("receive.mjs", import.meta.url));

/** Traffic of one address family, from a namespace to an address in a namespace. */
export interface Flow {
	from: string;
	/** The namespace that has the address. */
	to: string;
	/** All that have it, where they are several: what is sent may arrive in any. */
	hosts?: string[];
	address: string;
	/** Of TCP and UDP; one that is free by default. */
	port?: number;
	/** Milliseconds to wait for what does not come. */
	patience?: number;
}

/** For what must come: nobody waits that long unless it does not. */
const PATIENCE = 10_000;

/** Ports are used once, so that nothing of an earlier flow is in the way. */
let lastPort = 20_000;

function portOf({ port }: Flow): string {
	return String(port ?? ++lastPort);
}

export interface PingOptions {
	count?: number;
	/** Bytes of ICMP payload; such a packet may not be fragmented. */
	size?: number;
	/** As fast as replies come. */
	flood?: boolean;
}

/** @returns the number of replies */
export async function ping(
	machine: Machine,
	flow: Flow,
	{ count = 3, size, flood = false }: PingOptions = {},
): Promise<number> {
	const wait = String((flow.patience ?? PATIENCE) / 1000);
	const whole = size === undefined ? [] : ["-s", String(size), "-M", "do"];
	const pace = flood ? ["-f"] : ["-i", "0.05"];
	const args = ["-n", "-q", "-c", String(count), ...pace, "-W", wait, ...whole, flow.address];
	const { stdout, stderr } = await machine.in(flow.from, "ping", args);
	const received = / (\d+) received/.exec(stdout)?.[1];
	if (received === undefined) throw new Error(`ping ${flow.address} from ${flow.from}: ${stderr}`);
	return Number(received);
}

interface Iperf {
	end?: { sum_received?: { bytes: number; packets?: number; lost_packets?: number } };
}

async function iperf(machine: Machine, flow: Flow, client: readonly string[]): Promise<Iperf> {
	const port = portOf(flow);
	const patience = flow.patience ?? PATIENCE;
	const server = await machine.start(
		flow.to,
		"iperf3",
		["-s", "-1", "-B", flow.address, "-p", port, "--forceflush"],
		/listening/,
	);
	try {
		const connect = ["-c", flow.address, "-p", port, "-J", "--connect-timeout", String(patience)];
		// A path that loses data lets the client connect and then hang.
		const { stdout } = await machine.in(flow.from, "iperf3", [...connect, ...client], {
			timeout: 2 * patience,
		});
		return (stdout === "" ? {} : JSON.parse(stdout)) as Iperf;
	} finally {
		await server.stop();
	}
}

/** What {@link tcp} sends, in bytes. */
const BYTES = 1024 * 1024;
/** The buffers of both sockets, which the kernel doubles: socket(7). */
const WINDOW = 64 * 1024;
/**
 * iperf3 counts no more once all is written, though what both buffers hold may be under way still; the kernel
 * looks whether one is full before it adds a segment, which may have 64 KiB.
 */
export const TCP_ARRIVES = BYTES - 2 * (2 * WINDOW + 64 * 1024);

/**
 * A TCP connection of iperf3, or of bash where several hosts may get it: iperf3 makes two, which need not
 * come to the same one. @returns the bytes that arrived, 0 where no connection came about
 */
export async function tcp(machine: Machine, flow: Flow): Promise<number> {
	if (flow.hosts)
		return receive(machine, "tcp", flow, BYTES, (port) => {
			return ["bash", ["-c", `head -c ${BYTES} /dev/zero >/dev/tcp/${flow.address}/${port}`]];
		});
	const { end } = await iperf(machine, flow, ["-n", String(BYTES), "-w", String(WINDOW)]);
	return end?.sum_received?.bytes ?? 0;
}

/**
 * UDP of iperf3, which controls it over TCP: the receiver counts no more once it is told the end, so a burst
 * would count for nothing where it is not scheduled meanwhile. @returns the datagrams that arrived, of 50
 */
export async function iperfUdp(machine: Machine, flow: Flow): Promise<number> {
	const { end } = await iperf(machine, flow, ["-u", "-n", "50K", "-l", "1K", "-b", "1M"]);
	return (end?.sum_received?.packets ?? 0) - (end?.sum_received?.lost_packets ?? 0);
}

/** UDP one way, each datagram from a port of its own. @returns the datagrams that arrived */
export function udp(machine: Machine, flow: Flow, packets = 10): Promise<number> {
	return udpBy(machine, flow, packets, (port) => {
		const send = `for ((i = 0; i < ${packets}; i++)); do echo "$i" >"/dev/udp/${flow.address}/${port}"; done`;
		return ["bash", ["-c", send]];
	});
}

/** UDP one way. @param command what sends to a port. @returns the datagrams that arrived */
export function udpBy(machine: Machine, flow: Flow, packets: number, command: Command): Promise<number> {
	return receive(machine, "udp", flow, packets, command);
}

type Command = (port: string) => [command: string, args: string[]];

/** Of several hosts none knows when all is there. */
const TOGETHER = 1000;

async function receive(
	machine: Machine,
	protocol: "tcp" | "udp",
	flow: Flow,
	count: number,
	command: Command,
): Promise<number> {
	const port = portOf(flow);
	const patience = flow.patience ?? (flow.hosts ? TOGETHER : PATIENCE);
	const args = [RECEIVE, protocol, flow.address, port, String(count), String(patience)];
	const receivers = await Promise.all(
		(flow.hosts ?? [flow.to]).map((host) => machine.start(host, process.execPath, args, /ready/)),
	);
	const sender = await machine.in(flow.from, ...command(port));
	for (const receiver of receivers) receiver.closeInput();
	if (sender.exitCode !== 0) throw new Error(`cannot send to ${flow.address}: ${sender.stderr}`);
	const outputs = await Promise.all(receivers.map(({ ended }) => ended));
	return outputs.reduce((sum, { stdout }) => sum + Number(stdout.split("\n").at(-1)), 0);
}
