/**
 * The control plane: what it takes to bring a lab up, to find nothing to do, to change it and to take it
 * down, against a floor and against what else does the same. Everything is a ratio within this run, of
 * medians of interleaved rounds.
 */
import { type Prepared, prepare } from "./apply/prepare.js";
import { compile, FOLDER, Stopwatch } from "./apply/processes.js";
import { amounts, targets } from "./apply/results.js";
import { countPrograms, editRounds, mininet, round, scriptRound, smallRounds } from "./apply/rounds.js";
import { among, benchCommand, list, whole } from "./options.js";
import { table, writeJson } from "./report.js";

/** Namespaces up to which scripts of commands are tried in every round, and once. */
const SCRIPTS = { always: 100, once: 1000 };

/** What may be left out. */
const PARTS = ["mininet", "scripts", "edits"] as const;

const options = benchCommand(
	"bench:apply",
	"What bringing labs up, changing them and taking them down costs.",
)
	.option("--sizes <n,...>", "of the labs, in namespaces", list(whole(3)), [3, 100, 1000, 2000])
	.option("--rounds <n>", "of everything, one after the other", whole(1), 5)
	.option("--without <part,...>", `leave out ${PARTS.join(", ")}`, list(among(...PARTS)))
	.addHelpText(
		"after",
		"\nAll of it takes about a quarter of an hour; --sizes 3,100 --rounds 3 a minute or two.",
	)
	.parse()
	.opts<{ sizes: number[]; rounds: number; without?: (typeof PARTS)[number][] }>();
const { sizes, rounds } = options;
const without = new Set(options.without);

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
