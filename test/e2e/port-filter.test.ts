import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, startBench, textOf, xdp } from "./lab.js";
import { mapOf, runningOn } from "./maps.js";
import { type Flow, udp, udpBy } from "./traffic.js";

const OPEN = 53;
const CLOSED = 54;
const FILE = "topologies/port-filter.yaml";

const over = (family: 4 | 6, port: number): Flow => ({
	from: "client",
	to: "server",
	address: family === 4 ? "10.0.1.1" : "fc00:1::1",
	port,
	patience: port === OPEN ? 10_000 : 250,
});

/** Once a rule has been added. */
const opened: Flow = { ...over(4, CLOSED), patience: 10_000 };

/** Python, of a connected UDP socket `s`: what sends one datagram. */
const SENDS: Record<string, [family: 4 | 6, python: string]> = {
	"in two fragments of IPv4": [4, "s.send(b'x' * 2000)"],
	"in two fragments of IPv6": [6, "s.send(b'x' * 2000)"],
	"behind IPv4 options": [4, "s.setsockopt(IPPROTO_IP, IP_OPTIONS, bytes(4)); s.send(b'x')"],
	"behind an IPv6 extension header": [
		6,
		"s.sendmsg([b'x'], [(IPPROTO_IPV6, IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))])",
	],
	"behind three of them, in fragments": [
		6,
		`pad = bytes([0, 0, 1, 4, 0, 0, 0, 0]);
s.sendmsg([b'x' * 2000], [(IPPROTO_IPV6, kind, pad) for kind in (IPV6_HOPOPTS, IPV6_DSTOPTS)])`,
	],
};

describe.sequential("topologies/port-filter.yaml", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, FILE);
	});
	afterAll(() => bench.machine.stop());

	const sent = (python: string, flow: Flow) =>
		udpBy(bench.machine, flow, 1, (port) => {
			const family = flow.address.includes(":") ? "AF_INET6" : "AF_INET";
			const connect = `s = socket(${family}, SOCK_DGRAM); s.connect(('${flow.address}', ${port}))`;
			return ["/usr/bin/python3", ["-c", `from socket import *\n${connect}\n${python}`]];
		});

	test.each(Object.entries(SENDS))("judges a datagram %s by its port", async (_, [family, python]) => {
		expect(await sent(python, over(family, OPEN))).toBe(1);
		expect(await sent(python, over(family, CLOSED))).toBe(0);
	});

	test("takes another rule while it runs, and is neither loaded nor attached again", async () => {
		const before = await runningOn(bench.machine, "server:veth0");
		await apply(bench, textOf("port-filter.yaml").replace("port: 53 }", `port: ${CLOSED} }`));
		expect(await udp(bench.machine, opened, 1)).toBe(1);
		await apply(bench, FILE);
		expect(await runningOn(bench.machine, "server:veth0")).toEqual(before);
	});

	test("is planned in the words of the file, and another word for the same is no difference", async () => {
		const plan = async (value: string) => {
			const dns = `port: ${OPEN} }, value: `;
			const edited = textOf("port-filter.yaml").replace(`${dns}XDP_PASS`, dns + value);
			return (await xdp(bench.machine, edited, "plan")).stdout;
		};
		const rule = "rules[{ protocol: UDP, port: 53 }]";
		expect(await plan("XDP_DROP")).toContain(`~ entry port-filter ${rule}: XDP_PASS → XDP_DROP`);
		expect(await plan("2")).toBe("port-filter: nothing to do");
	});

	test("has no rule but those of the file: one that is added by hand is drift, and goes", async () => {
		const { id } = await runningOn(bench.machine, "server:veth0");
		const map = (await mapOf(bench.machine, id, /^rules$/)) ?? "";
		// struct rule: UDP, and the port in network order; then XDP_PASS.
		const rule = ["key", "17", "0", "0", "0", "0", String(CLOSED), "value", "2", "0", "0", "0"];
		await bench.machine.run("bpftool", ["map", "update", "id", map, ...rule]);
		expect(await udp(bench.machine, opened, 1)).toBe(1);
		const plan = await xdp(bench.machine, FILE, "plan", "--detailed-exitcode");
		expect(plan).toMatchObject({ exitCode: 2, stdout: expect.stringMatching(/^ {2}- entry .* rules\[/m) });
		await apply(bench, FILE);
		expect(await udp(bench.machine, over(4, CLOSED), 1)).toBe(0);
	});
});
