import { readdirSync, readFileSync } from "node:fs";
import { RICH } from "../kernel/rich.js";
import { ROOT } from "../machine.js";

/** What one command does: from one state of a lab to another, of which either may be that there is none. */
export interface Scenario {
	title: string;
	from?: string;
	to?: string;
}

const FILES = readdirSync(`${ROOT}topologies`).filter((file) => file.endsWith(".yaml"));
const read = (file: string) => readFileSync(`${ROOT}topologies/${file}`, "utf8");

/** The same lab with something of everything changed. */
const OTHERWISE = RICH.replace("10.2.0.3/24", "10.2.0.4/24")
	.replace("type: blackhole", "type: prohibit")
	.replace("forwarding: { mode: map, redirect: { uno: a, a: uno } }", "forwarding: fib")
	.replace("xdp: icmp-echo", "xdp: drop")
	.replace("02:00:00:00:00:0a", "02:00:00:00:00:0b")
	.replace("mtu: 1400", "mtu: 1300")
	.replace("arp_ignore: 2", "arp_ignore: 1")
	.replace("gro: true", "gro: false")
	.replace("- host:uno", "- host:one")
	.replace("namespaces:\n", "namespaces:\n  tres:\n");

const LABS: [name: string, text: string][] = [
	...FILES.map((file): [string, string] => [file, read(file)]),
	["a lab with something of everything", RICH],
];

/** From one file to the next of the same lab, in this order and round again. */
const COURSES = [
	["case04-hardcoded.yaml", "case04-map.yaml", "case04-fib.yaml"],
	[
		"packet03-1-icmp-echo.yaml",
		"packet03-2-redirect.yaml",
		"packet03-3-redirect-map.yaml",
		"packet03-4-router.yaml",
	],
].map((files) => files.map((file): [string, string] => [file, read(file)]));

const CHANGES: Scenario[] = [
	...COURSES.flatMap((course) =>
		course.map(([file, from], i): Scenario => {
			const [next, to] = course[(i + 1) % course.length] as [string, string];
			return { title: `from ${file} to ${next}`, from, to };
		}),
	),
	{ title: "from a lab with something of everything to another", from: RICH, to: OTHERWISE },
	{ title: "and back", from: OTHERWISE, to: RICH },
];

/** Every shipped topology and one with something of everything: built up, turned into another, destroyed. */
export const SCENARIOS: Scenario[] = [
	...LABS.map(([name, to]) => ({ title: `building up ${name}`, to })),
	...CHANGES,
	...LABS.map(([name, from]) => ({ title: `destroying ${name}`, from })),
];

/** The name of the lab that a scenario is about. */
export function labOf({ from, to }: Scenario): string {
	return /^name: (.*)$/m.exec(to ?? from ?? "")?.[1] ?? "";
}
