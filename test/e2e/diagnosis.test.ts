import { describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { textOf } from "./lab.js";

const ROUTERS = (forwarding: string, ofSecond = forwarding) => `name: broken
namespaces:
  uno: { gateway: 10.0.1.1 }
  dos: { gateway: 10.0.2.1 }
  r1:
    forwarding: ${forwarding}
    routes: [{ to: 10.0.2.0/24, via: 10.12.0.2 }]
  r2:
    forwarding: ${ofSecond}
    routes: [{ to: 10.0.1.0/24, via: 10.12.0.1 }]
veths:
  - { r1:uno: 10.0.1.1/24, uno:veth0: 10.0.1.2/24 }
  - { r2:dos: 10.0.2.1/24, dos:veth0: 10.0.2.2/24 }
  - { r1:r2: 10.12.0.1/24, r2:r1: 10.12.0.2/24 }
expect:
  - reach: { from: uno, to: dos:veth0 }
`;

const FIB = `${ROUTERS("fib")}    actions: { r1:uno: XDP_REDIRECT, r2:r1: XDP_REDIRECT }\n`;

const MAP = `name: broken
namespaces:
  host: { forwarding: { mode: map, redirect: { uno: dos, dos: uno } } }
  uno: { gateway: 10.0.1.1 }
  dos: { gateway: 10.0.2.1 }
veths:
  - { host:uno: 10.0.1.1/24, uno:veth0: 10.0.1.2/24 }
  - { host:dos: 10.0.2.1/24, dos:veth0: 10.0.2.2/24 }
expect:
  - reach: { from: uno, to: dos:veth0 }
`;

const ECHO = `name: broken
namespaces: { uno: }
veths:
  - host:uno: { addresses: 10.0.1.1/24, xdp: icmp-echo }
    uno:veth0: 10.0.1.2/24
expect:
  - ping: { from: uno, to: host:uno }
`;

interface Break {
	title: string;
	lab: string;
	/** Commands of the shell. */
	by: string;
	/** What fails: a protocol a line. */
	fails: string[];
	cause: string;
	/** A line of the differences from the topology; null where the plan does not look at it. */
	drift: string | null;
}

const every = ["ping", "TCP", "UDP"];

const breaks: Break[] = [
	{
		title: "a peer without a program or GRO",
		lab: FIB,
		by: "ip -n dos link set veth0 xdp off",
		fails: every,
		cause: "dos:veth0 has neither a native program nor GRO: what r2:dos sends by XDP is lost",
		drift: "+ xdp dos:veth0 pass",
	},
	{
		title: "a peer that was ready by GRO, and is not",
		lab: ROUTERS("{ mode: fib, peers: gro }"),
		by: "ip netns exec dos ethtool -K veth0 gro off",
		fails: every,
		cause: "dos:veth0 has neither a native program nor GRO: what r2:dos sends by XDP is lost",
		drift: "~ offload dos:veth0 gro: off → on",
	},
	{
		title: "a peer without a program to receive what is answered",
		lab: ECHO,
		by: "ip -n uno link set veth0 xdp off",
		fails: ["ping"],
		cause: "uno:veth0 has no native program: what host:uno answers by XDP_TX is lost",
		drift: "+ xdp uno:veth0 pass",
	},
	{
		title: "a peer without a program to receive what a program of one's own sends back",
		lab: textOf("load-balancer.yaml"),
		by: "ip -n router link set balancer xdp off",
		fails: every.flatMap((protocol) => [protocol, protocol]), // over two families
		cause: "router:balancer has no native program: what balancer:veth0 answers by XDP_TX is lost",
		drift: "+ xdp router:balancer fib",
	},
	{
		title: "TX checksum offload of the side that sends",
		lab: FIB,
		by: "ip netns exec uno ethtool -K veth0 tx on",
		fails: ["TCP", "UDP"],
		cause: "uno:veth0 has TX checksum offload on: TCP and UDP lose their checksum where r1:uno redirects",
		drift: "~ offload uno:veth0 tx: on → off",
	},
	{
		title: "TX checksum offload of the side that answers",
		lab: FIB,
		by: "ip netns exec dos ethtool -K veth0 tx on",
		fails: ["TCP"],
		cause: "dos:veth0 has TX checksum offload on: TCP and UDP lose their checksum where r2:dos redirects",
		drift: "~ offload dos:veth0 tx: on → off",
	},
	{
		title: "forwarding that is off where packets come in",
		lab: FIB,
		by: "ip netns exec r1 sysctl -qw net.ipv4.conf.uno.forwarding=0",
		fails: every,
		cause: "IPv4 forwarding is off on r1:uno",
		drift: "~ veth r1:uno uno:veth0: r1:uno ipv4.forwarding 0 → 1",
	},
	{
		title: "forwarding that is off in a router of the stack",
		lab: ROUTERS("kernel"),
		by: "ip netns exec r2 sysctl -qw net.ipv4.ip_forward=0",
		fails: every,
		cause: "IPv4 forwarding is off on r2:r1",
		drift: "~ sysctl r2 net.ipv4.ip_forward: 0 → 1",
	},
	{
		title: "a router without the route",
		lab: FIB,
		by: "ip -n r1 route del 10.0.2.0/24",
		fails: every,
		cause: "r1 has no route to 10.0.2.2",
		drift: "+ route r1 10.0.2.0/24 via 10.12.0.2 dev r2",
	},
	{
		title: "a router without the route back",
		lab: FIB,
		by: "ip -n r2 route del 10.0.1.0/24",
		fails: ["ping", "TCP"],
		cause: "r2 has no route to 10.0.1.2",
		drift: "+ route r2 10.0.1.0/24 via 10.12.0.1 dev r1",
	},
	{
		title: "a route that drops",
		lab: FIB,
		by: "ip -n r2 route add blackhole 10.0.2.2/32",
		fails: every,
		cause: "the route of r2 to 10.0.2.2/32 is a blackhole",
		drift: "- route r2 10.0.2.2/32 blackhole",
	},
	{
		title: "a neighbour that is not known and does not answer",
		lab: FIB,
		by: "ip -n r1 neigh del 10.12.0.2 dev r2; ip netns exec r2 sysctl -qw net.ipv4.conf.r1.arp_ignore=8",
		fails: every,
		cause: "r1:r2 has no neighbour 10.12.0.2",
		drift: "+ neighbor r1:r2 10.12.0.2 lladdr",
	},
	{
		title: "a neighbour's MAC that is not the neighbour's",
		lab: FIB,
		by: "ip -n r2 neigh change 10.0.2.2 lladdr 02:00:00:00:00:99 dev dos",
		fails: every,
		cause: "r2:dos takes 10.0.2.2 for 02:00:00:00:00:99, and dos:veth0 has",
		drift: "~ neighbor r2:dos 10.0.2.2: 02:00:00:00:00:99 →",
	},
	{
		title: "an MTU that the other end does not have",
		lab: FIB,
		by: "ip -n r2 link set r1 mtu 1300",
		fails: ["TCP"],
		cause: "the MTU of r1:r2 is 1500, and that of r2:r1 1300: longer packets are lost",
		drift: "~ veth r1:r2 r2:r1: r2:r1 mtu 1300 → 1500",
	},
	{
		title: "an MTU that is too small for what is redirected",
		lab: ROUTERS(
			"{ mode: map, redirect: { uno: r2, r2: uno } }",
			"{ mode: map, redirect: { dos: r1, r1: dos } }",
		),
		by: "ip -n r1 link set r2 mtu 1300; ip -n r2 link set r1 mtu 1300",
		fails: ["TCP"],
		cause: "the MTU of r1:r2 is 1300, and r1:uno takes up to 1500",
		drift: "~ veth",
	},
	{
		title: "a program that is detached, although the stack forwards in its place",
		lab: FIB,
		by: "ip -n r1 link set uno xdp off",
		fails: ["r1:uno runs no program that counts XDP_REDIRECT"],
		cause: "r1:uno runs no program, and should run fib",
		drift: "+ xdp r1:uno fib",
	},
	{
		title: "another program in the place of the lab's",
		lab: FIB,
		by: "bpftool prog load dist/bpf/drop.bpf.o /sys/fs/bpf/drop && nsenter --net=/run/netns/r1 bpftool net attach xdpdrv pinned /sys/fs/bpf/drop dev uno overwrite",
		fails: every,
		cause: "r1:uno runs xdp_drop instead of fib",
		drift: "~ xdp r1:uno",
	},
	{
		title: "a link that is down",
		lab: FIB,
		by: "ip -n r1 link set r2 down",
		fails: every,
		cause: "r1:r2 is down",
		drift: "~ veth r1:r2 r2:r1: r1:r2 state down → up",
	},
	{
		title: "a namespace that is gone",
		lab: FIB,
		by: "ip netns del dos",
		fails: every,
		cause: "namespace dos is not there",
		drift: "+ netns dos",
	},
	{
		title: "an end that is gone",
		lab: FIB,
		by: "ip -n dos link del veth0",
		fails: every,
		cause: "dos:veth0 is not there",
		drift: "+ veth dos:veth0 r2:dos",
	},
	{
		title: "a MAC that is not the one that redirects write",
		lab: MAP,
		by: "ip -n dos link set veth0 address 02:00:00:00:00:99",
		fails: every,
		cause: "dos:veth0 has MAC 02:00:00:00:00:99, and what host:dos sends is for",
		drift: "~ veth",
	},
	{
		title: "an address that is gone",
		lab: MAP,
		by: "ip -n dos address del 10.0.2.2/24 dev veth0",
		fails: every,
		cause: "dos:veth0 has no address 10.0.2.2",
		drift: "+ address dos:veth0 10.0.2.2/24",
	},
	{
		title: "what no look knows of, by what the plan finds different",
		lab: MAP,
		by: `program=$(ip -d link show uno | grep -Po "prog/xdp id \\K\\d+")
			for map in $(bpftool prog show id $program | grep -Po "map_ids \\K[\\d,]+" | tr , " "); do
				! bpftool map show id $map | grep -q "name macs" ||
					bpftool map update id $map key 2 0 0 0 value 2 0 0 0 0 1 2 0 0 0 0 2
			done`,
		fails: every,
		cause: "the lab differs from its topology: ~ entry map macs",
		drift: "~ entry map macs",
	},
];

describe.concurrent("a broken lab is told by its cause:", () => {
	const table = breaks.map(({ title, ...rest }) => [title, rest] as const);

	test.each(table)("%s", async (_, { lab, by, fails, cause, drift }) => {
		const machine = await Machine.start();
		try {
			expect(await machine.xdpWith(lab, "apply")).toMatchObject({ exitCode: 0 });
			expect(await machine.run("bash", ["-c", by])).toMatchObject({ exitCode: 0 });

			const { exitCode, stdout, stderr } = await machine.xdp("verify");

			expect(exitCode, stdout + stderr).toBe(1);
			const lines = stdout.split("\n").map((line) => line.trim());
			const causes = lines.filter((line) => line.startsWith("likely cause: "));
			expect(causes[0], stdout).toContain(cause);
			const end = lines.indexOf(causes[0] ?? "");
			const seen = lines.slice(1, end).map((line) => line.replace(/^(ping|TCP|UDP) to .*/, "$1"));
			expect(seen, stdout).toEqual(fails);
			if (drift === null) expect(lines).toContain("the plan finds no difference to the topology");
			else
				expect(
					lines.filter((line) => line.startsWith(drift)),
					stdout,
				).toHaveLength(1);
		} finally {
			await machine.stop();
		}
	});
});
