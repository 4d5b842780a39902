import { Argument, Command, Option } from "commander";
import { describe, expect, test } from "vitest";
import { familyCommand } from "../../../lib/cli/commands.js";
import { candidates, type Live } from "../../../lib/cli/completion/candidates.js";

const value = (value: string) => ({ value, description: "" });
const live: Live = {
	labs: () => [value("rome"), value("r2")],
	namespaces: () => [value("host"), value("r1")],
	ends: () => [value("r1:uno"), value("r1:r2"), value("host:uno")],
	expectations: () => [value("web is reached"), value("mail is reached")],
};

const family = new Command("xdp-topology").enablePositionalOptions();
family
	.command("look")
	.alias("l")
	.argument("[lab|ns:if...]")
	.addOption(new Option("-f, --format <format>").choices(["svg", "png"]))
	.option("-o, --output <file>")
	.option("--every <seconds>")
	.option("--only <expectation>")
	.option("--watch [seconds]")
	.addOption(new Option("--secret").hideHelp());
family
	.command("make")
	.argument("<file>")
	.addArgument(new Argument("[how]").choices(["fast", "slow"]));
family.command("run").argument("<namespace>").argument("[command...]").passThroughOptions().option("--quiet");

function offered(line: string) {
	const { values, more } = candidates(family, line.replace(/\|$/, "").split(" "), live);
	return [...values.map(({ value }) => value), ...(more === undefined ? [] : [more])];
}

describe("what may stand at the end of a line", () => {
	test.each<[string, unknown[]]>([
		["xdp-topology |", ["look", "make", "run", "help"]],
		["xdp-topology l|", ["look"]],
		["xdp-topology l --f|", ["--format"]],
		["xdp-look |", ["rome", "r2", "r1:uno", "r1:r2", "host:uno"]],
		["xdp-look r1:|", ["r1:uno", "r1:r2"]],
		["xdp-look r1:uno h|", ["host:uno"]],
		["xdp-look --|", ["--format", "--output", "--every", "--only", "--watch", "--help"]],
		["xdp-look --format |", ["svg", "png"]],
		["xdp-look -f p|", ["png"]],
		["xdp-look --format=|", ["--format=svg", "--format=png"]],
		["xdp-look --format=p|", ["--format=png"]],
		["xdp-look --format svg ro|", ["rome"]],
		["xdp-look --output |", ["files"]],
		["xdp-look --output=a|", ["files"]],
		["xdp-look --every |", []],
		["xdp-look --only |", ["web is reached", "mail is reached"]],
		["xdp-look --only=w|", ["--only=web is reached"]],
		["xdp-look --every=1 ro|", ["rome"]],
		["xdp-look --unknown=|", []],
		["xdp-look --watch ro|", ["rome"]],
		["xdp-look -- --f|", []],
		["xdp-make |", ["topologies"]],
		["xdp-make - |", ["fast", "slow"]],
		["xdp-make lab.yaml s|", ["slow"]],
		["xdp-make lab.yaml slow |", []],
		["xdp-run --q|", ["--quiet"]],
		["xdp-run --quiet |", ["host", "r1"]],
		["xdp-run r1 |", [{ command: 2 }]],
		["xdp-run r1 --q|", ["--quiet"]],
		["xdp-run r1 --quiet |", [{ command: 3 }]],
		["xdp-run r1 ping --q|", [{ command: 2 }]],
		["xdp-run r1 -- |", [{ command: 3 }]],
		["xdp-run r1 ping -- |", [{ command: 2 }]],
		["xdp-topology run r1 -- ping |", [{ command: 4 }]],
		["/opt/bin/xdp-make l|", ["topologies"]],
		["make |", []],
		["|", []],
	])("%s", (line, expected) => {
		expect(offered(line)).toEqual(expected);
	});
});

test("every argument of every command is one that completion knows by its name", () => {
	const known = /^(files?|labs?|namespaces?|ns:if|ends?|interfaces?|command)$/;
	const unknown = familyCommand().commands.flatMap((command) =>
		command.registeredArguments
			.filter((one) => !one.argChoices && !command.name().startsWith("_"))
			.filter(
				(one) =>
					!one
						.name()
						.split("|")
						.every((name) => known.test(name)),
			)
			.map((one) => `${command.name()} ${one.name()}`),
	);
	expect(unknown).toEqual([]);
});

test("every command of the family is a program of the package", async () => {
	const { default: manifest } = await import("../../../package.json", { with: { type: "json" } });
	const names = familyCommand()
		.commands.map((command) => command.name())
		.filter((name) => name !== "completion" && name !== "__complete");
	expect(Object.keys(manifest.bin).sort()).toEqual(
		["xdp-topology", ...names.map((name) => `xdp-${name}`)].sort(),
	);
});
