import { describe, expect, test } from "vitest";
import { byId, idOf, type KindRules, type LabObject } from "../../../lib/plan/object.js";
import { diff, isEmpty } from "../../../lib/plan/plan.js";
import { fc } from "../../random.js";
import { type Lines, object, planOf, rulesOf } from "./object.js";

interface Case {
	title: string;
	desired: LabObject[];
	actual: LabObject[];
	kinds?: Record<string, Partial<KindRules>>;
	plan: Partial<Lines>;
}

const always = () => true;

/** The kinds of a lab, as far as a plan sees them. */
const LAB: Record<string, Partial<KindRules>> = {
	veth: { lingers: ({ name }) => name.startsWith("host:") },
	program: { replaces: always },
	route: { replaces: always },
};

const NS = object("netns uno");
const PAIR = object("veth host:a uno:b", { within: ["netns uno"] });
const ADDRESS = object("address uno:b 10.0.0.1/24", { within: [idOf(PAIR)] });

const CASES: Case[] = [
	{ title: "nothing from nothing", desired: [], actual: [], plan: { changes: [], removals: [], folded: 0 } },
	{ title: "what is there already", desired: [NS, PAIR], actual: [PAIR, NS], plan: { changes: [] } },
	{
		title: "what is missing, what contains before what it contains",
		desired: [ADDRESS, PAIR, NS],
		actual: [],
		plan: { changes: ["+ netns uno", "+ veth host:a uno:b", "+ address uno:b 10.0.0.1/24"], removals: [] },
	},
	{
		title: "what is too much, what depends before what it depends on",
		desired: [],
		actual: [object("route r", { needs: ["address a"] }), object("address a")],
		plan: { changes: ["- route r", "- address a"], removals: ["route r", "address a"], folded: 0 },
	},
	{
		title: "a container that goes, which takes what it contains along",
		desired: [],
		actual: [
			NS,
			object("veth uno:a uno:b", { within: ["netns uno"] }),
			object("sysctl uno x", { within: ["netns uno"] }),
		],
		kinds: LAB,
		plan: { changes: ["- netns uno"], removals: ["netns uno"], folded: 2 },
	},
	{
		title: "a container that goes, but for what lingers in it",
		desired: [],
		actual: [NS, PAIR, ADDRESS],
		kinds: LAB,
		plan: { changes: ["- veth host:a uno:b", "- netns uno"], folded: 1 },
	},
	{
		title: "another value",
		desired: [object("sysctl x", { spec: { value: "1" } })],
		actual: [object("sysctl x", { spec: { value: "0" } })],
		plan: { changes: ["~ sysctl x"], removals: [] },
	},
	{
		title: "another value that the kernel cannot change in place",
		desired: [object("route x", { spec: { via: "a" } })],
		actual: [object("route x", { spec: { via: "b" } })],
		kinds: LAB,
		plan: { changes: ["-/+ route x"], removals: ["route x"] },
	},
	{
		title: "another value that its kind takes for the same",
		desired: [object("sysctl x", { spec: { value: "1" } })],
		actual: [object("sysctl x", { spec: { value: "0" } })],
		kinds: { sysctl: { equal: always } },
		plan: { changes: [] },
	},
	{
		title: "a replaced container, all that it contains again, and nothing beside it",
		desired: [NS, { ...PAIR, spec: { mtu: 1200 } }, ADDRESS, object("address uno:c 10.1.0.1/24")],
		actual: [NS, PAIR, ADDRESS, object("address uno:c 10.1.0.1/24")],
		kinds: { veth: { replaces: always } },
		plan: {
			changes: ["-/+ veth host:a uno:b", "+ address uno:b 10.0.0.1/24 (after veth host:a uno:b)"],
			removals: ["veth host:a uno:b"],
			folded: 1,
		},
	},
	{
		title: "a replaced container, without what nobody wants of what it contained",
		desired: [{ ...PAIR, spec: { mtu: 1200 } }],
		actual: [PAIR, ADDRESS],
		kinds: { veth: { replaces: always } },
		plan: { changes: ["-/+ veth host:a uno:b"], removals: ["veth host:a uno:b"], folded: 1 },
	},
	{
		title: "an update that takes some of what it contains along",
		desired: [
			object("veth p", { spec: { mac: 2 } }),
			object("neighbor n", { within: ["veth p"] }),
			object("address a", { within: ["veth p"] }),
		],
		actual: [
			object("veth p", { spec: { mac: 1 } }),
			object("neighbor n", { within: ["veth p"] }),
			object("neighbor unwanted", { within: ["veth p"] }),
			object("address a", { within: ["veth p"] }),
		],
		kinds: { veth: { takes: (_from, _to, other) => other.kind === "neighbor" } },
		plan: {
			changes: ["- neighbor unwanted", "~ veth p", "+ neighbor n (after veth p)"],
			removals: ["neighbor unwanted"],
			folded: 1,
		},
	},
	{
		title: "a replaced pair, then the program whose constants name it, then where it is attached",
		desired: [
			object("veth p", { spec: 2 }),
			object("program hardcoded", { needs: ["veth p"] }),
			object("xdp q", { within: ["veth q"], needs: ["program hardcoded"] }),
			object("veth q"),
		],
		actual: [
			object("veth p", { spec: 1 }),
			object("program hardcoded"),
			object("xdp q", { within: ["veth q"], needs: ["program hardcoded"] }),
			object("veth q"),
		],
		kinds: { veth: { replaces: always }, program: { replaces: always } },
		plan: {
			changes: ["-/+ veth p", "-/+ program hardcoded (after veth p)", "~ xdp q (after program hardcoded)"],
		},
	},
	{
		title: "a route over two pairs of which one is made anew",
		desired: [
			object("veth p", { spec: 2 }),
			object("veth q"),
			object("route r", { within: ["netns n"], needs: ["veth p", "veth q"] }),
		],
		actual: [
			object("veth p", { spec: 1 }),
			object("veth q"),
			object("route r", { within: ["netns n"], needs: ["veth p", "veth q"] }),
		],
		kinds: { veth: { replaces: always }, route: { replaces: always } },
		plan: {
			changes: ["-/+ veth p", "-/+ route r (after veth p)"],
			removals: ["route r", "veth p"],
		},
	},
	{
		title: "an address that leaves, and the route that it carried",
		desired: [object("address b"), object("route r", { needs: ["address a", "address b"] })],
		actual: [
			object("address a"),
			object("address b"),
			object("route r", { needs: ["address a", "address b"] }),
		],
		kinds: LAB,
		plan: { changes: ["- address a", "-/+ route r (after address a)"], removals: ["route r", "address a"] },
	},
	{
		title: "two objects of one name but of different kinds",
		desired: [object("address x")],
		actual: [object("neighbor x")],
		plan: { changes: ["- neighbor x", "+ address x"] },
	},
];

