import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { NAMESPACE_VARIABLE } from "../kernel/enter.js";
import { packageRoot } from "../package-root.js";

/** A program to run, and what to add to its environment. */
export interface Invocation {
	command: readonly [string, ...string[]];
	environment: Record<string, string>;
}

/** The user's shell, with the namespace's name in front of the prompt that it has anyway. */
export function shell(): Invocation {
	const path = process.env["SHELL"] || "/bin/sh";
	const file = (name: string) => fileURLToPath(new URL(`shell/${name}`, packageRoot()));
	switch (basename(path)) {
		case "bash":
			return { command: [path, "--rcfile", file("bashrc")], environment: {} };
		case "zsh": {
			const { ZDOTDIR } = process.env;
			return {
				command: [path],
				environment: {
					ZDOTDIR: file("zsh"),
					...(ZDOTDIR !== undefined && { XDP_TOPOLOGY_ZDOTDIR: ZDOTDIR }),
				},
			};
		}
		case "fish":
			return { command: [path, "--init-command", `source ${quote(file("prompt.fish"))}`], environment: {} };
		default: {
			// What POSIX says of PS1: it is expanded, and ends in # for root.
			const sign = process.geteuid?.() === 0 ? "#" : "$";
			return { command: [path], environment: { PS1: `(\${${NAMESPACE_VARIABLE}}) ${sign} ` } };
		}
	}
}

/** For fish, where both of these are special within quotes. */
function quote(text: string): string {
	return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
