import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { ConflictError } from "../../lib/errors.js";
import { plan, TopologyError } from "../../lib/index.js";
import {
	applyText,
	changes,
	clearAfterEach,
	failureOf,
	json,
	kernel,
	sh,
	topology,
	useSandbox,
} from "./sandbox.js";

useSandbox();

/** Two interfaces of one namespace in one subnet, host addresses, addresses on `lo`; `host` has its own. */
const lab = (routes: { h?: string; host?: string } = {}) => `name: lab
namespaces:
  host: { routes: [${routes.host ?? ""}] }
  h:
    addresses: [10.255.0.1/32, 10.250.0.1/24, "fd0f::1/128", "fd0e::1/64"]
    routes: [${routes.h ?? ""}]
  r:
veths:
  - r:a: [10.1.0.1/24, "fd01::1/64"]
    h:eth0: [10.1.0.2/24, 10.7.0.1/32, "fd01::2/64", "fd07::1/128"]
  - r:b: [10.1.0.9/24, "fd02::1/64"]
    h:eth1: [10.1.0.3/24, "fd02::2/64"]
  - host:h: [10.11.0.1/24, "fd11::1/64"]
    h:up: [10.11.0.2/24, "fd11::2/64"]
`;

interface Written {
	to: string;
	via?: string;
	interface?: string;
	source?: string;
	metric?: number;
	type?: string;
}

/** The same route for ip(8). */
function ipRoute({ to, via, interface: link, source, metric, type }: Written): string[] {
	const words = [type ?? [], to, via ? ["via", via] : [], link ? ["dev", link] : []];
	const rest = [source ? ["src", source] : [], metric ? ["metric", String(metric)] : []];
	return [words, rest].flat(3);
}

const [eth0, eth1] = [{ interface: "eth0" }, { interface: "eth1" }];
const [SUBNET, SUBNET6] = [{ to: "10.1.0.0/24" }, { to: "fd01::/64" }];

/** In the namespace of the lab, and whether the kernel has the place already. */
const IN_LAB: [Written, boolean][] = [
	[{ ...SUBNET, ...eth0 }, true],
	[{ ...SUBNET, ...eth1 }, true],
	[{ ...SUBNET, via: "10.1.0.1" }, true],
	[{ ...SUBNET, ...eth0, source: "10.1.0.2" }, true],
	[{ ...SUBNET, type: "blackhole" }, true],
	[{ ...SUBNET, type: "unreachable" }, true],
	[{ ...SUBNET, ...eth0, metric: 5 }, false],
	[{ ...SUBNET, type: "blackhole", metric: 5 }, false],
	[{ to: "10.1.0.0/25", ...eth0 }, false],
	[{ to: "10.7.0.1/32", ...eth0 }, false],
	[{ to: "10.255.0.1/32", ...eth0 }, false],
	[{ to: "10.250.0.0/24", ...eth0 }, false],
	[{ ...SUBNET6, ...eth0, metric: 256 }, true],
	[{ ...SUBNET6, ...eth1, metric: 256 }, true],
	[{ ...SUBNET6, via: "fd01::1", metric: 256 }, true],
	[{ ...SUBNET6, type: "blackhole", metric: 256 }, true],
	[{ ...SUBNET6, ...eth0, source: "fd01::2", metric: 256 }, true],
	[{ ...SUBNET6, ...eth0 }, false],
	[{ ...SUBNET6, type: "blackhole" }, false],
	[{ to: "fd02::/64", via: "fd02::1", metric: 256 }, true],
	[{ to: "fd07::1/128", ...eth0, metric: 256 }, true],
	[{ to: "fd07::1/128", ...eth0 }, false],
	[{ to: "fd0f::1/128", ...eth0, metric: 256 }, true],
	[{ to: "fd0e::/64", ...eth1, metric: 256 }, true],
	[{ to: "fe80::/64", ...eth1, metric: 256 }, true],
	[{ to: "fe80::/64", ...eth1 }, false],
];

