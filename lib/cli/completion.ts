import { readFileSync } from "node:fs";
import { Argument, type Command } from "commander";
import { packageRoot } from "../package-root.js";
import { bareCommand } from "./main.js";
import { note } from "./output.js";

/** How each shell is told which commands its function completes. */
const REGISTRATION = {
	bash: (names) => `complete -F _xdp_topology ${names.join(" ")}\n`,
	zsh: (names) => `compdef _xdp_topology ${names.join(" ")}\n`,
	fish: (names) =>
		names.map((name) => `complete --command ${name} --no-files --arguments '(__xdp_topology)'\n`).join(""),
} satisfies Record<string, (names: readonly string[]) => string>;

type Shell = keyof typeof REGISTRATION;

/** The line by which a shell reads what is printed for it. */
function loading(shell: Shell, name: string): string {
	return shell === "fish" ? `xdp-topology ${name} fish | source` : `source <(xdp-topology ${name} ${shell})`;
}

/** `xdp-topology completion SHELL` @param names the commands to complete */
export function completionCommand(name: string, names: readonly string[]): Command {
	const shells = Object.keys(REGISTRATION);
	return bareCommand(
		name,
		"Print a script that completes all these commands in a shell",
		[
			`${loading("bash", name)}           # in ~/.bashrc`,
			`${loading("zsh", name)}            # in ~/.zshrc`,
			`${loading("fish", name)}            # in ~/.config/fish/config.fish`,
			"source shell/activate                        # in a checkout: PATH and completion at once",
		].join("\n"),
	)
		.addArgument(new Argument("<shell>", "whose script").choices(shells))
		.action((shell: Shell) => {
			const script = readFileSync(new URL(`shell/completion/${shell}`, packageRoot()), "utf8");
			process.stdout.write(script + REGISTRATION[shell](names));
			if (process.stdout.isTTY) note(`this is for ${shell} to read: ${loading(shell, name)}`);
		});
}
