import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { pair } from "./star.js";

/** A machine with a life of its own: links, addresses, routes, a namespace, a program, forwarding. */
const LIFE = [
	"ip netns add mine",
	"ip link add mine0 address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns mine",
	"ip link set dev mine0 addrgenmode none up",
	"ip -n mine link set dev eth0 addrgenmode none up",
	"ip address add 192.0.2.1/24 dev mine0",
	"ip -n mine address add 192.0.2.2/24 dev eth0",
	"ip route add 198.51.100.0/24 via 192.0.2.2",
	"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 nud permanent dev mine0",
	"ip link set dev mine0 xdpgeneric object dist/bpf/pass.bpf.o section xdp.frags",
	"sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=2",
];

describe("on a machine with a life of its own", () => {
	let machine: Machine;
	let before: Snapshot;

	beforeEach(async () => {
		machine = await Machine.start();
		expect(await machine.run("sh", ["-ec", LIFE.join("\n")])).toMatchObject({ exitCode: 0 });
		before = await snapshot(machine);
	});
	afterEach(() => machine.stop());

	/** What the snapshot has of what was there before: a lab's own lines are left out. */
	const without = (lab: RegExp, taken: Snapshot) =>
		Object.fromEntries(
			Object.entries(taken)
				.filter(([key]) => /^(host: ip -j -[46]|host: sysctl|mine: )/.test(key))
				.map(([key, text]) => [
					key,
					text
						.split(key.includes("ip -j") ? /(?<=\}),(?=\{)/ : "\n")
						.filter((line) => !lab.test(line))
						.map((line) => line.replace(/^\[|\]\s*$/g, "")),
				]),
		);

	test("a lab that forwards in host changes nothing of it, and destroy leaves it as it was", async () => {
		const forwards = pair("lab").replace("namespaces: {", "namespaces: { host: { forwarding: fib },");
		expect(await machine.xdpWith(forwards, "apply", "-q")).toMatchObject({ exitCode: 0 });
		const own = /to-lab|"10\.1\.0\./;
		expect(without(own, await snapshot(machine))).toEqual(without(own, before));
		expect(await machine.run("ping", ["-qc1", "192.0.2.2"])).toMatchObject({ exitCode: 0 });
		expect(await machine.xdp("destroy")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(before);
	});

	test("a lab in which everything is like anywhere else, though host has values of its own", async () => {
		const values = async (on: Machine) => {
			await on.xdpWith(pair("lab"), "apply", "-q");
			return (await on.in("lab", "sysctl", ["-a", "--pattern", "^net.ipv[46].(conf|ip_forward)"])).stdout;
		};
		const bare = await Machine.start();
		try {
			expect(await values(machine)).toBe(await values(bare));
		} finally {
			await bare.stop();
		}
	});

	test.each([
		["its namespace", pair("mine"), "namespace mine exists and was not made by xdp-apply"],
		[
			"its link",
			pair("lab").replace("host:to-lab", "host:mine0"),
			"host:mine0 is held by a link that is not this lab's",
		],
	])("%s is never taken over", async (_, lab, message) => {
		for (const command of ["plan", "apply"])
			expect(await machine.xdpWith(lab, command)).toMatchObject({
				exitCode: 1,
				stdout: "",
				stderr: expect.stringContaining(`error: ${message}`),
			});
		expect(await snapshot(machine)).toEqual(before);
	});

	test("destroying a lab of the name of its namespace touches nothing", async () => {
		expect(await machine.xdp("destroy", "mine")).toMatchObject({
			exitCode: 0,
			stdout: "mine: nothing to destroy",
		});
		expect(await snapshot(machine)).toEqual(before);
	});
});
