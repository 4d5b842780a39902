import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { markOf } from "../../lib/kernel/lab.js";
import type { LabStatus } from "../../lib/status.js";
import { editedStar } from "./labs.js";
import { call, type Prepared } from "./prepare.js";
import { FOLDER, type Stopwatch, xdp } from "./processes.js";

/** How a measurement of one lab is called: `apply star 1000`. */
export function named(what: string, { shape, namespaces }: Pick<Prepared, "shape" | "namespaces">): string {
	return `${what} ${shape} ${namespaces}`;
}

/** One round of the product and of the floor, each from nothing and back to nothing. */
export function round(watch: Stopwatch, floor: string, lab: Prepared): void {
	const { shape, file, commented, list } = lab;
	watch.run(named("apply", lab), xdp("apply", "-q", file));
	watch.run(named("apply the same file", lab), xdp("apply", "-q", file));
	watch.run(named("apply with nothing to do", lab), xdp("apply", "-q", commented));
	watch.run(named("validate", lab), xdp("validate", "-q", file));
	watch.run(named("destroy", lab), xdp("destroy", "-q", shape));
	watch.run(named("floor", lab), [floor, "up", list]);
	requireSame(file, "bench/floor.c");
	watch.run(named("floor down", lab), [floor, "down", markOf(shape)]);
}

/** One round of what scripts of commands take; the floor tidies up. */
export function scriptRound(watch: Stopwatch, floor: string, lab: Prepared): void {
	for (const [what, script] of [
		["ip -batch", lab.batched],
		["one by one", lab.oneByOne],
	] as const) {
		watch.run(named(what, lab), ["sh", script]);
		call(["rm", "-r", "/sys/fs/bpf/bench"]);
		call([floor, "down", markOf(lab.shape)]);
	}
}

/** Whether what somebody made is what the topology says: there is nothing to do for the product. */
function requireSame(file: string, who: string): void {
	const { status, stdout } = spawnSync(xdp("plan", "--detailed-exitcode", file).join(" "), {
		shell: true,
		encoding: "utf8",
	});
	if (status !== 0) throw new Error(`${who} has not made the same:\n${stdout.slice(0, 2000)}`);
}

/** Rounds of one redirect, one route and one program changed, and back. */
export function editRounds(watch: Stopwatch, namespaces: number, rounds: number): void {
	const lab = { shape: "star", namespaces } as const;
	const files = editedStar(namespaces).map((text, i) => {
		const file = `${FOLDER}/edited-${i}.yaml`;
		writeFileSync(file, text);
		writeFileSync(`${file}.commented.yaml`, `${text}# the same\n`);
		return file;
	});
	call(xdp("apply", "-q", files[0] ?? ""));
	for (let i = 0; i < rounds; i++)
		for (const file of files.toReversed()) {
			watch.run(named("edit", lab), xdp("apply", "-q", file));
			watch.run(named("no edit", lab), xdp("apply", "-q", `${file}.commented.yaml`));
		}
	call(xdp("destroy", "-q", "star"));
}

/** Rounds of a lab of six namespaces that is up already, and of Node.js doing nothing. */
export function smallRounds(watch: Stopwatch, rounds: number): void {
	const file = "topologies/three-routers.yaml";
	call(xdp("apply", "-q", file));
	for (let i = 0; i < rounds; i++) {
		watch.run("node", [process.execPath, "-e", "0"]);
		watch.run("apply three-routers again", xdp("apply", "-q", file));
	}
	call(xdp("destroy", "-q", "three-routers"));
}

/** How many programs a lab has loaded. */
export function countPrograms(lab: Prepared): number {
	call(xdp("apply", "-q", lab.file));
	const { namespaces } = JSON.parse(call(xdp("status", "--json", lab.shape))) as LabStatus;
	call(xdp("destroy", "-q", lab.shape));
	return new Set(namespaces.flatMap(({ ends }) => ends.flatMap(({ xdp }) => xdp.map(({ id }) => id)))).size;
}

/** Debian's mininet builds the star. @returns false where it is not installed */
export function mininet(watch: Stopwatch, namespaces: number): boolean {
	const { status, stdout } = spawnSync("/usr/bin/python3", ["bench/apply/star.py", String(namespaces)], {
		encoding: "utf8",
	});
	if (status !== 0) return false;
	const wall = Number(stdout.trim().split("\n").at(-1));
	watch.add(named("mininet", { shape: "star", namespaces }), { wall, cpu: Number.NaN, peak: Number.NaN });
	return true;
}
