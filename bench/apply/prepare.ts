import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { deviations } from "../../lib/kernel/fresh.js";
import { inFresh } from "../../lib/kernel/netns.js";
import { Sysctls } from "../../lib/kernel/sysctl.js";
import { floorList } from "./floor-list.js";
import { lab, type Shape } from "./labs.js";
import { FOLDER, xdp } from "./processes.js";
import { readPrograms } from "./programs.js";
import { batched, oneByOne } from "./scripts.js";
import { stepsOf } from "./steps.js";

/** The files that one lab is measured with. */
export interface Prepared {
	shape: Shape;
	namespaces: number;
	/** The topology, and the same with a comment after it. */
	file: string;
	commented: string;
	/** What bench/floor.c reads. */
	list: string;
	/** Scripts for sh(1): of one `ip -batch` a namespace, and of one process a step. */
	batched: string;
	oneByOne: string;
}

/** Writes what a lab is measured with. The programs are as the product loads them, for which it is up once. */
export function prepare(shape: Shape, namespaces: number): Prepared {
	const folder = `${FOLDER}/${shape}-${namespaces}`;
	mkdirSync(folder, { recursive: true });
	const write = (name: string, text: string) => {
		writeFileSync(`${folder}/${name}`, text);
		return `${folder}/${name}`;
	};
	const text = lab(shape, namespaces);
	const file = write("lab.yaml", text);
	const steps = stepsOf(text);
	call(xdp("apply", "-q", file));
	const one = new Map(steps.pairs.flat().map((end) => [end.program, end]));
	const programs = readPrograms([...one.values()]);
	call(xdp("destroy", "-q", shape));
	const batches = batched(steps, programs, folder);
	for (const [name, lines] of batches.batches) write(name, lines);
	return {
		shape,
		namespaces,
		file,
		commented: write("commented.yaml", `${text}# the same\n`),
		list: write("list", floorList(steps, programs, readDeviations())),
		batched: write("batched.sh", batches.script),
		oneByOne: write("one-by-one.sh", oneByOne(steps, programs)),
	};
}

/** What a namespace has to be told, as the product finds it. */
function readDeviations() {
	const sysctls = new Sysctls();
	try {
		return inFresh(() => deviations(sysctls));
	} finally {
		sysctls.close();
	}
}

/** Runs a command that has to succeed. @returns what it prints */
export function call([command = "", ...args]: readonly string[]): string {
	return execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
}
