import { execa } from "execa";
import { UnsupportedError } from "../errors.js";
import type { Flow } from "../expect/flow.js";
import type { Lab } from "../kernel/lab.js";
import type { Arrival, Patience } from "./send.js";

/** Milliseconds between two requests; the whole of it takes no longer than it must. */
const INTERVAL = 10;

/** ping(8) of iputils: the kernel's own ICMP socket would tell less about what came back. */
export async function ping(lab: Lab, flow: Flow, { patience, signal }: Patience): Promise<Arrival> {
	const { from, source, address, packets } = flow;
	const seconds = (milliseconds: number) => String(milliseconds / 1000);
	const args = ["-n", "-c", String(packets), "-i", seconds(INTERVAL), "-W", seconds(patience)];
	if (source !== undefined) args.push("-I", source);
	// A process is in the namespace in which its parent's thread was when it was started. It is handed
	// out in a list, since a promise alone would not be: what follows in it runs elsewhere.
	const [running] = lab.enter(from, () => [
		execa("ping", [...args, address], {
			reject: false,
			stdin: "ignore",
			env: { LC_ALL: "C" },
			...(signal && { cancelSignal: signal }),
		}),
	]);
	const { stdout, stderr, code } = await running;
	if (code === "ENOENT") throw new UnsupportedError("ping(8) is missing: apt-get install iputils-ping");
	const received = Number(/ (\d+) received/.exec(stdout)?.[1] ?? 0);
	return {
		some: received > 0,
		whole: received === packets,
		detail: `${received} of ${packets} replies${reason(stdout, stderr)}`,
	};
}

/** What the network answered instead, or what kept ping from sending: `From 10.0.1.1 icmp_seq=1 …`. */
function reason(stdout: string, stderr: string): string {
	const [, who, what] = /^From (\S+) icmp_seq=\d+ (.*)$/m.exec(stdout) ?? [];
	if (who !== undefined) return `; ${who} says ${what}`;
	const error = /^ping: (.*)$/m.exec(stderr)?.[1];
	return error === undefined ? "" : `; ${error}`;
}
