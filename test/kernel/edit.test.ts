import { beforeEach, describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { RICH } from "./rich.js";
import {
	applyText,
	changes,
	clearAfterEach,
	differences,
	type Kernel,
	kernel,
	lasting,
	linesOf,
	links,
	namespaces,
	programIds,
	sh,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

/** Replaces parts of a topology's text; each must be there. */
function edit(text: string, ...replacements: [from: string, to: string][]): string {
	return replacements.reduce((text, [from, to]) => {
		if (!text.includes(from)) throw new Error(`no ${JSON.stringify(from)} in the topology`);
		return text.replace(from, to);
	}, text);
}

interface Edit {
	title: string;
	replacements: [from: string, to: string][];
	/** In order; a regular expression where a line has more than is of interest. */
	plan: (string | RegExp)[];
}

const EDITS: Edit[] = [
	{
		title: "an address",
		replacements: [["10.3.0.1/24", "10.3.0.1/16"]],
		plan: ["- address r1:b 10.3.0.1/24", "+ address r1:b 10.3.0.1/16"],
	},
	{
		title: "an address that neighbours and routes name",
		replacements: [
			["via: [10.2.0.1, 10.3.0.1]", "via: [10.2.0.1, 10.3.0.7]"],
			["r1:b: [10.3.0.1/24", "r1:b: [10.3.0.7/24"],
		],
		plan: [
			/^- neighbor dos:b 10\.3\.0\.1 /,
			"- address r1:b 10.3.0.1/24",
			"+ address r1:b 10.3.0.7/24",
			/^\+ neighbor dos:b 10\.3\.0\.7 /,
			/^~ route dos 10\.99\.0\.0\/16: .* → via 10\.2\.0\.1 dev a, via 10\.3\.0\.7 dev b$/,
		],
	},
	{
		title: "a primary address, whose secondary stays",
		replacements: [["10.2.0.2/24, 10.2.0.3/24", "10.2.0.3/24"]],
		plan: [/^- neighbor r1:a 10\.2\.0\.2 /, "- address dos:a 10.2.0.2/24"],
	},
	{
		title: "a route",
		replacements: [["10.77.0.0/16, type: blackhole", "10.77.0.0/16, type: prohibit"]],
		plan: ["~ route r1 10.77.0.0/16: blackhole → prohibit"],
	},
	{
		title: "a neighbour",
		replacements: [["02:00:00:00:00:09", "02:00:00:00:00:19"]],
		plan: ["~ neighbor dos:a 10.2.0.9: 02:00:00:00:00:09 → 02:00:00:00:00:19"],
	},
	{
		title: "a sysctl",
		replacements: [["arp_ignore: 2", "arp_ignore: 1"]],
		plan: ["~ sysctl uno net.ipv4.conf.veth0.arp_ignore: 2 → 1"],
	},
	{
		title: "a sysctl that leaves the file",
		replacements: [["net.ipv4.conf.all.log_martians: 1, net.ipv4.conf.veth0.arp_ignore: 2", ""]],
		plan: [
			"~ sysctl uno net.ipv4.conf.all.log_martians: 1 → 0",
			"~ sysctl uno net.ipv4.conf.veth0.arp_ignore: 2 → 0",
		],
	},
	{
		title: "an offload",
		replacements: [["offloads: { gro: true }", "offloads: { gro: false }"]],
		plan: ["~ offload uno:veth0 gro: on → off"],
	},
	{
		title: "an offload that leaves the file",
		replacements: [[", offloads: { gro: true }", ""]],
		plan: ["~ offload uno:veth0 gro: on → off"],
	},
	{
		title: "an MTU",
		replacements: [["mtu: 1400", "mtu: 1450"]],
		plan: ["~ veth dos:b r1:b: dos:b mtu 1400 → 1450"],
	},
	{
		title: "a MAC",
		replacements: [['mac: "02:00:00:00:00:0a"', 'mac: "02:00:00:00:00:0b"']],
		plan: [
			"- neighbor r1:a fe80::ff:fe00:a lladdr 02:00:00:00:00:0a",
			"~ veth dos:a r1:a: dos:a mac 02:00:00:00:00:0a → 02:00:00:00:00:0b",
			/^~ entry map macs r1:a: .* → 02:00:00:00:00:0a → .* → 02:00:00:00:00:0b$/,
			// What the kernel flushes at the end itself, and what has the MAC at the peer.
			"+ neighbor dos:a 10.2.0.9 lladdr 02:00:00:00:00:09",
			"~ neighbor r1:a 10.2.0.2: 02:00:00:00:00:0a → 02:00:00:00:00:0b",
			"~ neighbor r1:a 10.2.0.3: 02:00:00:00:00:0a → 02:00:00:00:00:0b",
			"~ neighbor r1:a fc00:2::2: 02:00:00:00:00:0a → 02:00:00:00:00:0b",
			"+ neighbor r1:a fe80::ff:fe00:b lladdr 02:00:00:00:00:0b",
			/^\+ neighbor dos:a 10\.2\.0\.1 /,
			/^\+ neighbor dos:a fc00:2::1 /,
		],
	},
	{
		title: "the wiring of a map",
		replacements: [["redirect: { uno: a, a: uno }", "redirect: { uno: b, a: uno }"]],
		plan: [
			/^\+ entry map macs\[r1:b\] = /,
			"+ xdp dos:b pass",
			"+ entry map ports[r1:b] = r1:b",
			"~ entry map redirects r1:uno: r1:a → r1:b",
			"- xdp dos:a pass",
			/^- entry map macs\[r1:a\] = /,
			"- entry map ports[r1:a] = r1:a",
		],
	},
	{
		title: "a program",
		replacements: [["xdp: icmp-echo", "xdp: drop"]],
		plan: [],
	},
	{
		title: "a program's mode",
		replacements: [["xdp: icmp-echo", "xdp: { program: icmp-echo, attach: generic }"]],
		plan: [],
	},
];

const TO_R1 = /^ {2}- r1:b.*\n.*\n/m;

/** Routes of `r1` by its interface `b`. */
const BY_B = / {6}- \{ to: (?:10\.2\.0\.3\/32|10\.6[678]\.0\.0\/16).*\n| {6}- to: 10\.69\.0\.0\/16\n.*\n/g;
const REBUILDS: { title: string; edit: (text: string) => string }[] = [
	{
		title: "a pair with an end in host is taken out",
		edit: (text) => text.replace(/^ {2}- host:uno.*\n.*\n/m, ""),
	},
	{
		title: "one of two equal-cost paths is taken out with its pair",
		edit: (text) =>
			text.replace(TO_R1, "").replace(BY_B, "").replace(", 10.3.0.1]", "]").replace(', "fc00:3::1"]', "]"),
	},
	{
		title: "a namespace is taken out with its pairs",
		edit: (text) =>
			text
				.replace(/^ {2}dos:\n( {4}.*\n)+/m, "")
				.replace(/^ {2}- r1:a.*\n.*\n/m, "")
				.replace(TO_R1, "")
				.replace(BY_B, "")
				.replace(/ {4}forwarding: .*\n/, "")
				.replace(/ {6}- .*fc00:77.*\n/, ""),
	},
	{
		title: "a pair and a namespace are put in",
		edit: (text) =>
			text
				.replace("namespaces:\n", "namespaces:\n  tres: { gateway: 10.4.0.1 }\n")
				.concat("  - r1:tres: 10.4.0.1/24\n    tres:veth0: 10.4.0.2/24\n"),
	},
	{
		title: "a namespace gets another name",
		edit: (text) => text.replaceAll("uno", "one"),
	},
	{
		title: "a pair gets other ends",
		edit: (text) =>
			text.replace("dos:b: {", "uno:b: {").replace(", 10.3.0.1]", "]").replace(', "fc00:3::1"]', "]"),
	},
	{
		title: "an MTU falls below what IPv6 needs",
		edit: (text) =>
			text
				.replace('[10.3.0.1/24, "fc00:3::1/64"]', "{ addresses: 10.3.0.1/24, mtu: 1200 }")
				.replace(
					'{ addresses: [10.3.0.2/24, "fc00:3::2/64"], mtu: 1400 }',
					"{ addresses: 10.3.0.2/24, mtu: 1200 }",
				)
				.replace(', "fc00:3::1"]', "]")
				.replace(/ {6}- .*fc00:3::2.*\n/, ""),
	},
	{
		title: "an MTU of an end with a program falls below what IPv6 needs",
		edit: (text) =>
			text.replace(
				'{ addresses: [10.11.0.2/24, "fc00:11::2/64"], xdp: icmp-echo }',
				"{ addresses: 10.11.0.2/24, xdp: icmp-echo, mtu: 1200 }",
			),
	},
	{
		title: "forwarding is taken out",
		edit: (text) => text.replace(/ {4}forwarding: .*\n/, ""),
	},
	...[
		"fib",
		"{ mode: fib, cache: false }",
		"{ mode: fib, attach: generic }",
		"{ mode: fib, peers: gro }",
		"kernel",
	]
		.concat(["{ mode: hardcoded, redirect: { uno: a, a: uno } }", "{ mode: hardcoded, redirect: { b: a } }"])
		.map((mode) => ({
			title: `forwarding becomes ${mode}`,
			edit: (text: string) => text.replace(/ {4}forwarding: .*/, `    forwarding: ${mode}`),
		})),
	{
		title: "host forwards",
		edit: (text) => text.replace("namespaces:\n", "namespaces:\n  host: { forwarding: fib }\n"),
	},
	{
		title: "neighbours are left to be learned",
		edit: (text) => text.replace("  uno:\n", "  uno:\n    neighbors: learned\n"),
	},
	{
		title: "a link-local address is put in",
		edit: (text) => text.replace('"fc00:3::1/64"', '"fc00:3::1/64", "fe80::1/64"'),
	},
	{
		title: "router advertisements are settled by the file",
		edit: (text) =>
			text.replace(
				"arp_ignore: 2",
				"arp_ignore: 2, net.ipv6.conf.veth0.accept_ra: 1, net.ipv6.conf.up.accept_ra: 2",
			),
	},
	{
		title: "a feature is asked for that is off by default",
		edit: (text) =>
			text.replace("gro: true", "gro: true, rx-udp-gro-forwarding: true, tx-nocache-copy: true"),
	},
	{
		title: "everything but a namespace is taken out",
		edit: () => "name: rich\nnamespaces: { uno: }\n",
	},
];

/** What an edit must not have changed: the numbers that the kernel gave to everything else. */
function numbers(): Record<string, unknown> {
	return Object.fromEntries(
		["host", ...namespaces()].flatMap((name) =>
			Array.from(links(name).values(), ({ ifname, ifindex, xdp }) => [
				`${name}:${ifname}`,
				[ifindex, xdp?.prog.id],
			]),
		),
	);
}

describe("an edited file changes what was edited and nothing else", () => {
	beforeEach(() => applyText(RICH));

	test.each(EDITS)("$title", async ({ replacements, plan }) => {
		const before = numbers();
		const edited = edit(RICH, ...replacements);
		const lines = linesOf(await applyText(edited));
		if (plan.length)
			expect(lines).toEqual(
				plan.map((line) => (typeof line === "string" ? line : expect.stringMatching(line))),
			);
		expect(await changes(edited)).toEqual([]);
		const after = numbers();
		const changed = Object.keys(after).filter((end) => String(after[end]) !== String(before[end]));
		const programs = lines.flatMap((line) => /^\S+ xdp (\S+?):? /.exec(line)?.[1] ?? []);
		expect(changed.filter((end) => !programs.includes(end))).toEqual([]);
	});
});

describe("a lab that was something else before is like one that is made from the file", () => {
	test.each(REBUILDS)("when $title, and back", async ({ edit }) => {
		const edited = edit(RICH);
		expect(edited).not.toBe(RICH);
		const [first, second] = [await fresh(RICH), await fresh(edited)];
		await applyText(RICH);
		await applyText(edited);
		expect(await changes(edited)).toEqual([]);
		expect(differences(second, everything())).toEqual([]);
		await applyText(RICH);
		expect(await changes(RICH)).toEqual([]);
		expect(differences(first, everything())).toEqual([]);
	});
});

describe("a lab may have as many ends as its maps have room for, and then as many others", () => {
	/** 40 ends, of the 64 that there is room for. */
	const star = (hosts: string, router: string, mode: string) => `name: rich
namespaces:
  ${router}: { forwarding: ${mode} }
${Array.from({ length: 20 }, (_, i) => `  ${hosts}${i}: {}`).join("\n")}
veths:
${Array.from({ length: 20 }, (_, i) => `  - ${router}:${hosts}${i}: 10.0.${i}.1/24\n    ${hosts}${i}:veth0: 10.0.${i}.2/24`).join("\n")}
`;

	test.each([
		["hosts", "fib", "r"],
		["hosts, whose frames entries redirect", "{ mode: map, redirect: { HOSTS0: HOSTS1 } }", "r"],
		["hosts and another router", "{ mode: map, redirect: { HOSTS0: HOSTS1 } }", "q"],
	])("%s", async (_, mode, router) => {
		const [before, after] = [
			star("a", "r", mode.replaceAll("HOSTS", "a")),
			star("b", router, mode.replaceAll("HOSTS", "b")),
		];
		await applyText(before);
		const programs = programIds();
		await applyText(after);
		expect(await changes(after)).toEqual([]);
		if (router === "r") expect(programIds()).toEqual(programs);
	});
});

test("a lab grows as much as it likes beside another that has come after it", async () => {
	const lab = (name: string, near: string, pairs: number, more = "") => `name: ${name}
namespaces: { ${near}: { ${more} }, ${Array.from({ length: pairs }, (_, i) => `${name}${i}: {}`).join(", ")} }
veths:
${Array.from({ length: pairs }, (_, i) => `  - { "${near}:${name}-${i}": 10.0.${i}.1/24, "${name}${i}:veth0": 10.0.${i}.2/24 }`).join("\n")}
`;
	const grown = lab("rich", "r", 30, "forwarding: { mode: map, redirect: { rich-28: rich-29 } }");
	await applyText(lab("rich", "r", 1));
	await applyText(lab("other", "host", 30));
	await applyText(grown);
	expect(await changes(grown)).toEqual([]);
	await destroy("other");
});

describe("a sysctl that leaves the file turns to the kernel's default,", () => {
	const lab = (host: string, uno: string) => `name: rich
namespaces: { host: { sysctls: { ${host} } }, uno: { sysctls: { ${uno} } } }
veths:
  - host:uno: 10.1.0.1/24
    uno:veth0: 10.1.0.2/24
`;

	test.each([
		["not to host's own value", "", "net.ipv4.conf.all.rp_filter: 1", "uno net.ipv4.conf.all.rp_filter", "0"],
		[
			"nor that of host's interfaces",
			"",
			"net.ipv4.conf.veth0.rp_filter: 1",
			"uno net.ipv4.conf.veth0.rp_filter",
			"0",
		],
		["of a whole namespace", "", "net.ipv4.tcp_syncookies: 0", "uno net.ipv4.tcp_syncookies", "1"],
		[
			"or to what a lab's interfaces have",
			"",
			"net.ipv6.conf.veth0.accept_dad: 1",
			"uno net.ipv6.conf.veth0.accept_dad",
			"0",
		],
		["in host too", "net.ipv6.conf.uno.accept_dad: 1", "", "host net.ipv6.conf.uno.accept_dad", "0"],
		[
			"and in host to that of its interfaces",
			"net.ipv4.conf.uno.rp_filter: 1",
			"",
			"host net.ipv4.conf.uno.rp_filter",
			"2",
		],
	])("%s", async (_, host, uno, sysctl, value) => {
		sh("sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.rp_filter=2");
		try {
			await applyText(lab(host, uno));
			await applyText(lab("", ""));
			expect(await changes(lab("", ""))).toEqual([]);
			const [namespace, name] = sysctl.split(" ");
			const enter = namespace === "host" ? "" : `nsenter --net=/run/netns/${namespace} `;
			expect(sh(`${enter}sysctl -n ${name}`).trim()).toBe(value);
		} finally {
			sh("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0");
		}
	});
});

const known = new Map<string, Kernel>();

/** What the kernel has of a lab that nothing was there before. */
async function fresh(text: string): Promise<Kernel> {
	const found = known.get(text);
	if (found) return found;
	await applyText(text);
	const result = everything();
	known.set(text, result);
	await destroy("rich");
	return result;
}

/** All that a plan may have changed, but for the numbers that the kernel gave. */
function everything(): Kernel {
	const names = ["host", ...namespaces()].flatMap((name) =>
		Array.from(links(name).values(), ({ ifname, xdp }) => `${name}:${ifname} ${xdp?.prog.name} ${xdp?.mode}`),
	);
	return { ...lasting(kernel()), names: names.join("\n") };
}
