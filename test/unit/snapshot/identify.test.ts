import { describe, expect, test } from "vitest";
import type { Link } from "../../../lib/netlink/link.js";
import { findWindow, identifyPairs, pairName, sortEnds, WINDOW } from "../../../lib/snapshot/identify.js";
import type { NamespaceSnapshot } from "../../../lib/snapshot/snapshot.js";
import type { EndName } from "../../../lib/topology/topology.js";

const MARK = "xdp-topology:lab";
const FIRST = WINDOW;

/** A veth end: its name, its ifindex, its peer's, and the number of the peer's namespace. */
function end(name: string, index: number, peerIndex: number, netnsId?: number, alias?: string): Link {
	return {
		index,
		name,
		peerIndex,
		netnsId,
		alias,
		up: true,
		kind: "veth",
		mac: "",
		mtu: 1500,
		txQueues: 1,
		rxQueues: 1,
		xdp: [],
		settings: {},
	};
}

const lo = (alias?: string): Link => ({
	...end("lo", 1, 0, undefined, alias),
	kind: undefined,
	peerIndex: undefined,
});

function namespace(name: string, links: Link[], byNsid?: Map<number, string>): NamespaceSnapshot {
	const made = name !== "host";
	return {
		name,
		made,
		links: [lo(made ? MARK : undefined), ...links],
		...(byNsid && { byNsid }),
		addresses: [],
		routes: [],
		neighbors: [],
		sysctls: new Map(),
		features: new Map(),
	};
}

/** `host:a uno:b` for a pair of the lab's, with a `?` where it is not numbered by the lab. */
function pairsOf(namespaces: NamespaceSnapshot[], wanted: string[] = []): string[] {
	return identifyPairs(namespaces, FIRST, MARK, (id) => wanted.some((pair) => id === `veth ${pair}`))
		.map(({ ends, numbered }) => `${pairName(ends.map(({ name }) => name))}${numbered ? "" : " ?"}`)
		.sort();
}

const UNO = new Map([[0, "uno"]]);

describe("the lab's pairs among all links", () => {
	test.each<[title: string, namespaces: NamespaceSnapshot[], pairs: string[], wanted?: string[]]>([
		["none", [namespace("host", [])], []],
		[
			"between host and a namespace",
			[
				namespace("host", [end("a", FIRST, FIRST + 1, 0)], UNO),
				namespace("uno", [end("b", FIRST + 1, FIRST, 0)]),
			],
			["host:a uno:b"],
		],
		[
			"between two namespaces",
			[
				namespace("host", [], new Map()),
				namespace("uno", [end("b", FIRST, FIRST + 1, 0)]),
				namespace("dos", [end("c", FIRST + 1, FIRST, 0)]),
			],
			["dos:c uno:b"],
		],
		[
			"within one namespace",
			[namespace("host", []), namespace("uno", [end("b", FIRST, FIRST + 1), end("c", FIRST + 1, FIRST)])],
			["uno:b uno:c"],
		],
		[
			"within host, by its alias alone",
			[
				namespace("host", [
					end("a", FIRST, FIRST + 1, undefined, MARK),
					end("b", FIRST + 1, FIRST, undefined, MARK),
					end("c", FIRST + 2, FIRST + 3),
					end("d", FIRST + 3, FIRST + 2),
				]),
			],
			["host:a host:b"],
		],
		[
			"not within host where one end alone has the alias",
			[namespace("host", [end("a", FIRST, FIRST + 1, undefined, MARK), end("b", FIRST + 1, FIRST)])],
			[],
		],
		[
			"not another lab's, although its ends have the same numbers",
			[
				namespace("host", [end("theirs", FIRST, FIRST + 1, 5), end("ours", FIRST + 2, FIRST + 1, 0)], UNO),
				namespace("uno", [end("b", FIRST + 1, FIRST + 2, 0)]),
			],
			["host:ours uno:b"],
		],
		[
			"each with its own peer where two of other labs' have the very numbers",
			[
				namespace(
					"host",
					[
						end("x", FIRST, FIRST + 1, 7),
						end("y", FIRST + 5, FIRST + 1, 8),
						end("ours", FIRST + 9, FIRST + 1, 0),
					],
					UNO,
				),
				namespace("uno", [end("b", FIRST + 1, FIRST + 9, 0)]),
			],
			["host:ours uno:b"],
		],
		[
			"not a link that a user made in a namespace",
			[namespace("host", [end("mine", 5, 2, 0)], UNO), namespace("uno", [end("theirs", 2, 5, 0)])],
			[],
		],
		[
			"but that too where the topology wants one of its name: then it is made anew",
			[namespace("host", [end("a", 5, 2, 0)], UNO), namespace("uno", [end("b", 2, 5, 0)])],
			["host:a uno:b ?"],
			["host:a uno:b"],
		],
		[
			"half, where the other end was moved to a namespace that is nobody's",
			[namespace("host", []), namespace("uno", [end("b", FIRST + 1, FIRST, 3)])],
			["uno:b ?"],
		],
		[
			"not half, where the end that is left is in host",
			[namespace("host", [end("a", FIRST, FIRST + 1, 3)], UNO), namespace("uno", [])],
			[],
		],
		[
			"not numbered, where two have the same number",
			[
				namespace("host", [], new Map()),
				namespace("uno", [end("b", FIRST, FIRST + 1, 0)]),
				namespace("dos", [end("c", FIRST + 1, FIRST, 0)]),
				namespace("tres", [end("d", FIRST, FIRST + 7, 0)]),
				namespace("four", [end("e", FIRST + 7, FIRST, 0)]),
			],
			["dos:c uno:b ?", "four:e tres:d ?"],
		],
	])("%s", (_, namespaces, pairs, wanted) => {
		expect(pairsOf(namespaces, wanted)).toEqual(pairs);
	});
});

describe("the window of the lab's numbers", () => {
	test.each<[title: string, indexes: number[], window: number | undefined]>([
		["none where there are no links", [], undefined],
		["none where the kernel has chosen all", [2, 3, 99_999], undefined],
		["where its links are", [2 * WINDOW, 2 * WINDOW + 1], 2 * WINDOW],
		["where most of them are", [WINDOW, 3 * WINDOW, 3 * WINDOW + 5], 3 * WINDOW],
	])("%s", (_, indexes, window) => {
		const links = indexes.map((index, i) => end(`l${i}`, index, 0));
		expect(findWindow([namespace("host", [end("x", 9 * WINDOW, 0)]), namespace("uno", links)], MARK)).toBe(
			window,
		);
	});

	test("is that of the pairs within host where there are no others", () => {
		const links = [
			end("a", WINDOW, WINDOW + 1, undefined, MARK),
			end("b", WINDOW + 1, WINDOW, undefined, MARK),
		];
		expect(findWindow([namespace("host", links)], MARK)).toBe(WINDOW);
	});
});

describe("a pair has one name whichever way round it is met", () => {
	test.each<[EndName[], string]>([
		[["uno:b", "host:a"], "host:a uno:b"],
		[["host:a", "uno:b"], "host:a uno:b"],
		[["uno:b", "dos:a"], "dos:a uno:b"],
		[["host:b", "host:a"], "host:a host:b"],
		[["a:x"], "a:x"],
		[["hosts:a", "host:z"], "host:z hosts:a"],
	])("%j", (ends, name) => {
		expect(pairName(ends)).toBe(name);
		expect(sortEnds([...ends]).join(" ")).toBe(name);
	});
});
