import { Command, InvalidArgumentError } from "commander";

/** The command line of `npm run NAME -- …`: what is wrong in it is told before anything is measured. */
export function benchCommand(name: string, description: string): Command {
	return new Command(`npm run ${name} --`)
		.description(description)
		.helpOption("-h, --help", "print this help")
		.showSuggestionAfterError();
}

/** Reads the value of an option: a number that is at least so large. */
export function number(least: number): (text: string) => number {
	return (text) => {
		const value = text.trim() === "" ? Number.NaN : Number(text);
		if (!Number.isFinite(value) || value < least)
			throw new InvalidArgumentError(`It is no number from ${least} up.`);
		return value;
	};
}

/** The same of a whole number. */
export function whole(least: number): (text: string) => number {
	return (text) => {
		if (!/^[0-9]+$/.test(text) || Number(text) < least)
			throw new InvalidArgumentError(`It is no whole number from ${least} up.`);
		return Number(text);
	};
}

/** The same of several, with commas between them. */
export function list<T>(one: (text: string) => T): (text: string) => T[] {
	return (text) => text.split(",").map(one);
}

/** One of these words. */
export function among<T extends string>(...words: T[]): (text: string) => T {
	return (text) => {
		const word = words.find((one) => one === text);
		if (word === undefined) throw new InvalidArgumentError(`It is none of ${words.join(", ")}.`);
		return word;
	};
}
