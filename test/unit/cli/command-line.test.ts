import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { familyCommand } from "../../../lib/cli/commands.js";
import { statsCommand } from "../../../lib/cli/stats.js";

let told = "";
beforeEach(() => {
	told = "";
	const tell = (text: unknown) => {
		told += text;
		return true;
	};
	vi.spyOn(process.stderr, "write").mockImplementation(tell);
	vi.spyOn(process.stdout, "write").mockImplementation(tell);
});
afterEach(() => {
	vi.restoreAllMocks();
});

/** What is printed for a command line that never gets as far as to do something. */
async function said(...args: string[]): Promise<string> {
	await expect(familyCommand().parseAsync(args, { from: "user" })).rejects.toThrow();
	return told;
}

test.each<[line: string, expected: string]>([
	["apply", "error: missing required argument 'file'\nusage: xdp-topology apply [options] <file>\n"],
	[
		"exec",
		"error: missing required argument 'namespace'\nusage: xdp-topology exec [options] <namespace> [command...]\n",
	],
	[
		"destroy a b",
		"error: too many arguments for 'destroy'. Expected 1 argument but got 2.\nusage: xdp-topology destroy [options] [lab|file]\n",
	],
	[
		"apply --dry-run a.yaml",
		"error: unknown option '--dry-run': xdp-plan FILE shows what xdp-apply would do, and does nothing\nusage: xdp-topology apply [options] <file>\n",
	],
	[
		"apply --jsn a.yaml",
		"error: unknown option '--jsn'\n(Did you mean --json?)\nusage: xdp-topology apply [options] <file>\n",
	],
])("`%s` is told with how the command is used", async (line, expected) => {
	expect(await said(...line.split(" "))).toBe(expected);
});

test.each<[line: string, expected: string]>([
	["stats -d veth0", "xdp-stats NAMESPACE:INTERFACE"],
	["stats --interval 1", "--watch SECONDS"],
	["stats --prometheus", "--openmetrics"],
	["apply -d veth0", "`xdp: PROGRAM` at an interface"],
	["apply --skb-mode", "attach: generic"],
	["apply -t lab.yaml", "xdp-apply FILE"],
	["plan --destroy", "xdp-destroy LAB"],
	["apply --auto-approve", "leave it out"],
	["status --output json", "--json"],
	["exec -it uno", "leave it out"],
	["up lab.yaml", "`xdp-topology apply FILE`"],
	["create lab.yaml", "`xdp-topology apply FILE`"],
	["load lab.yaml", "`xdp-topology apply FILE`"],
	["down", "`xdp-topology destroy LAB`"],
	["delete lab", "`xdp-topology destroy LAB`"],
	["ls", "`xdp-topology status`"],
	["diff lab.yaml", "`xdp-topology plan FILE`"],
])("another tool's words in `%s` get a hint at ours", async (line, expected) => {
	const text = await said(...line.split(" "));
	expect(text).toMatch(/^error: unknown (option|command) '\S+': /);
	expect(text.split("\n")[0]).toContain(expected);
	expect(text).not.toContain("Did you mean");
});

test("a command of its own has the same hints", async () => {
	await expect(statsCommand("xdp-stats").parseAsync(["-d", "veth0"], { from: "user" })).rejects.toThrow();
	expect(told).toContain("an interface is named without an option: xdp-stats NAMESPACE:INTERFACE\n");
	expect(told).toContain("usage: xdp-stats [options] [lab|ns:if...]\n");
});

test("examples in the help are as they are typed", async () => {
	expect(await said("plan", "--help")).toContain("\n  xdp-topology plan topologies/three-routers.yaml\n");
	expect(await said("apply", "--help")).toContain("\n  generate-lab | xdp-topology apply -\n");
});

test("the list of commands has a line each", async () => {
	const lines = (await said("--help")).split("\n");
	const commands = lines.slice(lines.indexOf("Commands:") + 1).filter((line) => line !== "");
	expect(commands.length).toBeGreaterThan(9);
	for (const line of commands) expect(line).toMatch(/^ {2}\w+ .* {2,}\w.*[^.]$/);
});
