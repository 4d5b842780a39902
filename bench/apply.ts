/**
 * The control plane: what it takes to bring a lab up, to find nothing to do, to change it and to take it
 * down, against a floor and against what else does the same. Everything is a ratio within this run, of
 * medians of interleaved rounds.
 *
 *   npm run bench:apply -- [--sizes 3,100,1000,2000] [--rounds 5] [--without mininet,scripts,edits]
 *
 * All of it takes about a quarter of an hour; `--sizes 3,100 --rounds 3` a minute.
 */
import { parseArgs } from "node:util";
import { type Prepared, prepare } from "./apply/prepare.js";
import { compile, FOLDER, Stopwatch } from "./apply/processes.js";
import { amounts, targets } from "./apply/results.js";
import { countPrograms, editRounds, mininet, round, scriptRound, smallRounds } from "./apply/rounds.js";
import { table, writeJson } from "./report.js";

/** Namespaces up to which scripts of commands are tried in every round, and once. */
const SCRIPTS = { always: 100, once: 1000 };

const { values } = parseArgs({
	options: {
		sizes: { type: "string", default: "3,100,1000,2000" },
		rounds: { type: "string", default: "5" },
		without: { type: "string", default: "" },
	},
});
const sizes = values.sizes.split(",").map(Number);
const rounds = Number(values.rounds);
const without = new Set(values.without.split(","));

const note = (text: string) => process.stderr.write(`${text}\n`);
const watch = new Stopwatch();
const floor = compile("floor.c", "-lbpf");
const labs = sizes.flatMap((size): Prepared[] => [prepare("star", size), prepare("ring", size)]);
const programs = new Map(labs.map((lab) => [lab, lab.shape === "ring" ? countPrograms(lab) : undefined]));
for (let i = 0; i < rounds; i++) {
	note(`round ${i + 1} of ${rounds}`);
	for (const lab of labs) {
		round(watch, floor, lab);
		const most = i === 0 ? SCRIPTS.once : SCRIPTS.always;
		if (lab.namespaces <= most && !without.has("scripts")) scriptRound(watch, floor, lab);
	}
}
smallRounds(watch, 3 * rounds);
const largest = sizes.filter((size) => size <= 1000).at(-1) ?? 3;
if (!without.has("edits")) editRounds(watch, Math.max(largest, 10), rounds);
if (!without.has("mininet") && !mininet(watch, largest))
	note("mininet is not there: apt-get install mininet");

const results = targets(watch, labs, programs);
process.stdout.write(`${table(results)}\n\n${amounts(watch, labs)}\n`);
writeJson(`${FOLDER}/apply.json`, { rounds, results, spent: watch });