describe("a plan is", () => {
	test.each(CASES)("$title", ({ desired, actual, kinds, plan }) => {
		expect(planOf(desired, actual, kinds)).toMatchObject(plan);
	});
});

/** Namespaces with pairs with addresses, each there or not, with one of two values. */
const labs = fc
	.array(
		fc.record({
			namespace: fc.integer({ min: 0, max: 2 }),
			pair: fc.integer({ min: 0, max: 2 }),
			address: fc.integer({ min: 0, max: 2 }),
			value: fc.integer({ min: 0, max: 1 }),
		}),
	)
	.map((parts) => {
		const objects = new Map<string, LabObject>();
		for (const { namespace, pair, address, value } of parts) {
			const ns = object(`netns ${namespace}`);
			const veth = object(`veth ${namespace}-${pair}`, { within: [idOf(ns)], spec: { value } });
			const inner = object(`address ${namespace}-${pair} ${address}`, {
				within: [idOf(veth)],
				spec: { value },
			});
			for (const one of [ns, veth, inner]) if (!objects.has(idOf(one))) objects.set(idOf(one), one);
		}
		return [...objects.values()];
	});

describe("whatever there is and whatever is wanted,", () => {
	const kinds = rulesOf({ veth: { replaces: always } });

	test("carrying the plan out gives what is wanted", () => {
		fc.assert(
			fc.property(labs, labs, (desired, actual) => {
				const { changes, removals } = diff(byId(desired), byId(actual), kinds);
				const kernel = byId(actual);
				for (const one of removals.map(idOf)) {
					const gone = [...kernel.keys()].filter((id) => id === one || leadsTo(kernel, id, one));
					for (const id of gone) kernel.delete(id);
				}
				for (const change of changes)
					if (change.action !== "remove") kernel.set(idOf(change.object), change.object);
				expect([...kernel.keys()].sort()).toEqual(desired.map(idOf).sort());
				expect(isEmpty(diff(byId(desired), kernel, kinds))).toBe(true);
			}),
		);
	});

	test("nothing is made before what contains it", () => {
		fc.assert(
			fc.property(labs, labs, (desired, actual) => {
				const made = diff(byId(desired), byId(actual), kinds).changes.filter(
					({ action }) => action !== "remove",
				);
				const place = new Map(made.map(({ object }, i) => [idOf(object), i]));
				for (const [i, { object }] of made.entries())
					for (const container of object.within) expect(place.get(container) ?? -1).toBeLessThan(i);
			}),
		);
	});
});

function leadsTo(objects: ReadonlyMap<string, LabObject>, id: string, container: string): boolean {
	return (objects.get(id)?.within ?? []).some((one) => one === container || leadsTo(objects, one, container));
}
