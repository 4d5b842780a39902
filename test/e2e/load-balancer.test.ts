import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Background } from "../machine.js";
import { apply, type Bench, startBench, textOf } from "./lab.js";
import { runningOn } from "./maps.js";

const FILE = "topologies/load-balancer.yaml";
/** The service, with a port of RFC 862. */
const SERVICE = { IPv4: "10.0.2.2", IPv6: "fc00:2::2" };
const PORT = 7;
const FLOWS = 100;

/** Answers each datagram with a name, from the address that it was for. */
const SERVE = `
import sys, socket
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM)
server.bind((sys.argv[1], ${PORT}))
print("ready", flush=True)
while True:
    _, client = server.recvfrom(65536)
    server.sendto(sys.argv[2].encode(), client)
`;

/** Sends a datagram of so many bytes from each of some ports, and prints who answers. */
const ASK = `
import sys, socket
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for port in range(40000, 40000 + ${FLOWS}):
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.bind(("", port))
    client.connect((sys.argv[1], ${PORT}))
    client.settimeout(10)
    client.send(bytes(int(sys.argv[2])))
    print(client.recv(9).decode())
    client.close()
`;

describe.sequential("topologies/load-balancer.yaml", () => {
	let bench: Bench;
	let servers: Background[];

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, FILE);
		servers = await Promise.all(
			Object.values(SERVICE).flatMap((address) =>
				["one", "two"].map((name) =>
					bench.machine.start(name, "/usr/bin/python3", ["-c", SERVE, address, name], /ready/),
				),
			),
		);
	});
	afterAll(async () => {
		await Promise.all(servers.map((server) => server.stop()));
		await bench.machine.stop();
	});

	/** Who answers each of the flows. */
	const answers = async (address: string, size = 1): Promise<string[]> => {
		const { stdout, stderr } = await bench.machine.in("client", "/usr/bin/python3", [
			"-c",
			ASK,
			address,
			String(size),
		]);
		expect(stderr).toBe("");
		return stdout.split("\n");
	};
	const answeredBy = (name: string, all: readonly string[]) => all.filter((one) => one === name).length;

	describe.each(Object.entries(SERVICE))("over %s", (_, address) => {
		test("shares flows among the backends, of which each stays where it is", async () => {
			const first = await answers(address);
			expect(first).toHaveLength(FLOWS);
			expect(answeredBy("one", first)).toBeGreaterThan(FLOWS / 4);
			expect(answeredBy("two", first)).toBeGreaterThan(FLOWS / 4);
			expect(await answers(address)).toEqual(first);
		});

		test("sends all fragments of a datagram to the same one", async () => {
			expect(await answers(address, 4000)).toHaveLength(FLOWS);
		});

		test("moves the flows of a backend that leaves, and no others", async () => {
			const two = "value: { v4: { ipv4: two:veth0 }, v6: { ipv6: two:veth0 } } }";
			const line = `          - { key: 2, ${two}\n`;
			const three = textOf("load-balancer.yaml").replace(line, `${line}          - { key: 3, ${two}\n`);
			await apply(bench, three);
			const before = await answers(address);
			await apply(bench, FILE);
			const after = await answers(address);
			// By remainders of a division, half of them would move.
			expect(after.filter((_, i) => before[i] === "one")).toEqual(before.filter((name) => name === "one"));
			expect(answeredBy("one", after)).toBeGreaterThan(answeredBy("one", before));
		});

		test("sends nothing to a backend that has left the file, and the same flows once it is back", async () => {
			const before = await runningOn(bench.machine, "balancer:veth0");
			const first = await answers(address);
			const without = textOf("load-balancer.yaml").replace(/^.*key: 2,.*\n/m, "");
			await apply(bench, without);
			expect(new Set(await answers(address))).toEqual(new Set(["one"]));
			await apply(bench, FILE);
			expect(await answers(address)).toEqual(first);
			// Neither loaded nor attached again.
			expect(await runningOn(bench.machine, "balancer:veth0")).toEqual(before);
		});
	});
});
