import { expect, test } from "vitest";
import { graph, graphModel } from "../../../lib/graph.js";
import type { ChangeDocument } from "../../../lib/plan/render.js";
import type { LabStatus } from "../../../lib/status.js";
import { change, live } from "./live.js";

/** What differs in the picture, by place. */
function drift(status: LabStatus): Record<string, string[]> {
	const { namespaces, drift } = graphModel(status);
	const places: [string, string[]][] = [["", drift]];
	for (const { name, gone, ends, drift } of namespaces) {
		places.push([name, gone ? ["gone", ...drift] : drift]);
		for (const end of ends)
			places.push([`${name}:${end.interface}`, end.gone ? ["gone", ...end.drift] : end.drift]);
	}
	return Object.fromEntries(places.filter(([, texts]) => texts.length > 0));
}

test.each<[string, ChangeDocument, Record<string, string[]>]>([
	[
		"a changed MTU, at its end",
		change("update", "veth", "r:uno uno:veth0", "r:uno uno:veth0: r:uno mtu 1400 → 1500"),
		{ "r:uno": ["mtu 1400 → 1500"] },
	],
	[
		"changes of both ends, each at its own",
		change(
			"update",
			"veth",
			"r:uno uno:veth0",
			"r:uno uno:veth0: r:uno mtu 1400 → 1500, r:uno state down → up, uno:veth0 rx queues 2 → 1",
		),
		{ "r:uno": ["mtu 1400 → 1500", "state down → up"], "uno:veth0": ["rx queues 2 → 1"] },
	],
	[
		"a program that was taken away",
		change("create", "xdp", "r:uno", "r:uno fib"),
		{ "r:uno": ["missing xdp fib"] },
	],
	[
		"a program in another mode",
		change("update", "xdp", "r:uno", "r:uno: fib generic → fib"),
		{ "r:uno": ["xdp fib generic → fib"] },
	],
	[
		"an address too many",
		change("remove", "address", "uno:veth0 fc00::9/64"),
		{ "uno:veth0": ["unwanted address fc00::9/64"] },
	],
	[
		"an address on lo, at its namespace",
		change("create", "address", "uno:lo 10.255.0.1/32"),
		{ uno: ["missing address lo 10.255.0.1/32"] },
	],
	[
		"a route, at its namespace",
		change("create", "route", "uno 0.0.0.0/0", "uno default via 10.0.1.1 dev veth0"),
		{ uno: ["missing route default via 10.0.1.1 dev veth0"] },
	],
	[
		"a sysctl, at its namespace",
		change("update", "sysctl", "r net.ipv4.ip_forward", "r net.ipv4.ip_forward: 0 → 1"),
		{ r: ["sysctl net.ipv4.ip_forward: 0 → 1"] },
	],
	[
		"an entry of a map, at the end that it is about",
		change("update", "entry", "fib ports r:dos", "fib ports r:dos: r:uno → r:dos"),
		{ "r:dos": ["entry fib ports r:dos: r:uno → r:dos"] },
	],
	[
		"a program that no end runs, below the picture",
		change("create", "program", "fib"),
		{ "": ["missing program fib"] },
	],
	[
		"a pair that is no longer wanted",
		change("remove", "veth", "r:uno uno:veth0"),
		{ "r:uno": ["not in the topology"], "uno:veth0": ["not in the topology"] },
	],
])("the picture of a live lab shows %s", async (_, one, expected) => {
	expect(drift(live([one]))).toEqual(expected);
	const svg = (await graph(live([one]))).replaceAll("&#160;", " ");
	expect(svg).toContain("small, live: 1 difference from what was applied, in red");
	expect(svg.replace(/<style>.*<\/style>/s, "")).toContain("#cf222e");
});

test("a pair that is gone is drawn where it was, and what it lacks goes without saying", async () => {
	const changes = [
		change("create", "veth", "r:uno uno:veth0"),
		change("create", "address", "r:uno 10.0.1.1/24"),
		change("create", "xdp", "uno:veth0", "uno:veth0 pass"),
	];
	const status = live(changes, ["r:uno", "uno:veth0"]);
	expect(drift(status)).toEqual({ "r:uno": ["gone"], "uno:veth0": ["gone"] });
	expect(graphModel(status).pairs).toHaveLength(2);
	expect(await graph(status)).toContain("stroke-dasharray");
});

test("a namespace that is gone is drawn, with its ends", () => {
	const changes = [
		change("create", "netns", "uno"),
		change("create", "veth", "r:uno uno:veth0"),
		change("create", "sysctl", "uno net.ipv4.ip_forward", "uno net.ipv4.ip_forward = 0"),
	];
	const status = live(changes, ["r:uno", "uno:veth0"]);
	status.namespaces = status.namespaces.filter(({ name }) => name !== "uno");
	expect(drift(status)).toEqual({ uno: ["gone"], "r:uno": ["gone"], "uno:veth0": ["gone"] });
});

test("an end whose peer went elsewhere stays, and the peer is gone", () => {
	const changes = [
		change("remove", "veth", "uno:veth0"),
		change("create", "veth", "r:uno uno:veth0"),
		change("create", "address", "uno:veth0 10.0.1.2/24", undefined, "made again after veth uno:veth0"),
	];
	const status = live(changes, ["r:uno"]);
	expect(drift(status)).toEqual({ "r:uno": ["gone"], "uno:veth0": ["its peer is gone"] });
	expect(graphModel(status).pairs).toHaveLength(2);
});

test("what only goes and comes along with something else is not called missing", () => {
	const again = change("create", "xdp", "r:uno", "r:uno fib", "made again after program fib");
	expect(drift(live([again]))).toEqual({});
});

test("a link that is down is told, and its line is dotted", async () => {
	const status = live();
	for (const end of status.namespaces.flatMap(({ ends }) => ends)) if (end.name === "r:uno") end.up = false;
	const svg = await graph(status);
	expect(svg).toContain(">down</text>");
	expect(svg).toContain('stroke-dasharray="1,5"');
});

test("a program of somebody else's says so, in a colour of its own", async () => {
	const status = live();
	for (const { xdp } of status.namespaces.flatMap(({ ends }) => ends))
		for (const one of xdp) one.ours = false;
	const svg = (await graph(status)).replace(/<style>.*<\/style>/s, "").replaceAll("&#160;", " ");
	expect(svg).toContain("#ffe4f3");
	expect(svg).toContain("fib, not the lab&#39;s");
});

test("many differences at one place are counted, not listed", async () => {
	const many = Array.from({ length: 9 }, (_, i) => change("remove", "address", `uno:veth0 10.9.9.${i}/24`));
	const svg = (await graph(live(many))).replaceAll("&#160;", " ");
	expect(svg).toContain("and 6 more");
	expect(svg).not.toContain("10.9.9.7/24");
});

test("a lab as it was applied has nothing red, and says so", async () => {
	const svg = (await graph(live())).replaceAll("&#160;", " ");
	expect(svg).toContain("small, live: as applied");
	expect(svg.replace(/<style>.*<\/style>/s, "")).not.toContain("#cf222e");
});

test("a lab of which nobody knows what was applied is drawn as it is", async () => {
	const svg = (await graph({ ...live(), drift: null })).replaceAll("&#160;", " ");
	expect(svg).toContain("what was applied is not known");
});

test("the addresses that the kernel gives to every link are left out", () => {
	const addresses = graphModel(live()).namespaces.flatMap(({ ends }) =>
		ends.flatMap(({ addresses }) => addresses),
	);
	expect(addresses.filter((address) => address.startsWith("fe80"))).toEqual([]);
});
