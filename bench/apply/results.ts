import { aligned, type Result } from "../report.js";
import type { Prepared } from "./prepare.js";
import type { Spent, Stopwatch } from "./processes.js";
import { named } from "./rounds.js";

/** What is to be reached, with what this run has of it. */
export function targets(
	watch: Stopwatch,
	labs: readonly Prepared[],
	programs: ReadonlyMap<Prepared, number | undefined>,
): Result[] {
	const results: Result[] = [];
	const ratio = (what: string, against: string, more: Partial<Result> & { field?: keyof Spent }) => {
		const { field = "wall", ...rest } = more;
		if (!watch.has(what) || !watch.has(against)) return;
		results.push({
			what,
			against,
			measured: watch.median(what, field) / watch.median(against, field),
			...rest,
		});
	};
	for (const lab of labs) {
		const of = (what: string) => named(what, lab);
		const apply = of("apply");
		// What is to be reached is said of labs of a thousand; smaller ones are shown beside them.
		const at = (limit: number) => (lab.namespaces === 1000 ? { limit } : {});
		ratio(apply, of("floor"), at(1.3));
		ratio(of("ip -batch"), apply, { ...at(3), least: true });
		ratio(of("one by one"), apply, { ...at(10), least: true });
		ratio(of("mininet"), apply, { ...at(5), least: true });
		ratio(of("apply with nothing to do"), of("validate"), at(1.5));
		ratio(of("apply the same file"), apply, at(0.1));
		ratio(of("edit"), of("no edit"), at(1.1));
		ratio(of("destroy"), of("floor down"), at(1.3));
		if (lab.namespaces === 1000) results.push(memory(watch, apply));
		const half = { ...lab, namespaces: lab.namespaces / 2 };
		if (watch.has(named("apply", half))) results.push(growth(watch, half, lab));
		const loads = programs.get(lab);
		if (loads !== undefined)
			results.push({
				what: of("programs loaded by apply"),
				against: "distinct ones",
				measured: loads,
				unit: "",
				limit: 1,
			});
	}
	ratio("apply three-routers again", "node", { limit: 2 });
	ratio("apply three-routers again", "node", { limit: 2, field: "cpu", unit: "times its CPU time" });
	return results;
}

function memory(watch: Stopwatch, apply: string): Result {
	return {
		what: apply,
		against: "memory at its peak",
		measured: watch.median(apply, "peak") / 1024,
		unit: "MiB",
		limit: 150,
	};
}

/** How many times as long twice the size takes, against how many times it is for the floor. */
function growth(watch: Stopwatch, half: Pick<Prepared, "shape" | "namespaces">, whole: Prepared): Result {
	const grows = (what: string) => watch.median(named(what, whole)) / watch.median(named(what, half));
	return {
		what: `${named("apply", whole)} over ${half.namespaces}`,
		against: "the floor's growth",
		measured: grows("apply") / grows("floor"),
		limit: 1,
	};
}

/** What each took in this run: to see how the machine was, not to be compared with another one's. */
export function amounts(watch: Stopwatch, labs: readonly Prepared[]): string {
	const whats = [
		"apply",
		"floor",
		"ip -batch",
		"one by one",
		"mininet",
		"apply with nothing to do",
		"apply the same file",
		"validate",
		"destroy",
		"floor down",
	];
	const cell = (what: string, lab: Prepared) =>
		watch.has(named(what, lab)) ? watch.median(named(what, lab)).toPrecision(3) : "";
	return aligned(
		["seconds", ...labs.map(({ shape, namespaces }) => `${shape} ${namespaces}`)],
		whats.map((what) => [what, ...labs.map((lab) => cell(what, lab))]),
	);
}
