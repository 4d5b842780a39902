import { type Command, InvalidArgumentError } from "commander";
import { InterruptedError, UsageError } from "../errors.js";
import { interruptible } from "../signals.js";
import { openMetricsText } from "../stats/openmetrics.js";
import { statsText } from "../stats/render.js";
import { type Stats, stats, watchStats } from "../stats.js";
import { printableLines } from "../topology/printable.js";
import { type CommonOptions, command } from "./main.js";
import { note, printJson, useColor } from "./output.js";
import { redraw } from "./redraw.js";
import { isFile, labOf } from "./target.js";

interface Options extends CommonOptions {
	/** Seconds; or, where no number follows, what does: a target. */
	watch?: number | string | true;
	count?: number;
	long?: boolean;
	openmetrics?: boolean;
}

/** `xdp-stats [LAB | NS:IF …]` */
export function statsCommand(name: string): Command {
	return command(
		name,
		"Show what XDP programs did with packets: a line an interface, packets by verdict. Without an argument: in the one lab that is up.",
		[
			`${name}`,
			`${name} three-routers`,
			`${name} r1:uno r1:r2 host:uno`,
			`${name} --watch 1 three-routers`,
			`${name} --long r1:uno`,
			`${name} --json --watch --count 10 r1:uno`,
			`${name} --openmetrics > /var/lib/prometheus/node-exporter/xdp.prom`,
		].join("\n"),
		"also print each program's mode, id and tag, and the map that was read",
	)
		.argument(
			"[lab|ns:if...]",
			"labs that are up, and interfaces of theirs: NAMESPACE:INTERFACE, or INTERFACE alone if only one has that name",
		)
		.option("-w, --watch [seconds]", "go on, a sample every so many seconds (2)", secondsOrTarget)
		.option("-c, --count <number>", "end a watch after so many samples", whole)
		.option("-l, --long", "five rows an interface, with bytes and bits: those of the tutorial's xdp_stats")
		.option("--openmetrics", "print the counters as OpenMetrics text, for Prometheus")
		.addHelpText("after", HELP)
		.action(async (targets: string[], options: Options) => {
			const { watch } = options;
			if (watch === undefined && options.count !== undefined)
				throw new UsageError("--count goes with --watch");
			if (options.openmetrics && (watch !== undefined || options.json))
				throw new UsageError(`--openmetrics or ${options.json ? "--json" : "--watch"}: not both`);
			const named = (typeof watch === "string" ? [watch, ...targets] : targets).map((target) =>
				isFile(target) ? labOf(target) : target,
			);
			await interruptible(async (signal) => {
				// Rates take time, and OpenMetrics has none.
				const period = options.openmetrics ? { period: 0 } : {};
				if (watch === undefined) show(await stats(named, { signal, ...period }), options);
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
Rates are taken over a quarter of a second for the first sample, and from then on over what --watch says. On a
terminal a watch draws in place and names the interfaces that it has no room for; elsewhere it goes on below.
With --json it prints a document a line. Built-in programs count by themselves, since they were loaded. Of any
other program the interface's own counters are shown, marked (veth): those that ethtool -S has.

Exit status: 0, also of a watch that Ctrl-C (SIGINT) ended; 64 where no such lab or interface is up; 143
after SIGTERM; 130 where SIGINT came before a sample without --watch was done.`;

function show(sample: Stats, options: Options, watching = false): void {
	const { json, quiet, openmetrics, verbose = false, long = false } = options;
	const { interfaces, time } = sample;
	const { isTTY } = process.stdout;
	// A terminal without a size, as `docker run -t` may give, says 0.
	const [columns, rows] = [process.stdout.columns || 80, process.stdout.rows || 24];
	const text = { long, verbose, color: useColor(process.stdout), ...(isTTY && { columns }) };
	if (json) printJson(sample);
	else if (quiet) return;
	else if (openmetrics) {
		const metrics = openMetricsText(interfaces);
		process.stdout.write(isTTY ? printableLines(metrics) : metrics);
	} else if (!watching) process.stdout.write(statsText(interfaces, text));
	else if (isTTY) {
		// The time, an empty line, and the cursor's line at the end.
		const room = { rows: rows - 3, columns };
		process.stdout.write(redraw(`${time}\n\n${statsText(interfaces, { ...text, room })}`));
	} else process.stdout.write(`${time}\n\n${statsText(interfaces, text)}\n`);
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
