import { setTimeout } from "node:timers/promises";
import { type Accelerator, type Machine, type MachineOptions, start } from "./machine.js";
import { lineOf, type Run, type Step } from "./report.js";

/** Seconds until guest.sh begins. A kernel that cannot boot under KVM is silent. */
const BOOT: Readonly<Record<Accelerator, number>> = { kvm: 20, tcg: 240 };

/** Seconds between two steps, and beyond a step's own limit, after which the kernel is taken to hang. */
const GRACE = 60;

export interface RunOptions extends Omit<MachineOptions, "accelerator"> {
	/** Tried in this order, until the kernel boots. */
	accelerators: readonly Accelerator[];
	/** Ends the work. */
	signal: AbortSignal;
	/** Told a line of progress at a time. */
	tell: (line: string) => void;
}

/** Boots a kernel and has guest.sh try the commands there. */
export async function run({ accelerators, ...options }: RunOptions): Promise<Run> {
	const { kernel, tell } = options;
	const begun = performance.now();
	const seconds = () => Math.round((performance.now() - begun) / 100) / 10;
	const troubles: string[] = [];
	for (const accelerator of accelerators) {
		const machine = start({ ...options, accelerator });
		try {
			const { steps, trouble } = await follow(machine, { ...options, boot: BOOT[accelerator] });
			if (steps.length > 0)
				return { kernel, release: machine.read("release").trim(), seconds: seconds(), steps };
			troubles.push(`${accelerator}: ${trouble}`);
			tell(`${accelerator}: ${trouble}`);
		} finally {
			await machine.close();
		}
	}
	const boot: Step = {
		test: "boot",
		name: "boot",
		result: "failed",
		seconds: seconds(),
		output: troubles.join("\n"),
	};
	return { kernel, release: "", seconds: seconds(), steps: [boot] };
}

/**
 * Reads the lines that guest.sh writes, until it is done, QEMU ends, or nothing comes any more.
 * @returns all steps that guest.sh has planned, and what kept it from coming to its end
 */
export async function follow(
	machine: Machine,
	{ boot, signal, tell }: Pick<RunOptions, "signal" | "tell"> & { boot: number },
): Promise<{ steps: Step[]; trouble?: string }> {
	const steps: Step[] = [];
	let ended: string | undefined;
	void machine.ended.then((how) => {
		ended = how;
	});
	let deadline = later(boot);
	for (let seen = 0, current = 0; ; ) {
		// What was written before QEMU ended can still be read after.
		const trouble = ended ?? (performance.now() > deadline ? "nothing comes any more" : undefined);
		const lines = machine.read("rows").split("\n").slice(0, -1);
		for (const line of lines.slice(seen)) {
			const [what, test = "", name = "", ...values] = line.split("\t");
			if (what === "done") return steps.length ? { steps } : { steps, trouble: "there is no such test" };
			deadline = later(GRACE + (what === "begin" ? Number(values[0]) : 0));
			if (what === "plan") steps.push({ test, name, result: "not tried", seconds: 0, output: "" });
			if (what !== "end") continue;
			const step = steps[current++];
			if (step?.test !== test || step.name !== name) throw new Error(`not what was planned: ${line}`);
			complete(step, values, machine.read(`${current}.log`));
			tell(lineOf(step));
		}
		seen = lines.length;
		if (trouble !== undefined) {
			const output = `${trouble}\n${machine.console()}`;
			const step = steps[current];
			if (step) tell(lineOf(Object.assign(step, { result: "failed", output })));
			return { steps, trouble: output };
		}
		await setTimeout(200, undefined, { signal });
	}
}

function later(seconds: number): number {
	return performance.now() + 1000 * seconds;
}

/** Notes the outcome of a step: its exit status, empty if it was not tried, and its seconds. */
function complete(step: Step, [status, seconds]: string[], log: string): void {
	if (!status) return;
	step.result = status === "0" ? "passed" : "failed";
	step.seconds = Number(seconds);
	// timeout(1) ends with 124.
	if (status !== "0") step.output = `${log}exit status ${status}${status === "124" ? ": too slow" : ""}`;
}