const IN_HOST: [Written, boolean][] = [
	[{ to: "10.11.0.0/24", interface: "h" }, true],
	[{ to: "10.11.0.0/24", via: "10.11.0.2" }, true],
	[{ to: "10.11.0.0/24", via: "10.11.0.2", metric: 5 }, false],
	[{ to: "fd11::/64", interface: "h", metric: 256 }, true],
	[{ to: "fd11::/64", interface: "h" }, false],
];

const title = ([written, held]: [Written, boolean]) =>
	[ipRoute(written).join(" "), written, held] as [string, Written, boolean];

describe("a route in the place of one that the kernel makes is an error of the file exactly when the kernel refuses it", () => {
	beforeAll(async () => {
		await applyText(lab());
	});

	/** What ip(8) says, asked of the running lab, which stays as it was. */
	function ipSays(namespace: string, route: string[]): string {
		const ip = namespace === "host" ? [] : ["-n", namespace];
		try {
			// With its protocol, or `del` takes the kernel's route of another metric.
			const one = [...route, "proto", "static"];
			execFileSync("ip", [...ip, "route", "add", ...one], { stdio: "pipe", encoding: "utf8" });
			execFileSync("ip", [...ip, "route", "del", ...one]);
			return "";
		} catch (error) {
			return (error as { stderr: string }).stderr;
		}
	}

	function expectAgreement(namespace: "h" | "host", written: Written, held: boolean): void {
		const says = ipSays(namespace, ipRoute(written));
		expect(says).toBe(held ? "RTNETLINK answers: File exists\n" : "");
		const parse = () => topology(lab({ [namespace]: JSON.stringify(written) }));
		if (!held) expect(parse().namespaces.find(({ name }) => name === namespace)?.routes).toHaveLength(1);
		else expect(parse).toThrow(TopologyError);
		if (held) expect(parse).toThrow(/has its route from the kernel already/);
	}

	test.each(IN_LAB.map(title))("%s", (_, written, held) => expectAgreement("h", written, held));

	test.each(IN_HOST.map(title))("in host: %s", (_, written, held) => expectAgreement("host", written, held));

	test("what is legal beside it is applied and kept", async () => {
		const legal = new Map(
			IN_LAB.flatMap(([written, held]) => (held ? [] : [[`${written.to} ${written.metric}`, written]])),
		);
		expect(legal.size).toBeGreaterThan(5);
		const text = lab({ h: [...legal.values()].map((written) => JSON.stringify(written)).join(", ") });
		await applyText(text);
		expect(await changes(text)).toEqual([]);
	});
});

