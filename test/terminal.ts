import { execa } from "execa";
import { type Machine, ROOT } from "./machine.js";

/** A terminal in a machine with a program on it: util-linux's script(1) between pipes. */
export class Terminal {
	readonly #child;
	#screen = "";
	#wake = () => {};
	/** Settles with the program's exit status. */
	readonly ended: Promise<number | undefined>;

	constructor(machine: Machine, command: string, env: Record<string, string> = {}) {
		this.#child = execa(
			"nsenter",
			[...machine.enter, "script", "--quiet", "--flush", "--return", "--command", command, "/dev/null"],
			{
				cwd: ROOT,
				reject: false,
				env: { TERM: "dumb", SHELL: "/bin/bash", ...env },
			},
		);
		this.ended = this.#child.then(({ exitCode }) => exitCode);
		this.#child.stdout.on("data", (chunk) => {
			this.#screen += chunk;
			this.#wake();
		});
		this.ended.then(() => this.#wake());
	}

	/** Presses keys. */
	type(keys: string): void {
		this.#child.stdin.write(keys);
	}

	/** Waits until this is on the screen, and forgets what was there up to it. */
	async shows(expected: RegExp): Promise<RegExpExecArray> {
		let over = false;
		const timeout = setTimeout(() => {
			over = true;
			this.#wake();
		}, 20_000);
		this.ended.then(() => {
			over = true;
		});
		try {
			for (;;) {
				const isOver = over;
				const found = expected.exec(this.#screen);
				if (found) {
					this.#screen = this.#screen.slice(found.index + found[0].length);
					return found;
				}
				if (isOver) throw new Error(`no ${expected} on the screen:\n${this.#screen}`);
				await new Promise<void>((resolve) => {
					this.#wake = resolve;
				});
			}
		} finally {
			clearTimeout(timeout);
		}
	}

	/** Ends it as closing a terminal's window does. */
	async close(): Promise<void> {
		this.#child.kill();
		await this.ended;
	}
}
