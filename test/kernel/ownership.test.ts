import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ConflictError, destroy, listLabs, plan, UsageError } from "../../lib/index.js";
import { withinNamed } from "../../lib/kernel/enter.js";
import { inFresh } from "../../lib/kernel/netns.js";
import { RICH } from "./rich.js";
import {
	applyText,
	attached,
	attachForeign,
	changes,
	clearAfterEach,
	differences,
	failureOf,
	kernel,
	linesOf,
	links,
	namespaces,
	sh,
	topology,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

/** A lab of one pair between `host` and a namespace. */
const pair = (lab: string, namespace = lab, more = "") => `name: ${lab}
namespaces: { ${namespace}: }
veths:
  - host:to-${namespace}: [10.11.0.1/24, "fc00:11::1/64"]
    ${namespace}:veth0: { addresses: [10.11.0.2/24, "fc00:11::2/64"], xdp: icmp-echo }
${more}`;

describe("what stands among the names of namespaces and is none of a lab's keeps none from its work", () => {
	test.each([
		["a link to itself", "ln -s odd /run/netns/odd"],
		["a link to nowhere", "ln -s nowhere /run/netns/odd"],
		[
			"a socket",
			"/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/run/netns/odd\")'",
		],
		["a FIFO", "mkfifo /run/netns/odd"],
		["a device", "mknod /run/netns/odd c 250 250"],
		["a folder", "mkdir /run/netns/odd"],
		["an empty file, as a crash of another lab's apply may have left it", "touch /run/netns/odd"],
		["a namespace of the name that labs have for the machine's", "ip netns add host; ip netns add other"],
	])("%s", async (_, script) => {
		sh(`mkdir -p /run/netns; ${script}`);
		const names = () => readdirSync("/run/netns");
		const before = names();
		try {
			await applyText(pair("lab"));
			expect(await changes(pair("lab"))).toEqual([]);
			expect(listLabs()).toEqual(["lab"]);
			expect(withinNamed("lab", () => sh("ip -br link show veth0"))).toContain("UP");
			await destroy("lab");
			expect(names()).toEqual(before);
		} finally {
			sh("rm -rf /run/netns/odd");
		}
	});
});

describe("what a user adds to a lab's namespaces is left alone", () => {
	test.each([
		["a link", "ip -n uno link add br0 type bridge"],
		[
			"a link with addresses",
			"ip -n uno link add br0 type bridge; ip -n uno address add 10.9.0.1/24 dev br0",
		],
		[
			"a pair between two of the lab's namespaces",
			"ip link add mine netns uno type veth peer name theirs netns dos",
		],
		["a pair to host", "ip link add mine type veth peer name theirs netns dos"],
		["a pair within a namespace", "ip -n uno link add mine type veth peer name theirs"],
		["a route of a routing daemon", "ip -n uno route add 10.55.0.0/16 via 10.1.0.1 proto bird"],
		["an IPv6 route of a routing daemon", "ip -n uno route add fc00:55::/64 via fc00:1::1 proto zebra"],
		["a route in a table of its own", "ip -n uno route add 10.55.0.0/16 via 10.1.0.1 table 100"],
		["a rule", "ip -n uno rule add from 10.55.0.0/16 table 100"],
		[
			"a learned neighbour",
			"ip -n uno neighbour add 10.1.0.9 lladdr 02:00:00:00:00:01 nud reachable dev veth0",
		],
		["a proxy neighbour", "ip -n uno neighbour add proxy 10.1.0.10 dev veth0"],
		["a sysctl that the file does not name", "ip netns exec uno sysctl -qw net.ipv4.conf.veth0.rp_filter=1"],
		["an offload that the file does not name", "ip netns exec dos ethtool -K b gso off"],
		["a program on a link of one's own", "ip link add mine netns uno type veth peer name theirs netns dos"],
		["a queueing discipline", "tc -n uno qdisc add dev veth0 root pfifo limit 5"],
	])("%s", async (_, script) => {
		await applyText(RICH);
		sh(script);
		const before = kernel();
		expect(await changes(RICH)).toEqual([]);
		// An update of something else does not touch it either.
		await applyText(RICH.replace("arp_ignore: 2", "arp_ignore: 1"));
		await applyText(RICH);
		expect(differences(before, kernel())).toEqual([]);
	});

	test("a static route by way of a link of one's own is no reason to fail", async () => {
		await applyText(RICH);
		sh(`ip -n uno link add br0 type bridge; ip -n uno link set dev br0 up
			ip -n uno address add 10.9.0.1/24 dev br0; ip -n uno route add 10.55.0.0/16 via 10.9.0.2`);
		await applyText(RICH);
		expect(await changes(RICH)).toEqual([]);
	});
});

describe("what is in host beside the lab is left alone", () => {
	test("links, addresses, routes, neighbours, sysctls and programs", async () => {
		sh(`ip link add mine type veth peer name theirs
			for link in mine theirs; do ip link set dev $link addrgenmode none up; done
			ip address add 10.9.0.1/24 dev mine; ip route add 10.55.0.0/16 via 10.9.0.2
			ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:01 nud permanent dev mine
			ip route add blackhole 10.77.0.0/16; sysctl -qw net.ipv4.conf.mine.rp_filter=2 net.ipv4.ip_forward=1
			ethtool -K mine tx off >/dev/null`);
		attachForeign("host:mine");
		const before = kernel();
		await applyText(RICH.replace("namespaces:\n", "namespaces:\n  host: { forwarding: fib }\n"));
		const during = kernel();
		const mine = (text = "") => text.split("\n").filter((line) => !line.includes('"uno"'));
		for (const key of [
			"host: ip link show",
			"host: ip address show",
			"host: ip neighbour show nud permanent",
		])
			expect(mine(during[key])).toEqual(mine(before[key]));
		const global = (text = "") => text.split("\n").filter((line) => !line.includes("/uno/"));
		expect(global(during["host: sysctl"])).toEqual(global(before["host: sysctl"]));
		await destroy("rich");
		expect(differences(before, kernel())).toEqual([]);
	});
});

describe("a name that somebody else holds is an error, and nothing is touched", () => {
	test.each([
		[
			"a namespace",
			"ip netns add lab",
			/^namespace lab exists and was not made by xdp-apply: choose another name, or `ip netns del lab`$/,
		],
		[
			"a link in host",
			"ip link add to-lab type bridge",
			/^host:to-lab is held by a link that is not this lab's \(bridge, ifindex \d+\): choose another name, or remove it$/,
		],
		[
			"a pair in host",
			"ip link add to-lab type veth peer name other",
			/^host:to-lab is held by a link that is not this lab's \(veth, ifindex \d+\): /,
		],
		[
			"another lab's pair in host",
			"ip link add to-lab type veth peer name other; ip link set to-lab alias xdp-topology:other",
			/^host:to-lab belongs to lab other: `xdp-destroy other` removes it$/,
		],
		[
			"two of them, both named",
			"ip netns add lab; ip link add to-lab type bridge",
			/^namespace lab exists .*\nhost:to-lab is held by /,
		],
	])("%s", async (_, script, message) => {
		sh(script);
		const before = kernel();
		for (const work of [applyText(pair("lab")), plan(topology(pair("lab")))])
			expect((await failureOf(work, ConflictError)).message).toMatch(message);
		expect(differences(before, kernel())).toEqual([]);
		expect(sh("ls -d /run/xdp-topology 2>/dev/null || true")).toBe("");
	});

	test("a route of host to the same destination, of either family", async () => {
		sh(`ip link add mine type veth peer name other
			ip link set dev mine addrgenmode none up; ip link set dev other addrgenmode none up
			ip address add 192.0.2.1/24 dev mine
			ip route add 198.51.100.0/24 via 192.0.2.2; ip route add fc00:99::/64 dev mine`);
		const before = kernel();
		const routes = '[{ to: 198.51.100.0/24, via: 10.11.0.2 }, { to: "fc00:99::/64", interface: to-lab }]';
		const text = pair("lab").replace("{ lab: }", `{ lab: , host: { routes: ${routes} } }`);
		for (const work of [applyText(text), plan(topology(text))])
			expect((await failureOf(work, ConflictError)).message.split("\n")).toEqual([
				"a route host 198.51.100.0/24 is there that is not this lab's (dev mine): choose another metric, or remove it",
				"a route host fc00:99::/64 is there that is not this lab's (dev mine): choose another metric, or remove it",
			]);
		expect(differences(before, kernel())).toEqual([]);
		const beside = text.replaceAll(/(to: [^,]+,)/g, "$1 metric: 7,");
		await applyText(beside);
		await applyText(beside.replace("via: 10.11.0.2", "interface: to-lab"));
		expect(await changes(beside.replace("via: 10.11.0.2", "interface: to-lab"))).toEqual([]);
		await destroy("lab");
		expect(differences(before, kernel())).toEqual([]);
	});

	test("another lab's namespace, by that lab's name", async () => {
		await applyText(pair("first", "shared"));
		const before = kernel();
		const error = await failureOf(applyText(pair("second", "shared")), ConflictError);
		expect(error.message).toBe("shared, host:to-shared belong to lab first: `xdp-destroy first` removes it");
		expect(differences(before, kernel())).toEqual([]);
	});

	test("a lab that holds many names, in one line with what removes it", async () => {
		const hosts = Array.from({ length: 6 }, (_, i) => `h${i}`);
		const lab = (name: string) =>
			`name: ${name}\nnamespaces: { ${hosts.join(": , ")}: }\nveths:\n${hosts
				.map((host, i) => `  - host:${host}: 10.${i}.0.1/24\n    ${host}:eth0: 10.${i}.0.2/24\n`)
				.join("")}`;
		await applyText(lab("first"));
		const error = await failureOf(applyText(lab("second")), ConflictError);
		expect(error.message).toBe(
			"h0, h1, h2, h3, h4, h5, host:h0, host:h1 and 4 more names belong to lab first: `xdp-destroy first` removes it",
		);
	});

	test("a link that a user made in a lab's namespace", async () => {
		await applyText(pair("lab"));
		sh("ip -n lab link add br0 type bridge");
		const text = pair("lab", "lab", "  - lab:br0: 10.1.0.1/24\n    host:other: 10.1.0.2/24\n");
		const error = await failureOf(applyText(text), ConflictError);
		expect(error.message).toMatch(/^lab:br0 is held by a link that is not this lab's \(bridge, /);
	});
});

test("names made by ip netns and by the lab live side by side", async () => {
	// /run/netns was a mount before something was mounted over all of /run.
	sh("mkdir -p /run/netns; mount --bind /run/netns /run/netns; mount -t tmpfs tmpfs /run");
	try {
		await applyText(pair("lab"));
		sh("ip netns add mine");
		expect(await changes(pair("lab"))).toEqual([]);
		await destroy("lab");
		expect(namespaces()).toEqual(["mine"]);
		sh("ip netns del mine");
		expect(sh("ls /run/netns")).toBe("");
	} finally {
		sh("umount -l /run; while umount -l /run/netns 2>/dev/null; do :; done");
	}
});

describe("what is known to fail is refused before anything is touched", () => {
	test("an offload that a veth does not have", async () => {
		const before = kernel();
		const text = pair("lab").replace("xdp: icmp-echo", "offloads: { lro: true }");
		const error = await failureOf(applyText(text), ConflictError);
		expect(error.message).toContain("lab:veth0 cannot have the offload lro on");
		expect(differences(before, kernel())).toEqual([]);
	});

	test("taking away a namespace in which a process runs", async () => {
		await applyText(pair("lab"));
		const before = kernel();
		const sleeper = spawn("ip", ["netns", "exec", "lab", "sleep", "60"], { stdio: "ignore" });
		try {
			await expect.poll(() => sh("ip netns pids lab"), { timeout: 5000 }).toContain(String(sleeper.pid));
			const error = await failureOf(applyText("name: lab\nnamespaces: { other: }"), ConflictError);
			expect(error.message).toMatch(new RegExp(`\\(pid ${sleeper.pid}\\) still runs in namespace lab`));
			expect(differences(before, kernel())).toEqual([]);
		} finally {
			sleeper.kill("SIGKILL");
		}
		await expect.poll(() => sh("ip netns pids lab"), { timeout: 5000 }).toBe("");
		await applyText("name: lab\nnamespaces: { other: }");
	});

	test("a namespace whose name is a file of somebody's", async () => {
		sh("mkdir -p /run/netns; echo text >/run/netns/lab");
		const error = await failureOf(applyText(pair("lab")), ConflictError);
		expect(error.message).toContain("/run/netns/lab is there and is no namespace");
		expect(sh("cat /run/netns/lab")).toContain("text");
		sh("rm /run/netns/lab");
	});
});

describe("several labs", () => {
	test("live in one host, and each is destroyed without the others", async () => {
		const texts = ["one", "two", "three"].map((name) =>
			pair(name).replaceAll("10.11.", `10.${name.length}.`),
		);
		const before = kernel();
		for (const text of texts) await applyText(text);
		expect(listLabs()).toEqual(["one", "three", "two"]);
		for (const text of texts) expect(await changes(text)).toEqual([]);
		const [one, three] = [links().get("to-one"), links().get("to-three")];
		await destroy("two");
		expect(listLabs()).toEqual(["one", "three"]);
		expect(links().get("to-one")).toEqual(one);
		expect(links().get("to-three")).toEqual(three);
		for (const text of [texts[0], texts[2]]) expect(await changes(text ?? "")).toEqual([]);
		await destroy("one");
		await destroy("three");
		expect(differences(before, kernel())).toEqual([]);
	});

	test("keep apart although another's ends have the same numbers", async () => {
		await applyText(RICH);
		const inner = RICH.replace("name: rich", "name: other")
			.replace(/\b(uno|r1|dos)\b/g, "x$1")
			.replace("host:xuno", "host:other");
		await applyText(inner);
		for (const text of [RICH, inner]) expect(await changes(text)).toEqual([]);
		await destroy("rich");
		expect(await changes(inner)).toEqual([]);
	});

	test("are found by their marks where their states are lost", async () => {
		await applyText(pair("one"));
		await applyText("name: two\nnamespaces: {}\nveths:\n  - host:a: 10.1.0.1/24\n    host:b: 10.2.0.1/24\n");
		sh("rm /run/xdp-topology/*.json");
		expect(listLabs()).toEqual(["one", "two"]);
	});
});

describe("a pair within host", () => {
	const text = `name: lab
namespaces: {}
veths:
  - host:a: [10.1.0.1/24, "fc00:1::1/64"]
    host:b: { addresses: [10.2.0.1/24, "fc00:2::1/64"], xdp: drop }
`;

	test("is made once, marked, and destroyed", async () => {
		const before = kernel();
		await applyText(text);
		expect(await changes(text)).toEqual([]);
		expect(sh("ip link show a")).toContain("alias xdp-topology:lab");
		await destroy("lab");
		expect(differences(before, kernel())).toEqual([]);
	});

	test("lives beside pairs that lead elsewhere", async () => {
		const more = text
			.replace("namespaces: {}", "namespaces: { uno: }")
			.concat("  - host:uno: 10.3.0.1/24\n    uno:veth0: 10.3.0.2/24\n");
		await applyText(text);
		const [a, b] = [links().get("a"), links().get("b")];
		await applyText(more);
		expect(await changes(more)).toEqual([]);
		expect([links().get("a"), links().get("b")]).toEqual([a, b]);
		await applyText(text);
		expect(await changes(text)).toEqual([]);
		expect([links().get("a"), links().get("b")]).toEqual([a, b]);
	});
});

describe("a lab's host is the namespace that it was applied in", () => {
	test("another one is refused, with the way back", async () => {
		await applyText(pair("lab"));
		// Somebody who is still in the first one.
		const shell = spawn("sleep", ["60"]);
		try {
			// plan() is done with the kernel when it returns: only its result comes later.
			const planned = inFresh(() => plan(topology(pair("lab"))));
			const error = await failureOf(planned, ConflictError);
			expect(error.message).toBe(
				`lab lab was applied in another network namespace (pid ${shell.pid}): run this from there, as \`nsenter --net=/proc/${shell.pid}/ns/net COMMAND\``,
			);
		} finally {
			shell.kill();
		}
		expect(await changes(pair("lab"))).toEqual([]);
	});
});

describe("destroy", () => {
	test("removes what a user added with the namespace, and nothing that is not the lab's", async () => {
		sh("ip netns add mine");
		const before = kernel();
		await applyText(RICH);
		sh("ip -n uno link add mine type veth peer name theirs netns mine; ip -n uno link add br0 type bridge");
		await destroy("rich");
		sh('until [ -z "$(ip -n mine link show theirs 2>/dev/null)" ]; do :; done');
		expect(differences(before, kernel())).toEqual([]);
	});

	test("does not wait for a program that somebody else keeps", async () => {
		await applyText(pair("lab"));
		sh("bpftool prog load dist/bpf/drop.bpf.o /sys/fs/bpf/mine type xdp");
		try {
			sh(`nsenter --net=/run/netns/lab ip link set dev veth0 xdp off
				nsenter --net=/run/netns/lab bpftool net attach xdpdrv pinned /sys/fs/bpf/mine dev veth0`);
			expect(attached("lab:veth0")?.name).toBe("xdp_drop");
			const started = performance.now();
			await destroy("lab");
			expect(performance.now() - started).toBeLessThan(5000);
		} finally {
			sh("rm /sys/fs/bpf/mine");
		}
	});

	test("of what is not there is success", async () => {
		const result = await destroy("nothing");
		expect(linesOf({ ...result, warnings: [] })).toEqual([]);
		expect(sh("ls -d /run/xdp-topology 2>/dev/null || true")).toBe("");
	});

	test("removes the plain file that a crash left in place of a namespace", async () => {
		await applyText(pair("lab"));
		sh("ip link del to-lab; ip netns del lab; touch /run/netns/lab");
		await destroy("lab");
		expect(sh("ls /run/netns")).toBe("");
	});

	test("of a namespace that is a plain file, applied again, makes it", async () => {
		sh("mkdir -p /run/netns; touch /run/netns/lab");
		await applyText(pair("lab"));
		expect(await changes(pair("lab"))).toEqual([]);
	});
});

describe("a file that names nothing but the lab", () => {
	const BARE = "name: lab\n";

	test.each([BARE, `${BARE}namespaces: {}\n`, `${BARE}namespaces: { host: }\nveths: []\n`])(
		"%j is refused while the lab is up, and the lab stays",
		async (text) => {
			await applyText(pair("lab"));
			const before = kernel();
			for (const work of [applyText(text), plan(topology(text))])
				expect((await failureOf(work, UsageError)).message).toBe(
					"the file names nothing but the lab, and lab is up: `xdp-destroy lab` removes it",
				);
			expect(differences(before, kernel())).toEqual([]);
			await destroy("lab");
			expect(await changes(text)).toEqual([]);
		},
	);
});
