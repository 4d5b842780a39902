// One kernel: boots it, follows what guest.sh does there, and notices when nothing comes any more.
import { setTimeout } from "node:timers/promises";
import { start } from "./machine.mjs";

/** Seconds until guest.sh begins. A kernel that does not boot under KVM is silent. */
const BOOT = { kvm: 20, tcg: 240 };

/** Seconds that guest.sh may take between steps, or more than a step's own limit. */
const GRACE = 60;

/**
 * Has guest.sh do its work on a kernel, which is booted by the first accelerator that can.
 * @param {object} options as for start(), but `accelerators`; `signal` ends the work
 * @param {(line: string) => void} tell told one line of progress at a time
 * @returns {Promise<import("./report.mjs").Run>}
 */
export async function run({ accelerators, signal, ...options }, tell) {
	const { kernel } = options;
	const begun = performance.now();
	const tried = [];
	for (const accelerator of accelerators) {
		const machine = start({ ...options, accelerator });
		try {
			const { steps, trouble } = await follow(machine, BOOT[accelerator], signal, tell);
			if (steps.length > 0) {
				const seconds = (performance.now() - begun) / 1000;
				return { kernel, release: machine.read("release").trim(), seconds, steps };
			}
			tell(`no boot by ${accelerator}: ${trouble}`);
			tried.push(`${accelerator}: ${trouble}`);
		} finally {
			await machine.close();
		}
	}
	const seconds = (performance.now() - begun) / 1000;
	const boot = { test: "boot", name: "boot", result: "failed", seconds, output: tried.join("\n") };
	return { kernel, release: "", seconds, steps: [boot] };
}

/**
 * Reads the lines that guest.sh writes, until it is done or nothing comes any more.
 * @returns {Promise<{steps: import("./report.mjs").Step[], trouble?: string}>} all steps that were planned
 */
async function follow(machine, boot, signal, tell) {
	const steps = [];
	let current = 0;
	let seen = 0;
	let deadline = later(boot);
	let ended;
	machine.ended.then((how) => {
		ended = how;
	});
	for (;;) {
		// Whatever was written before QEMU ended can be read now.
		const trouble = ended ?? (performance.now() > deadline ? "nothing comes any more" : undefined);
		const lines = machine.read("rows").split("\n").slice(0, -1);
		for (const line of lines.slice(seen)) {
			const [what, test, name, ...values] = line.split("\t");
			if (what === "done") return { steps };
			deadline = later(GRACE + (what === "begin" ? Number(values[0]) : 0));
			if (what === "plan") steps.push({ test, name, result: "not tried", seconds: 0, output: "" });
			if (what === "end") {
				const step = steps[current];
				current += 1;
				if (step?.test !== test || step.name !== name) throw new Error(`not as planned: ${line}`);
				Object.assign(
					step,
					resultOf(values, () => machine.read(`${current}.log`)),
				);
				tell(lineOf(step));
			}
		}
		seen = lines.length;
		if (trouble !== undefined) return fail(steps, current, `${trouble}\n${machine.console()}`, tell);
		await setTimeout(200, undefined, { signal });
	}
}

function later(seconds) {
	return performance.now() + 1000 * seconds;
}

/** @param {string[]} values the step's exit status, or nothing if it was not tried, and its seconds */
function resultOf([status, seconds], readLog) {
	if (status === "") return {};
	const passed = status === "0";
	return {
		result: passed ? "passed" : "failed",
		seconds: Number(seconds),
		output: passed ? "" : `${readLog()}exit status ${status}${status === "124" ? ": took too long" : ""}`,
	};
}

/** The step at which the kernel panicked, hung or was ended; those after it are not tried. */
function fail(steps, current, trouble, tell) {
	const step = steps[current];
	if (step) {
		Object.assign(step, { result: "failed", output: trouble });
		tell(lineOf(step));
	}
	return { steps, trouble };
}

function lineOf({ test, name, result, seconds, output }) {
	const verdict = result === "passed" ? "passed" : result.toUpperCase();
	return `${verdict.padEnd(9)} ${test}: ${name}${seconds > 0 ? `, ${seconds} s` : ""}${output && `\n${output.trimEnd()}`}`;
}
