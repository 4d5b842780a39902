import { beforeEach, describe, expect, test, vi } from "vitest";
import { Lab } from "../../lib/kernel/lab.js";
import { declare, look } from "../../lib/reconcile.js";
import { isUnchanged } from "../../lib/settled.js";
import { RICH } from "./rich.js";
import {
	applyText,
	attached,
	attachForeign,
	changes,
	clearAfterEach,
	differences,
	json,
	type Kernel,
	kernel,
	lasting,
	mapIds,
	sh,
	topology,
	useSandbox,
} from "./sandbox.js";

/** What somebody does by hand to the lab of rich.ts, and what the plan then says. */
interface Drift {
	title: string;
	script: string | (() => unknown);
	/** In order; or, where much follows, an asymmetric matcher. */
	plan: (string | RegExp)[] | Matcher;
}

type Matcher = ReturnType<typeof expect.arrayContaining>;

const entryOf = (end: string, map: string) => mapIds(attached(end)?.id ?? 0).get(map);
/** A key of a map by port as bpftool(8) takes it. */
const key = (port: number) => `key ${port} 0 0 0`;

const DRIFTS: Drift[] = [
	{
		title: "lo set down",
		script: "ip -n uno link set lo down",
		plan: ["~ netns uno: lo down → up"],
	},
	{
		title: "an address removed",
		script: "ip -n dos address del 10.3.0.2/24 dev b",
		// With the last address of a family the kernel lets go of its neighbours.
		plan: ["+ address dos:b 10.3.0.2/24", /^\+ neighbor dos:b 10\.3\.0\.1 /],
	},
	{
		title: "an IPv6 address removed",
		script: "ip -n r1 address del fc00:3::1/64 dev b",
		plan: ["+ address r1:b fc00:3::1/64"],
	},
	{
		title: "an address added",
		script: "ip -n uno address add 10.1.0.77/32 dev veth0",
		plan: ["- address uno:veth0 10.1.0.77/32"],
	},
	{
		title: "an address added that leads to another one",
		script: "ip -n uno address add 10.9.0.1 peer 10.9.0.2/32 dev veth0",
		plan: ["- address uno:veth0 10.9.0.1/32 peer 10.9.0.2"],
	},
	{
		title: "an IPv6 address added that leads to another one",
		script: "ip -n uno address add fc00:9::1 peer fc00:9::2/128 dev veth0",
		plan: ["- address uno:veth0 fc00:9::1/128 peer fc00:9::2"],
	},
	{
		title: "an address added that leads elsewhere than the one like it",
		script: "ip -n uno address add 10.1.0.2 peer 10.9.0.2/24 dev veth0",
		plan: ["- address uno:veth0 10.1.0.2/24 peer 10.9.0.2"],
	},
	{
		title: "an address added to an end in host",
		script: "ip address add fc00:11::77/128 dev uno",
		plan: ["- address host:uno fc00:11::77/128"],
	},
	{
		title: "addresses on lo removed",
		script: "ip -n r1 address del 10.255.0.1/32 dev lo && ip -n r1 address del fc00:ff::1/128 dev lo",
		plan: ["+ address r1:lo 10.255.0.1/32", "+ address r1:lo fc00:ff::1/128"],
	},
	{
		title: "addresses added on lo, also where the file gives none",
		script: `ip -n r1 address add 10.9.0.1/24 dev lo && ip -n uno address add 127.0.0.2/8 dev lo
			ip -n uno address add fc00:9::9/128 dev lo`,
		plan: ["- address uno:lo fc00:9::9/128", "- address uno:lo 127.0.0.2/8", "- address r1:lo 10.9.0.1/24"],
	},
	{
		title: "lo set down where the file gives it addresses",
		script: "ip -n r1 link set lo down",
		// The kernel lets go of IPv6 addresses with the link.
		plan: ["~ netns r1: lo down → up", "+ address r1:lo fc00:ff::1/128"],
	},
	{
		title: "an address given another prefix length",
		script: "ip -n r1 address del 10.3.0.1/24 dev b && ip -n r1 address add 10.3.0.1/16 dev b",
		// The kernel lets go of IPv4 routes by an interface with the last of its IPv4 addresses.
		plan: [
			"- address r1:b 10.3.0.1/16",
			"+ address r1:b 10.3.0.1/24",
			/^\+ neighbor r1:b 10\.3\.0\.2 /,
			/^\+ neighbor r1:b 10\.2\.0\.3 /, // its route makes it a neighbour
			"+ route r1 10.2.0.3/32 dev b",
			"+ route r1 10.67.0.0/16 via inet6 fc00:3::2 dev b",
			"+ route r1 10.68.0.0/16 via 10.2.0.3 dev b onlink",
			"+ route r1 10.66.0.0/16 via 10.2.0.3 dev b",
		],
	},
	{
		title: "a primary address removed, and its secondary with it",
		script: "ip -n dos address del 10.2.0.2/24 dev a",
		plan: [
			"+ address dos:a 10.2.0.2/24",
			"+ address dos:a 10.2.0.3/24",
			"+ neighbor dos:a 10.2.0.9 lladdr 02:00:00:00:00:09",
			/^\+ neighbor dos:a 10\.2\.0\.1 /,
		],
	},
	{
		title: "a primary address made a secondary one",
		script: `ip -n dos address del 10.2.0.2/24 dev a
			ip -n dos address add 10.2.0.3/24 dev a && ip -n dos address add 10.2.0.2/24 dev a`,
		plan: [
			"-/+ address dos:a 10.2.0.2/24: secondary → primary",
			"-/+ address dos:a 10.2.0.3/24: primary → secondary",
			"+ neighbor dos:a 10.2.0.9 lladdr 02:00:00:00:00:09",
			/^\+ neighbor dos:a 10\.2\.0\.1 /,
			/^~ route dos 10\.99\.0\.0\/16 /,
			/^~ route dos fc00:99::\/64 /,
		],
	},
	{
		title: "an address given an end of life",
		script: "ip -n r1 address change 10.3.0.1/24 dev b valid_lft 1000 preferred_lft 1000",
		plan: [/address r1:b 10\.3\.0\.1\/24/],
	},
	{
		title: "a route removed",
		script: "ip -n uno route del default",
		plan: ["+ route uno default via 10.1.0.1 dev veth0"],
	},
	{
		title: "a route that leads elsewhere",
		script: "ip -n uno route replace default via 10.11.0.1",
		plan: [/~ route uno default: via 10\.11\.0\.1 dev up → via 10\.1\.0\.1 dev veth0/],
	},
	{
		title: "a route of another type",
		script: "ip -n r1 route replace unreachable 10.77.0.0/16",
		plan: ["~ route r1 10.77.0.0/16: unreachable → blackhole"],
	},
	{
		title: "a route added",
		script: "ip -n dos route add 10.55.0.0/16 via 10.2.0.1",
		plan: ["- route dos 10.55.0.0/16 via 10.2.0.1 dev a"],
	},
	{
		title: "a route added with another metric",
		script: "ip -n uno route add default via 10.1.0.1 metric 7 proto static",
		plan: ["- route uno default metric 7 via 10.1.0.1 dev veth0"],
	},
	{
		title: "a route by way of the lab added to host",
		script: "ip route add 10.1.0.0/24 via 10.11.0.2",
		plan: ["- route host 10.1.0.0/24 via 10.11.0.2 dev uno"],
	},
	{
		title: "a route given a preferred source",
		script: "ip -n uno route replace default via 10.1.0.1 src 10.11.0.2",
		plan: ["~ route uno default: via 10.1.0.1 dev veth0 src 10.11.0.2 → via 10.1.0.1 dev veth0"],
	},
	{
		title: "a route given a nexthop object",
		script: `ip -n uno nexthop add id 7 via 10.1.0.1 dev veth0 && ip -n uno route del default
			ip -n uno route add default nhid 7`,
		plan: [/^~ route uno default: nhid 7 via 10\.1\.0\.1 dev veth0 → via /],
	},
	{
		title: "one of two equal-cost paths removed",
		script: "ip -n dos route replace 10.99.0.0/16 via 10.2.0.1",
		plan: ["~ route dos 10.99.0.0/16: via 10.2.0.1 dev a → via 10.2.0.1 dev a, via 10.3.0.1 dev b"],
	},
	{
		title: "one of two equal-cost IPv6 paths removed",
		script: "ip -n dos route del fc00:99::/64 via fc00:3::1 dev b",
		plan: ["~ route dos fc00:99::/64: via fc00:2::1 dev a → via fc00:2::1 dev a, via fc00:3::1 dev b"],
	},
	{
		title: "a route removed by which another's next hop is reachable",
		script: "ip -n r1 route del 10.2.0.3/32",
		plan: ["+ route r1 10.2.0.3/32 dev b"],
	},
	{
		title: "both it and the route by it removed",
		script: "ip -n r1 route del 10.66.0.0/16 && ip -n r1 route del 10.2.0.3/32",
		plan: ["+ route r1 10.2.0.3/32 dev b", "+ route r1 10.66.0.0/16 via 10.2.0.3 dev b"],
	},
	{
		title: "an IPv4 route by an IPv6 next hop led by an IPv4 one",
		script: "ip -n r1 route replace 10.67.0.0/16 via 10.3.0.2",
		plan: ["~ route r1 10.67.0.0/16: via 10.3.0.2 dev b → via inet6 fc00:3::2 dev b"],
	},
	{
		title: "a next hop that is on-link no more",
		script: "ip -n r1 route replace 10.68.0.0/16 via 10.2.0.3 dev b",
		plan: ["~ route r1 10.68.0.0/16: via 10.2.0.3 dev b → via 10.2.0.3 dev b onlink"],
	},
	{
		title: "a path of another weight",
		script: `ip -n r1 route replace 10.69.0.0/16 nexthop via inet6 fc00:2::2 dev a weight 3 \
			nexthop via 10.3.0.2 dev b weight 3`,
		plan: [
			"~ route r1 10.69.0.0/16: via inet6 fc00:2::2 dev a weight 3, via 10.3.0.2 dev b weight 3 → via inet6 fc00:2::2 dev a, via 10.3.0.2 dev b weight 3",
		],
	},
	{
		title: "an IPv6 route removed",
		script: "ip -n r1 -6 route del fc00:77::/64",
		plan: ["+ route r1 fc00:77::/64 via fc00:2::2 dev a"],
	},
	{
		title: "a neighbour removed",
		script: "ip -n uno neighbour del fc00:1::1 dev veth0",
		plan: [/^\+ neighbor uno:veth0 fc00:1::1 lladdr /],
	},
	{
		title: "a link-local neighbour removed",
		script: "ip -n uno neighbour flush nud permanent to fe80::/10 dev veth0",
		plan: [/^\+ neighbor uno:veth0 fe80::\S+ lladdr /],
	},
	{
		title: "a neighbour given another MAC",
		script: "ip -n dos neighbour change 10.2.0.9 lladdr 02:00:00:00:00:99 nud permanent dev a",
		plan: ["~ neighbor dos:a 10.2.0.9: 02:00:00:00:00:99 → 02:00:00:00:00:09"],
	},
	{
		title: "a permanent neighbour turned into one that may grow stale",
		script: "ip -n dos neighbour change 10.2.0.9 lladdr 02:00:00:00:00:99 nud stale dev a",
		plan: ["+ neighbor dos:a 10.2.0.9 lladdr 02:00:00:00:00:09"],
	},
	{
		title: "a neighbour added",
		script: "ip neighbour add 10.11.0.44 lladdr 02:00:00:00:00:44 nud permanent dev uno",
		plan: ["- neighbor host:uno 10.11.0.44 lladdr 02:00:00:00:00:44"],
	},
	{
		title: "a sysctl changed",
		script: "ip netns exec uno sysctl -qw net.ipv4.conf.all.log_martians=0",
		plan: ["~ sysctl uno net.ipv4.conf.all.log_martians: 0 → 1"],
	},
	{
		title: "forwarding switched off on one interface of a router",
		script: "ip netns exec r1 sysctl -qw net.ipv4.conf.a.forwarding=0 net.ipv6.conf.b.forwarding=0",
		plan: ["~ veth dos:a r1:a: r1:a ipv4.forwarding 0 → 1", "~ veth dos:b r1:b: r1:b ipv6.forwarding 0 → 1"],
	},
	{
		title: "IPv6 switched off on an interface",
		script: "ip netns exec uno sysctl -qw net.ipv6.conf.veth0.disable_ipv6=1",
		plan: [
			"~ veth r1:uno uno:veth0: uno:veth0 ipv6.disable_ipv6 1 → 0",
			"+ address uno:veth0 fc00:1::2/64",
			"+ neighbor uno:veth0 fc00:1::1 lladdr 7a:06:80:81:7f:be",
			"+ route uno default via fc00:1::1 dev veth0",
		],
	},
	{
		title: "a sysctl of an interface changed",
		script: "ip netns exec uno sysctl -qw net.ipv4.conf.veth0.arp_ignore=0",
		plan: ["~ sysctl uno net.ipv4.conf.veth0.arp_ignore: 0 → 2"],
	},
	{
		title: "forwarding switched on",
		script: "ip netns exec dos sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
		plan: ["~ sysctl dos net.ipv4.ip_forward: 1 → 0", "~ sysctl dos net.ipv6.conf.all.forwarding: 1 → 0"],
	},
	{
		title: "an offload switched on",
		script: "ip netns exec uno ethtool -K veth0 tx on",
		plan: ["~ offload uno:veth0 tx: on → off"],
	},
	{
		title: "an offload switched on in part",
		script: "ip netns exec dos ethtool -K a tx-checksum-sctp on",
		plan: ["~ offload dos:a tx: mixed → off"],
	},
	{
		title: "an offload of the file's own switched off",
		script: "ip netns exec uno ethtool -K veth0 gro off",
		plan: ["~ offload uno:veth0 gro: off → on"],
	},
	{
		title: "an MTU lowered",
		script: "ip -n r1 link set dev b mtu 1300",
		plan: [/~ veth dos:b r1:b: r1:b mtu 1300 → 1500/],
	},
	{
		title: "a link set down",
		script: "ip -n dos link set dev b down",
		plan: [
			"~ veth dos:b r1:b: dos:b state down → up",
			"+ address dos:b fc00:3::2/64",
			/^\+ neighbor dos:b 10\.3\.0\.1 /,
			/^\+ neighbor dos:b fc00:3::1 /,
		],
	},
	{
		title: "the alias taken away that marks an end in host",
		script: "ip link set dev uno alias ''",
		plan: ["~ veth host:uno uno:up: host:uno mark missing → set"],
	},
	{
		title: "duplicate address detection switched on",
		script: "ip netns exec uno sysctl -qw net.ipv6.conf.veth0.accept_dad=1",
		plan: ["~ veth r1:uno uno:veth0: uno:veth0 ipv6.accept_dad 1 → 0"],
	},
	{
		title: "router advertisements switched on",
		script: "sysctl -qw net.ipv6.conf.uno.accept_ra=1",
		plan: ["~ veth host:uno uno:up: host:uno ipv6.accept_ra 1 → 0"],
	},
	{
		title: "a program detached",
		script: "ip -n r1 link set dev uno xdp off",
		plan: ["+ xdp r1:uno map"],
	},
	{
		title: "a program detached everywhere",
		script: "ip -n r1 link set dev uno xdp off && ip -n r1 link set dev a xdp off",
		plan: [
			"+ program map",
			/^\+ entry map macs\[r1:a\] = /,
			/^\+ entry map macs\[r1:uno\] = /,
			"+ entry map ports[r1:a] = r1:a",
			"+ entry map ports[r1:uno] = r1:uno",
			"+ entry map redirects[r1:uno] = r1:a",
			"+ entry map redirects[r1:a] = r1:uno",
			"+ xdp r1:uno map",
			"+ xdp r1:a map",
		],
	},
	{
		title: "a program replaced by another of the lab",
		script: () =>
			sh(`ip netns exec uno bpftool net attach xdpdrv id ${attached("host:uno")?.id} dev up overwrite`),
		plan: ["+ program icmp-echo", "~ xdp uno:up: pass → icmp-echo"],
	},
	{
		title: "a MAC changed",
		script: "ip -n dos link set dev a address 02:00:00:00:00:bb",
		plan: [
			"~ veth dos:a r1:a: dos:a mac 02:00:00:00:00:bb → 02:00:00:00:00:0a",
			// The kernel has flushed them.
			"+ neighbor dos:a 10.2.0.9 lladdr 02:00:00:00:00:09",
			/^\+ neighbor dos:a 10\.2\.0\.1 /,
			/^\+ neighbor dos:a fc00:2::1 /,
		],
	},
	{
		title: "a MAC changed and changed back, the link-local address of the other left",
		script: `ip -n uno link set dev veth0 down && mac=$(ip -n uno -j link show veth0 | grep -o '"address":"[^"]*' | cut -c 12-)
			ip -n uno link set dev veth0 address 02:00:00:00:00:bb && ip -n uno link set dev veth0 up
			until ip -n uno -6 address show dev veth0 | grep -q fe80; do :; done
			ip -n uno link set dev veth0 address $mac`,
		plan: expect.arrayContaining([
			expect.stringMatching(/^~ veth r1:uno uno:veth0: uno:veth0 link-local fe80::ff:fe00:bb\/64 → fe80::/),
		]),
	},
	{
		title: "a MAC changed while the link was down",
		script:
			"ip -n r1 link set dev b down && ip -n r1 link set dev b address 02:00:00:00:00:bb && ip -n r1 link set dev b up",
		plan: [
			/^~ veth dos:b r1:b: r1:b mac 02:00:00:00:00:bb → /,
			"+ address r1:b fc00:3::1/64",
			/^\+ neighbor r1:b 10\.3\.0\.2 /,
			/^\+ neighbor r1:b fc00:3::2 /,
			/^\+ neighbor r1:b 10\.2\.0\.3 /, // its route makes it a neighbour
			"+ route r1 10.2.0.3/32 dev b",
			"+ route r1 10.67.0.0/16 via inet6 fc00:3::2 dev b",
			"+ route r1 10.68.0.0/16 via 10.2.0.3 dev b onlink",
			"+ route r1 10.66.0.0/16 via 10.2.0.3 dev b",
		],
	},
	{
		title: "an interface deleted",
		script: "ip -n dos link del dev b",
		plan: [
			"+ veth dos:b r1:b mtu 1400/1500",
			"+ address r1:b 10.3.0.1/24",
			"+ address r1:b fc00:3::1/64",
			"+ address dos:b 10.3.0.2/24",
			"+ address dos:b fc00:3::2/64",
			/^\+ neighbor r1:b 10\.3\.0\.2 /,
			/^\+ neighbor r1:b fc00:3::2 /,
			/^\+ neighbor r1:b 10\.2\.0\.3 /, // its route makes it a neighbour
			/^\+ neighbor dos:b 10\.3\.0\.1 /,
			/^\+ neighbor dos:b fc00:3::1 /,
			"+ route r1 10.2.0.3/32 dev b",
			"+ route r1 10.67.0.0/16 via inet6 fc00:3::2 dev b",
			"+ route r1 10.68.0.0/16 via 10.2.0.3 dev b onlink",
			/route r1 10\.69\.0\.0\/16/,
			/route dos 10\.99\.0\.0\/16/,
			/route dos fc00:99::\/64/,
			"+ route r1 10.66.0.0/16 via 10.2.0.3 dev b",
		],
	},
	{
		title: "an interface made anew by hand",
		script: `ip -n dos link del dev b
			ip link add name b netns dos type veth peer name b netns r1 && ip -n dos link set dev b up`,
		plan: expect.arrayContaining([
			"-/+ veth dos:b r1:b: it was not made by xdp-apply: its ifindexes are not the lab's",
		]),
	},
	{
		title: "two interfaces made anew by hand, by the kernel's own numbers",
		script: `ip -n dos link del dev b && ip -n uno link del dev veth0
			ip link add name b index 40 netns dos type veth peer name b index 40 netns r1
			ip link add name veth0 index 40 netns uno type veth peer name uno index 41 netns r1`,
		plan: expect.arrayContaining([
			"-/+ veth dos:b r1:b: it was not made by xdp-apply: its ifindexes are not the lab's",
			"-/+ veth r1:uno uno:veth0: it was not made by xdp-apply: its ifindexes are not the lab's",
		]),
	},
	{
		title: "an interface renamed",
		script: "ip -n dos link set dev b down && ip -n dos link set dev b name c",
		plan: expect.arrayContaining(["- veth dos:c r1:b mtu 1400/1500", "+ veth dos:b r1:b mtu 1400/1500"]),
	},
	{
		title: "an interface moved to another of the lab's namespaces",
		script: "ip -n dos link set dev b netns uno",
		plan: expect.arrayContaining(["- veth r1:b uno:b mtu 1500/1400", "+ veth dos:b r1:b mtu 1400/1500"]),
	},
	{
		title: "an MTU below what IPv6 needs",
		script: "ip -n r1 link set dev b mtu 1200",
		plan: expect.arrayContaining(
			[/^-\/\+ veth dos:b r1:b: r1:b mtu 1200 → 1500/].map((line) => expect.stringMatching(line)),
		),
	},
	{
		title: "a namespace deleted",
		script: "ip netns del dos",
		plan: expect.arrayContaining(["+ netns dos", "+ veth dos:b r1:b mtu 1400/1500"]),
	},
	{
		title: "a namespace with an end in host deleted",
		script: "ip netns del uno",
		plan: expect.arrayContaining(["+ netns uno", "+ veth host:uno uno:up"]),
	},
	{
		title: "a namespace renamed",
		script: `touch /run/netns/otra && mount --bind /run/netns/dos /run/netns/otra
			umount /run/netns/dos && rm /run/netns/dos`,
		plan: expect.arrayContaining(["- netns otra", "+ netns dos", "+ veth dos:b r1:b mtu 1400/1500"]),
	},
	{
		title: "a namespace that carries the lab's mark added",
		script: `ip netns add more
			ip -n more link set lo alias "$(ip -n uno -j link show lo | grep -o '"ifalias":"[^"]*' | cut -c 12-)"`,
		plan: ["- netns more"],
	},
	{
		title: "the route that the kernel makes for an address removed",
		script: "ip -n uno route del 10.1.0.0/24",
		plan: expect.arrayContaining([expect.stringContaining("address uno:veth0 10.1.0.2/24")]),
	},
	{
		title: "a path of a route given more weight",
		script: "ip -n dos route replace 10.99.0.0/16 nexthop via 10.2.0.1 weight 9 nexthop via 10.3.0.1",
		plan: [/route dos 10\.99\.0\.0\/16/],
	},
	{
		title: "a program replaced by somebody else's",
		script: () => attachForeign("uno:up"),
		plan: [/^\+ program icmp-echo$/, /^~ xdp uno:up: #\d+ → icmp-echo$/],
	},
	{
		title: "a program attached in generic mode instead",
		script: () => attachForeign("r1:a", "xdpgeneric"),
		plan: [/^~ xdp r1:a: #\d+ generic → map \(packets between are lost/],
	},
	{
		title: "a program attached where none belongs",
		script: () => attachForeign("dos:b", "xdpgeneric"),
		plan: [/^- xdp dos:b #\d+ generic$/],
	},
	{
		title: "an array's entry changed",
		script: () => sh(`bpftool map update id ${entryOf("r1:uno", "redirects")} ${key(2)} value 0xa2 0x86 1 0`),
		plan: ["~ entry map redirects r1:uno: r1:uno → r1:a"],
	},
	{
		title: "an array's entry set to zeros",
		script: () =>
			sh(`bpftool map update id ${entryOf("r1:uno", "macs")} ${key(2)} value 0 0 0 0 0 0 0 0 0 0 0 0`),
		plan: [/^\+ entry map macs\[r1:uno\] = /],
	},
	{
		title: "an entry of a devmap deleted",
		script: () => sh(`bpftool map delete id ${entryOf("r1:uno", "ports")} ${key(5)}`),
		plan: ["+ entry map ports[r1:a] = r1:a"],
	},
	{
		title: "an entry added at a port that no end has",
		script: () =>
			sh(`bpftool map update id ${entryOf("r1:uno", "redirects")} ${key(60)} value 0xa2 0x86 1 0`),
		plan: ["- entry map redirects[:#100060] = r1:uno"],
	},
	{
		title: "the state file deleted",
		script: "rm /run/xdp-topology/rich.json",
		plan: [],
	},
	{
		title: "the state file cut off",
		script: "truncate --size=100 /run/xdp-topology/rich.json",
		plan: [],
	},
	{
		title: "the state file replaced by something else",
		script: "echo '[1, null]' >/run/xdp-topology/rich.json",
		plan: [],
	},
];

/** What is remembered of a lab of which nothing is left to do, once its links' IPv6 has stopped being tentative. */
function settled(text: string) {
	sh(`while { ip address show tentative; ip -all netns exec ip address show tentative; } | grep -q inet6
		do :; done`);
	const wanted = topology(text);
	const lab = new Lab(wanted.name);
	try {
		const { reading } = look(lab, declare(wanted).objects).snapshot;
		if (reading === undefined) throw new Error("no note was taken");
		return { lab: wanted.name, reading };
	} finally {
		lab.closeAll();
	}
}

describe("of a lab with everything", () => {
	let before: Kernel;

	useSandbox();
	clearAfterEach();
	beforeEach(async () => {
		await applyText(RICH);
		before ??= lasting(kernel());
	});

	test.each(DRIFTS)("$title is seen, named by the plan and repaired by apply", async ({ script, plan }) => {
		// The kernel may still be at work on addresses of links that have just come up.
		const found = await vi.waitFor(() => {
			const found = settled(RICH);
			expect(isUnchanged(found)).toBe(true);
			return found;
		});
		if (typeof script === "string") sh(script);
		else script();
		const isOfState = Array.isArray(plan) && plan.length === 0;
		expect(isUnchanged(found)).toBe(isOfState);
		expect(await changes(RICH)).toEqual(
			Array.isArray(plan)
				? plan.map((line) => (typeof line === "string" ? line : expect.stringMatching(line)))
				: plan,
		);
		await applyText(RICH);
		expect(await changes(RICH)).toEqual([]);
		expect(differences(before, lasting(kernel()))).toEqual([]);
	});

	describe("a neighbour that a routing daemon makes its own", () => {
		const address = "10.1.0.1";
		const macs = { right: "", wrong: "02:00:00:00:00:99" };
		const put = (mac: string, state = "reachable") =>
			sh(`ip -n uno neighbour replace ${address} lladdr ${mac} nud ${state} proto zebra dev veth0`);
		const shown = () => json<object[]>(`ip -n uno -j neighbour show ${address}`);
		beforeEach(() => {
			macs.right = json<{ lladdr: string }[]>(`ip -n uno -j neighbour show ${address}`)[0]?.lladdr ?? "";
		});

		test("is as good as the lab's with the same MAC, and left to the daemon", async () => {
			put(macs.right);
			expect(await changes(RICH)).toEqual([]);
			await applyText(RICH);
			expect(shown()).toMatchObject([{ state: ["REACHABLE"], protocol: "zebra", lladdr: macs.right }]);
		});

		test("ages without being a difference, and is one when it is gone", async () => {
			put(macs.right);
			const found = settled(RICH);
			put(macs.right, "stale");
			expect(isUnchanged(found)).toBe(true);
			sh(`ip -n uno neighbour del ${address} dev veth0`);
			expect(isUnchanged(found)).toBe(false);
			expect(await changes(RICH)).toEqual([`+ neighbor uno:veth0 ${address} lladdr ${macs.right}`]);
		});

		test("is repaired with another MAC", async () => {
			put(macs.wrong);
			expect(await changes(RICH)).toEqual([`~ neighbor uno:veth0 ${address}: ${macs.wrong} → ${macs.right}`]);
			await applyText(RICH);
			expect(shown()).toMatchObject([{ lladdr: macs.right, state: ["PERMANENT"] }]);
			expect(await changes(RICH)).toEqual([]);
		});

		test("is left alone where the file wants none of that address", async () => {
			sh(`ip -n uno neighbour replace 10.1.0.9 lladdr ${macs.wrong} nud permanent proto zebra dev veth0`);
			expect(await changes(RICH)).toEqual([]);
		});
	});
});