describe("a route that a daemon has in the place of one of the file's", () => {
	clearAfterEach();

	const PAIR = (routes: string) => `name: daemon
namespaces:
  r1: { routes: [${routes}] }
  r2:
veths:
  - r1:core: [10.0.0.1/24, "fd00::1/64"]
    r2:core: [10.0.0.2/24, "fd00::2/64"]
`;
	const WANTED = '{ to: 10.2.0.0/24, via: 10.0.0.2 }, { to: "fd02::/64", via: "fd00::2" }';
	const DEFAULTS = '{ to: default, via: 10.0.0.2 }, { to: default, via: "fd00::2" }';
	const WHAT_TO_DO = "choose another metric, or remove it";

	test.each<[string, string, string, string[]]>([
		[
			"of either family",
			WANTED,
			"ip -n r1 route add 10.2.0.0/24 via 10.0.0.2 proto bgp; ip -n r1 route add fd02::/64 via fd00::2 proto bird",
			[
				"a route r1 10.2.0.0/24 is there that is not this lab's (dev core, proto bgp)",
				"a route r1 fd02::/64 is there that is not this lab's (dev core, proto bird)",
			],
		],
		[
			"a default route that came by DHCP or by a router advertisement",
			DEFAULTS,
			"ip -n r1 route add default via 10.0.0.2 proto dhcp; ip -n r1 route add default via fd00::2 proto ra",
			[
				"a route r1 default is there that is not this lab's (dev core, proto dhcp)",
				"a route r1 default is there that is not this lab's (dev core, proto ra)",
			],
		],
		[
			"a blackhole, and one by a link that is not the lab's",
			WANTED,
			`ip -n r1 route add blackhole 10.2.0.0/24 proto 200
			ip -n r1 link add other type veth peer name another; ip -n r1 link set another up; ip -n r1 link set other up; ip -n r1 route add fd02::/64 dev other proto static`,
			[
				"a route r1 10.2.0.0/24 is there that is not this lab's (blackhole, proto 200)",
				"a route r1 fd02::/64 is there that is not this lab's (dev other, proto static)",
			],
		],
	])("ends plan and apply before anything is touched: %s", async (_, routes, script, says) => {
		await applyText(PAIR(""));
		sh(script);
		const before = kernel();
		const message = says.map((line) => `${line}: ${WHAT_TO_DO}`).join("\n");
		for (const work of [() => plan(topology(PAIR(routes))), () => applyText(PAIR(routes))])
			expect((await failureOf(work(), ConflictError)).message).toBe(message);
		expect(kernel()).toEqual(before);
	});

	test("is none where the metric is another one, and stays", async () => {
		await applyText(PAIR(""));
		sh(`ip -n r1 route add 10.2.0.0/24 via 10.0.0.2 proto bgp metric 20
			ip -n r1 route add fd02::/64 via fd00::2 proto bgp metric 20`);
		await applyText(PAIR(WANTED));
		expect(await changes(PAIR(WANTED))).toEqual([]);
		expect(json("ip -n r1 -j route show proto bgp")).toMatchObject([{ dst: "10.2.0.0/24", metric: 20 }]);
		expect(json("ip -n r1 -6 -j route show proto bgp")).toMatchObject([{ dst: "fd02::/64", metric: 20 }]);
		await applyText(PAIR(""));
		expect(json("ip -n r1 -j route show proto static")).toEqual([]);
		expect(json("ip -n r1 -j route show proto bgp")).toHaveLength(1);
	});

	test("is told also where it has taken the place of the lab's own", async () => {
		await applyText(PAIR(WANTED));
		sh("ip -n r1 route replace 10.2.0.0/24 via 10.0.0.2 proto ospf");
		const { message } = await failureOf(applyText(PAIR(WANTED)), ConflictError);
		expect(message).toContain("(dev core, proto ospf)");
	});
});

