import { readFileSync } from "node:fs";
import { Argument, type Command } from "commander";
import { packageRoot } from "../package-root.js";
import { bareCommand } from "./main.js";

/** How each shell is told which commands its function completes. */
const REGISTRATION = {
	bash: (names) => `complete -F _xdp_topology ${names.join(" ")}\n`,
	zsh: (names) => `compdef _xdp_topology ${names.join(" ")}\n`,
	fish: (names) =>
		names.map((name) => `complete --command ${name} --no-files --arguments '(__xdp_topology)'\n`).join(""),
} satisfies Record<string, (names: readonly string[]) => string>;

type Shell = keyof typeof REGISTRATION;

/** `xdp-topology completion SHELL` @param names the commands to complete */
export function completionCommand(name: string, names: readonly string[]): Command {
	const shells = Object.keys(REGISTRATION);
	return bareCommand(
		name,
		"Print a script that completes all these commands in a shell",
		[
			`source <(xdp-topology ${name} bash)           # in ~/.bashrc`,
			`source <(xdp-topology ${name} zsh)            # in ~/.zshrc, after compinit`,
			`xdp-topology ${name} fish | source            # in ~/.config/fish/config.fish`,
		].join("\n"),
	)
		.addArgument(new Argument("<shell>", "whose script").choices(shells))
		.action((shell: Shell) => {
			const script = readFileSync(new URL(`shell/completion/${shell}`, packageRoot()), "utf8");
			process.stdout.write(script + REGISTRATION[shell](names));
		});
}
