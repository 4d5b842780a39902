import type { Argument, Command, Option } from "commander";

/** What may stand at the end of a command line. */
export interface Candidates {
	values: Value[];
	/** What only the shell can list: topology files, any files, or a command that starts at this word. */
	more?: "topologies" | "files" | { command: number };
}

export interface Value {
	value: string;
	/** Shown beside it, where the shell does that. */
	description: string;
}

/** What is up, asked only if needed. */
export interface Live {
	labs(): Value[];
	namespaces(): Value[];
	/** NS:IF */
	ends(): Value[];
	/** Names of expectations. */
	expectations(): Value[];
}

/**
 * What may stand in place of the last word. All of it follows from the commands' own definitions.
 * @param words the command line up to the cursor, the command first
 */
export function candidates(family: Command, words: readonly string[], live: Live): Candidates {
	const current = words.at(-1) ?? "";
	const place = find(family, words);
	if (!place) return { values: [] };
	const { command, option, argument, onlyArguments } = place;
	const starting = ({ values, ...rest }: Candidates, prefix = "") => ({
		...rest,
		values: values
			.map(({ value, description }) => ({ value: prefix + value, description }))
			.filter(({ value }) => value.startsWith(current)),
	});

	if (option) return starting(valuesOf(option, live));
	// A command's name begins with no dash, so what does is an option of ours, up to the command.
	if (!onlyArguments && place.commandAt === undefined && current.startsWith("-")) {
		const [prefix, name] = /^(--[^=]+)=/.exec(current) ?? [];
		if (name === undefined) return starting({ values: optionsOf(command) });
		const given = findOption(command, name);
		return given ? starting(valuesOf(given, live), prefix) : { values: [] };
	}
	if (command.commands.length > 0) return starting({ values: commandsOf(command) });
	if (!argument) return { values: [] };
	if (takesCommand(argument)) return { values: [], more: { command: place.commandAt ?? words.length - 1 } };
	return starting(valuesOfArgument(argument, live));
}

interface Place {
	command: Command;
	/** The option whose value the last word is. */
	option?: Option | undefined;
	/** The argument that the last word is, unless it is an option. */
	argument?: Argument | undefined;
	/** Options have ended. */
	onlyArguments: boolean;
	/** Where the command begins that is the rest of the line. */
	commandAt?: number;
}

/** The command that the line's first word runs. */
function named(family: Command, word = ""): Command | undefined {
	const name = word.slice(word.lastIndexOf("/") + 1);
	return name === family.name() ? family : family.commands.find((one) => name === `xdp-${one.name()}`);
}

/** Walks the line up to its last word. */
function find(family: Command, words: readonly string[]): Place | undefined {
	let command = named(family, words[0]);
	let option: Option | undefined;
	let onlyArguments = false;
	let position = 0;
	for (const [index, word] of words.entries()) {
		if (!command || index === words.length - 1) break;
		if (index === 0) continue;
		const argument = argumentAt(command, position);
		if (option) option = undefined;
		else if (takesCommand(argument) && (word === "--" || !word.startsWith("-")))
			return { command, argument, onlyArguments: true, commandAt: word === "--" ? index + 1 : index };
		else if (word === "--") onlyArguments = true;
		else if (!onlyArguments && word.startsWith("-") && word !== "-") {
			const found = findOption(command, word);
			if (found?.required) option = found;
		} else if (command.commands.length > 0)
			command = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
		else position++;
	}
	if (!command) return undefined;
	const argument = argumentAt(command, position);
	return { command, option, argument, onlyArguments };
}

function argumentAt({ registeredArguments }: Command, position: number): Argument | undefined {
	const last = registeredArguments.at(-1);
	return registeredArguments[position] ?? (last?.variadic ? last : undefined);
}

function takesCommand(argument: Argument | undefined): boolean {
	return argument?.name() === "command";
}

function findOption(command: Command, word: string): Option | undefined {
	return visibleOptions(command).find(({ long, short }) => word === long || word === short);
}

/** Those of the definition, and the help's. */
function visibleOptions(command: Command): Option[] {
	return command.createHelp().visibleOptions(command);
}

function optionsOf(command: Command): Value[] {
	return visibleOptions(command).map((option) => ({
		value: option.long ?? option.short ?? "",
		description: option.description,
	}));
}

function commandsOf(command: Command): Value[] {
	return command
		.createHelp()
		.visibleCommands(command)
		.map((one) => ({ value: one.name(), description: firstSentence(one.description()) }));
}

/** What fits in a line of a list of commands. */
export function firstSentence(text: string): string {
	return /^[^.]*/.exec(text)?.[0] ?? text;
}

/** Those listed, or what the name of the value says: `<file>`, `<expectation>`. */
function valuesOf({ argChoices, flags }: Option, live: Live): Candidates {
	if (argChoices) return { values: argChoices.map((value) => ({ value, description: "" })) };
	if (flags.includes("<expectation>")) return { values: live.expectations() };
	return { values: [], ...(/file|path/i.test(flags.replace(/^.*?[<[]/, "")) && { more: "files" as const }) };
}

/** What an argument takes is in its name: `<lab|file>`. */
function valuesOfArgument(argument: Argument, live: Live): Candidates {
	if (argument.argChoices)
		return { values: argument.argChoices.map((value) => ({ value, description: "" })) };
	const taken = new Set(argument.name().split("|"));
	const takes = (...names: string[]) => names.some((name) => taken.has(name));
	const values = [
		...(takes("lab", "labs") ? live.labs() : []),
		...(takes("namespace", "namespaces") ? live.namespaces() : []),
		...(takes("ns:if", "end", "ends", "interface", "interfaces") ? live.ends() : []),
	];
	return { values, ...(takes("file", "files") && { more: "topologies" as const }) };
}