describe("routes by which the next hops of others are reachable", () => {
	clearAfterEach();

	const CHAIN = (routes: string) => `name: chain
namespaces:
  r1: { routes: [${routes}] }
  r2: { addresses: [10.5.0.1/32, "fd05::1/128"] }
veths:
  - r1:a: [10.0.0.1/24, "fd00::1/64"]
    r2:a: [10.0.0.2/24, "fd00::2/64"]
  - r1:b:
    r2:b:
`;
	// Those that need others are first in the file.
	const routes = (link: string) =>
		`{ to: 10.6.0.0/16, via: 10.5.0.1 }, { to: default, via: 10.5.0.1 }, { to: "fd06::/64", via: "fd05::1" }, { to: 10.7.0.0/16, via: "fd05::1" }, { to: 10.5.0.0/24, interface: ${link} }, { to: "fd05::/64", interface: ${link} }`;

	const shown = () =>
		["-4", "-6"].flatMap((family) =>
			json<{ dst: string; dev: string; gateway?: string; via?: { host: string } }[]>(
				`ip -n r1 ${family} -j route show proto static`,
			)
				.map(({ dst, dev, gateway, via }) => `${dst} ${gateway ?? via?.host ?? "-"} ${dev}`)
				.sort(),
		);
	const expected = (link: string) => [
		`10.5.0.0/24 - ${link}`,
		`10.6.0.0/16 10.5.0.1 ${link}`,
		`10.7.0.0/16 fd05::1 ${link}`,
		`default 10.5.0.1 ${link}`,
		`fd05::/64 - ${link}`,
		`fd06::/64 fd05::1 ${link}`,
	];

	test("are made before those, whatever the file's order, and leave after them", async () => {
		await applyText(CHAIN(routes("a")));
		expect(shown()).toEqual(expected("a"));
		expect(await changes(CHAIN(routes("a")))).toEqual([]);
		await applyText(CHAIN(""));
		expect(shown()).toEqual([]);
	});

	test("are moved to another link together with those", async () => {
		await applyText(CHAIN(routes("a")));
		await applyText(CHAIN(routes("b")));
		expect(shown()).toEqual(expected("b"));
		expect(await changes(CHAIN(routes("b")))).toEqual([]);
	});

	test("are made again alone where somebody removes one: the kernel keeps the others", async () => {
		await applyText(CHAIN(routes("a")));
		sh("ip -n r1 route del 10.5.0.0/24; ip -n r1 -6 route del fd05::/64");
		const wanted = ["+ route r1 10.5.0.0/24 dev a", "+ route r1 fd05::/64 dev a"];
		expect((await changes(CHAIN(routes("a")))).sort()).toEqual(wanted);
		await applyText(CHAIN(routes("a")));
		expect(shown()).toEqual(expected("a"));
	});

	test("are made with those that somebody has removed as well", async () => {
		await applyText(CHAIN(routes("a")));
		sh("ip -n r1 route flush proto static; ip -n r1 -6 route flush proto static");
		expect(shown()).toEqual([]);
		await applyText(CHAIN(routes("a")));
		expect(shown()).toEqual(expected("a"));
	});
});

describe("several links", () => {
	clearAfterEach();

	const LINKS = (via: string, to = "10.2.0.0/24") => `name: links
namespaces:
  r1: { routes: [{ to: "${to}", via: ${via} }] }
  r2:
veths:
  - r1:a:
    r2:a: "fe80::2/64"
  - r1:b:
    r2:b: "fe80::2/64"
`;
	const BOTH = '[{ address: "fe80::2", interface: a }, { address: "fe80::2", interface: b, weight: 2 }]';

	test.each([
		["10.2.0.0/24", "-4"],
		["0.0.0.0/0", "-4"],
		["fd02::/64", "-6"],
	])("have a next hop each, by weight: %s", async (to, family) => {
		await applyText(LINKS(BOTH, to));
		const [route] = json<{ nexthops: { dev: string; weight: number; via?: object; gateway?: string }[] }[]>(
			`ip -n r1 ${family} -j route show proto static`,
		);
		const hop = family === "-4" ? { via: { family: "inet6", host: "fe80::2" } } : { gateway: "fe80::2" };
		expect(route?.nexthops).toMatchObject([
			{ ...hop, dev: "a", weight: 1 },
			{ ...hop, dev: "b", weight: 2 },
		]);
		expect(await changes(LINKS(BOTH, to))).toEqual([]);
		await applyText(LINKS(BOTH.replace("weight: 2", "weight: 5"), to));
		expect(await changes(LINKS(BOTH, to))).toEqual([expect.stringMatching(/ weight 5 → .* weight 2$/)]);
		await applyText(LINKS('{ address: "fe80::2", interface: b, weight: 2 }', to));
		expect(await changes(LINKS('{ address: "fe80::2", interface: b }', to))).toEqual([]);
	});

	test("have next hops that are on their links because the file says so", async () => {
		const onlink =
			'[{ address: 10.9.0.1, interface: a }, { address: "fd09::1", interface: b }], onlink: true';
		await applyText(LINKS(onlink));
		const [route] = json<{ nexthops: { dev: string; flags: string[] }[] }[]>(
			"ip -n r1 -j route show proto static",
		);
		expect(route?.nexthops.map(({ dev, flags }) => [dev, flags])).toEqual([
			["a", ["onlink"]],
			["b", ["onlink"]],
		]);
		expect(await changes(LINKS(onlink))).toEqual([]);
	});
});
