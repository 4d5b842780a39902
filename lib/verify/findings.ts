import { LOOKS, type Scene } from "./looks.js";
import type { Hop, Stage } from "./path.js";

/** What is wrong on the way of packets. */
export interface Findings {
	/** What all packets meet: causes in path order, within a namespace the most certain first. */
	all: string[];
	/** What those packets meet that take one of several equal paths. */
	some: string[];
}

/** @param before whether something is wrong before the packets start, as on the way of what they answer */
export function findOnPath(start: Stage, scene: Scene, before = false): Findings {
	const found = new Map<Hop, string[]>();
	collect(start, scene, found, before);
	const findings = [...new Set([...found.values()].flat())];
	const all = findings.filter((finding) => isMetBy(start, finding, found));
	return { all, some: findings.filter((finding) => !all.includes(finding)) };
}

/** What may be the cause first, each once, as sentences. */
export function causesOf(findings: readonly Findings[]): string[] {
	const all = new Set(findings.flatMap(({ all }) => all));
	const some = new Set(findings.flatMap(({ some }) => some).filter((finding) => !all.has(finding)));
	return [...all, ...Array.from(some, (finding) => `${finding} (on one of several paths)`)];
}

/** @param before whether something was found on the way to the stage */
function collect(stage: Stage, scene: Scene, found: Map<Hop, string[]>, before: boolean): void {
	for (const hop of stage.hops) {
		if (found.has(hop)) continue;
		const findings = findAt(hop, scene, before);
		found.set(hop, findings);
		if (hop.behind) collect(hop.behind, scene, found, before || findings.length > 0);
	}
}

/** What only shows if packets got here is named if nothing else is wrong. */
function findAt(hop: Hop, scene: Scene, before: boolean): string[] {
	if (!hop.unsure || hop.stop === undefined) return LOOKS.flatMap((look) => look(hop, scene) ?? []);
	const others = LOOKS.flatMap((look) => look({ ...hop, stop: undefined }, scene) ?? []);
	return before || others.length > 0 ? others : [hop.stop];
}

/** Whether packets meet a finding whichever of equal paths they take. */
function isMetBy(
	stage: Stage,
	finding: string,
	found: ReadonlyMap<Hop, string[]>,
	known = new Map<Stage, boolean>(),
): boolean {
	const meets = ({ behind }: Hop) => behind !== undefined && isMetBy(behind, finding, found, known);
	const met = known.get(stage) ?? stage.hops.every((hop) => found.get(hop)?.includes(finding) || meets(hop));
	known.set(stage, met);
	return met;
}
