import { type Command, InvalidArgumentError } from "commander";
import { InterruptedError, UsageError } from "../errors.js";
import { statsText } from "../stats/render.js";
import { type Stats, stats, watchStats } from "../stats.js";
import { type CommonOptions, command } from "./main.js";
import { note, printJson, useColor } from "./output.js";
import { redraw } from "./redraw.js";
import { interruptible } from "./signals.js";

interface Options extends CommonOptions {
	/** Seconds; or, where no number follows, what does: a target. */
	watch?: number | string | true;
	count?: number;
}

/** `xdp-stats [LAB | NS:IF …]` */
export function statsCommand(name: string): Command {
	return command(
		name,
		"Show what XDP programs did with packets, by interface and action. Without an argument: in the one lab that is up.",
		`${name}\n${name} three-routers\n${name} r1:uno r1:r2 host:uno\n${name} --watch 1 three-routers\n${name} --json --watch --count 10 r1:uno`,
		"also print each program's tag, and the map that was read",
	)
		.argument("[lab|ns:if...]", "labs that are up, and interfaces of theirs: NAMESPACE:INTERFACE")
		.option("-w, --watch [seconds]", "go on, a sample every so many seconds (2)", secondsOrTarget)
		.option("-c, --count <number>", "end a watch after so many samples", whole)
		.addHelpText("after", HELP)
		.action(async (targets: string[], options: Options) => {
			const { watch } = options;
			if (watch === undefined && options.count !== undefined)
				throw new UsageError("--count goes with --watch");
			const named = typeof watch === "string" ? [watch, ...targets] : targets;
			await interruptible(async (signal) => {
				if (watch === undefined) show(await stats(named, { signal }), options);
				else await follow(named, options, signal);
			});
		});
}

/** Watches until the count, the reader, the labs or a signal end it. */
async function follow(targets: string[], { watch, count, ...options }: Options, signal: AbortSignal) {
	const ended = AbortSignal.any([signal, readerGone()]);
	let shown = 0;
	for await (const sample of watchStats(targets, {
		...(typeof watch === "number" && { interval: watch }),
		...(count !== undefined && { count }),
		signal: ended,
	})) {
		show(sample, options, true);
		shown++;
	}
	// Ctrl-C is how a watch ends; whoever sends SIGTERM wants to see that it was that.
	if (signal.reason === "SIGTERM") throw new InterruptedError(signal.reason);
	if (!ended.aborted && shown !== count && !options.quiet) note("the interfaces are gone");
}

const HELP = `
Rates are taken over the period that each row states: a quarter of a second for the first sample, and from
then on what --watch says. On a terminal a watch draws in place, elsewhere it goes on below; with --json it
prints a document a line. Built-in programs count by themselves, since they were loaded. Of any other the
interface's own counters are shown, marked (veth): those that ethtool -S has.

Exit status: 0, also of a watch that Ctrl-C (SIGINT) ended; 64 where no such lab or interface is up; 143
after SIGTERM; 130 where SIGINT came before a sample without --watch was done.`;

function show(sample: Stats, { json, quiet, verbose = false }: CommonOptions, watching = false): void {
	if (json) printJson(sample);
	if (json || quiet) return;
	const text = statsText(sample.interfaces, { color: useColor(process.stdout), verbose });
	if (!watching) process.stdout.write(text);
	else if (process.stdout.isTTY) process.stdout.write(redraw(`${sample.time}\n\n${text}`, process.stdout));
	else process.stdout.write(`${sample.time}\n\n${text}\n`);
}

/** Aborted when whoever reads has stopped, as head(1) does. */
function readerGone(): AbortSignal {
	const controller = new AbortController();
	process.stdout.once("error", () => controller.abort());
	return controller.signal;
}

/** `--watch three-routers`: what follows may be a target as well. */
function secondsOrTarget(text: string): number | string {
	const seconds = Number(text);
	if (text.trim() === "" || Number.isNaN(seconds)) return text;
	const LONGEST = 2 ** 31 / 1000; // of a timer
	if (seconds <= 0 || seconds >= LONGEST) throw new InvalidArgumentError("A number of seconds above 0.");
	return seconds;
}

function whole(text: string): number {
	if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("A whole number above 0.");
	return Number(text);
}
