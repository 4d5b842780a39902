import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { apply, destroy, loadTopology } from "../../lib/index.js";
import { RICH } from "../kernel/rich.js";
import type { Kernel } from "../kernel/sandbox.js";
import { ROOT } from "../machine.js";
import { type Stop, type Stopped, stopped } from "./boundary.js";
import { outcome, settled, startAfresh } from "./system.js";

/** What one command does: from one file to another of the same lab, of which either may be none. */
export interface Scenario {
	title: string;
	/** Paths. */
	from?: string;
	to?: string;
}

/** Files that are not shipped. */
const folder = mkdtempSync("/tmp/xdp-topology-");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

/** With a program of its own, whose maps are pinned. */
const PINNED = (limit: number) => `name: pinned
namespaces:
  uno:
programs:
  limiter:
    source: ${ROOT}topologies/programs/rate-limiter.bpf.c
    include: [${ROOT}bpf]
    pin: /sys/fs/bpf/pinned/limiter
    maps: { limits4: { entries: [{ key: 10.11.0.0/24, value: { rate: ${limit}, burst: 0 } }] } }
veths:
  - host:uno: { addresses: [10.11.0.1/24], xdp: limiter }
    uno:veth0: 10.11.0.2/24
`;

const shipped = readdirSync(`${ROOT}topologies`).filter((file) => file.endsWith(".yaml"));
const pathOf = (file: string) => `${ROOT}topologies/${file}`;
const rich = write("something-of-everything.yaml", RICH);
/** The same lab with something of everything changed. */
const otherwise = write(
	"otherwise.yaml",
	RICH.replace("10.2.0.3/24", "10.2.0.4/24")
		.replace("type: blackhole", "type: prohibit")
		.replace("forwarding: { mode: map, redirect: { uno: a, a: uno } }", "forwarding: fib")
		.replace("xdp: icmp-echo", "xdp: drop")
		.replace("02:00:00:00:00:0a", "02:00:00:00:00:0b")
		.replace("mtu: 1400", "mtu: 1300")
		.replace("arp_ignore: 2", "arp_ignore: 1")
		.replace("gro: true", "gro: false")
		.replace("- host:uno", "- host:one")
		.replace("namespaces:\n", "namespaces:\n  tres:\n"),
);
const pinned = write("pinned.yaml", PINNED(1000));
const files = [...shipped.map(pathOf), rich, pinned];
const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** From one file to the next, and from the last to the first. */
const COURSES = [
	...[
		"case04-hardcoded case04-map case04-fib",
		"packet03-1-icmp-echo packet03-2-redirect packet03-3-redirect-map packet03-4-router",
	].map((course) => course.split(" ").map((name) => pathOf(`${name}.yaml`))),
	[rich, otherwise],
	[pinned, write("pinned-otherwise.yaml", PINNED(2000).replace("bpf/pinned/limiter", "bpf/pinned/other"))],
];

/** Every shipped topology and some that have more: built up, turned into another, destroyed. */
export const SCENARIOS: Scenario[] = [
	...files.map((to) => ({ title: `building up ${nameOf(to)}`, to })),
	...COURSES.flatMap((course) =>
		course.map((from, i): Scenario => {
			const to = course[(i + 1) % course.length] ?? from;
			return { title: `from ${nameOf(from)} to ${nameOf(to)}`, from, to };
		}),
	),
	...files.map((from) => ({ title: `destroying ${nameOf(from)}`, from })),
];

/** The name of the lab that a scenario is about. */
export function labOf({ from, to }: Scenario): string {
	return /^name: (.*)$/m.exec(readFileSync(to ?? from ?? "", "utf8"))?.[1] ?? "";
}

export async function applyFile(path: string): Promise<void> {
	await apply(await loadTopology(path));
}

/** Makes the machine what it is before the scenario's command. */
export async function prepare({ from }: Scenario): Promise<void> {
	startAfresh();
	if (from !== undefined) await applyFile(from);
}

/** Runs the scenario's command, up to a call of it. */
export function run(scenario: Scenario, stop: Stop): Stopped {
	return scenario.to === undefined
		? stopped(stop, "destroy", [labOf(scenario)])
		: stopped(stop, "apply", [scenario.to]);
}

const outcomes = new Map<string, Kernel>();

/** What a file comes to on a machine that has seen nothing else. */
export async function fresh(path: string): Promise<Kernel> {
	const known = outcomes.get(path);
	if (known) return known;
	await prepare({ title: "", from: path });
	const result = await settled(outcome);
	await destroy(labOf({ title: "", from: path }));
	outcomes.set(path, result);
	return result;
}
