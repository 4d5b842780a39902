import { describe, expect, test } from "vitest";
import { byId, idOf } from "../../../lib/plan/object.js";
import { diff } from "../../../lib/plan/plan.js";
import { changeText, planDocument, planText } from "../../../lib/plan/render.js";
import { object, rulesOf } from "./object.js";

const RULES = rulesOf({
	sysctl: {
		describe: ({ name, spec }) => `${name} = ${(spec as { value: string }).value}`,
		describeChange: (from, to) => `${(from as { value: string }).value} → ${(to as { value: string }).value}`,
	},
	route: { replaces: () => true },
	veth: { replaces: () => true },
});
const sysctl = (name: string, value: string, reason?: string) =>
	object(`sysctl ${name}`, { spec: { value }, ...(reason && { reason }) });

const PLAN = diff(
	byId([
		sysctl("uno net.ipv4.ip_forward", "1", "uno forwards"),
		sysctl("uno net.x", "1"),
		object("route uno 10.0.0.0/8", { spec: 1 }),
		object("veth a b", { spec: 1 }),
		object("address a 10.0.0.1/24", { within: ["veth a b"] }),
	]),
	byId([
		sysctl("uno net.x", "0"),
		object("route uno 10.0.0.0/8", { spec: 2 }),
		object("veth a b", { spec: 2 }),
		object("address a 10.0.0.1/24", { within: ["veth a b"] }),
		object("netns dos"),
		object("sysctl dos x", { within: ["netns dos"] }),
	]),
	RULES,
);

const DOCUMENT = {
	lab: "lab",
	changes: [
		{ action: "remove", kind: "netns", name: "dos", text: "dos" },
		{
			action: "create",
			kind: "sysctl",
			name: "uno net.ipv4.ip_forward",
			text: "uno net.ipv4.ip_forward = 1",
			reason: "uno forwards",
		},
		{ action: "update", kind: "sysctl", name: "uno net.x", text: "uno net.x: 0 → 1" },
		{ action: "replace", kind: "route", name: "uno 10.0.0.0/8", text: "uno 10.0.0.0/8" },
		{ action: "replace", kind: "veth", name: "a b", text: "a b" },
		{
			action: "create",
			kind: "address",
			name: "a 10.0.0.1/24",
			text: "a 10.0.0.1/24",
			reason: "made again after veth a b",
		},
	],
	counts: { create: 2, update: 1, replace: 2, remove: 1 },
	folded: 2,
	warnings: ["uno will not forward"],
};

const TEXT = `  - netns dos
  + sysctl uno net.ipv4.ip_forward = 1  # uno forwards
  ~ sysctl uno net.x: 0 → 1
-/+ route uno 10.0.0.0/8
-/+ veth a b
  + address a 10.0.0.1/24               # made again after veth a b

lab: 2 to create, 1 to change, 2 to replace, 1 to remove (2 more go with what contains them)
`;

describe("a plan", () => {
	const document = planDocument("lab", PLAN, ["uno will not forward"], RULES);

	test("as a document", () => {
		expect(document).toEqual(DOCUMENT);
		expect(JSON.parse(JSON.stringify(document))).toEqual(DOCUMENT);
	});

	test("as text, made from the document alone", () => {
		expect(planText(document)).toBe(TEXT);
	});

	test("in colours, which are all that is added", () => {
		const colored = planText(document, { color: true });
		expect(colored).toContain("\x1b[31m  -\x1b[0m netns dos\n");
		expect(colored).toContain("\x1b[35m-/+\x1b[0m veth a b\n");
		expect(colored).toContain("\x1b[2m# uno forwards\x1b[0m\n");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is
		expect(colored.replace(/\x1b\[\d+m/g, "")).toBe(TEXT);
	});

	test("has no line for a part of another object with which the same is done", () => {
		const [whole, part] = [object("a whole"), object("a part", { partOf: idOf(object("a whole")) })];
		const both = planDocument("lab", diff(byId([whole, part]), byId([]), rulesOf()), [], rulesOf());
		expect(both.changes.map(({ partOf }) => partOf)).toEqual([undefined, idOf(whole)]);
		expect(both.counts.create).toBe(2);
		expect(planText(both)).toBe("  + a whole\n\nlab: 1 to create (1 more within these lines)\n");
		const alone = planDocument("lab", diff(byId([whole, part]), byId([whole]), rulesOf()), [], rulesOf());
		expect(planText(alone)).toBe("  + a part\n\nlab: 1 to create\n");
	});

	test("without changes", () => {
		const empty = planDocument("lab", diff(byId([]), byId([]), RULES), [], RULES);
		expect(empty).toMatchObject({ changes: [], counts: { create: 0, update: 0, replace: 0, remove: 0 } });
		expect(planText(empty)).toBe("lab: nothing to do\n");
	});

	test("as the line of an error", () => {
		expect(PLAN.changes.map((change) => changeText(change, RULES(change.object.kind)))).toEqual(
			DOCUMENT.changes.map(({ kind, text }) => `${kind} ${text}`),
		);
	});

	test("keeps reasons in a column, but for lines that are very long", () => {
		const long = "x".repeat(100);
		const plan = diff(
			byId([object("a b", { reason: "why" }), object(`a ${long}`, { reason: "why" })]),
			byId([]),
			rulesOf(),
		);
		const [short = "", far = ""] = planText(planDocument("lab", plan, [], rulesOf())).split("\n");
		expect(far).toBe(`  + a ${long}  # why`);
		expect(short.indexOf("#")).toBeGreaterThan(40);
		expect(short.indexOf("#")).toBeLessThan(70);
	});
});
