import { markOf } from "../../lib/kernel/lab.js";
import type { KernelProgram } from "./programs.js";
import type { EndSteps, Steps } from "./steps.js";

/**
 * What bench/floor.c reads, a step a line: all namespaces with their sysctls, as an interface that is there
 * already would have to be told; all pairs; all that comes before links are up; and then the rest, since a
 * change of the carrier makes the kernel go through all IPv6 routes of its namespace.
 * @param defaults what every namespace is told before it gets its name
 */
export function floorList(
	steps: Steps,
	programs: readonly KernelProgram[],
	defaults: readonly (readonly [name: string, value: string])[],
): string {
	const numbers = new Map(steps.namespaces.map(({ name }, i) => [name, i + 1]));
	const number = (namespace: string) => numbers.get(namespace) ?? 0;
	const half = ({ namespace, index, interface: name, mac }: EndSteps) =>
		`${number(namespace)} ${index} ${name} ${mac}`;
	const lines = [
		...defaults.map(([name, value]) => `default ${path(name)} ${value}`),
		...steps.namespaces.flatMap(({ name, sysctls }) => [
			`netns ${name} ${markOf(steps.lab)}`,
			...sysctls.map(([sysctl, value]) => `sysctl ${path(sysctl)} ${value}`),
		]),
		...steps.pairs.map(([one, other]) => `veth ${half(one)} ${half(other)}`),
		...programs.flatMap(({ name, object, capacities, rodata, label }) => [
			`program ${name} ${object}`,
			...capacities.map(([map, entries]) => `capacity ${map} ${entries}`),
			...(rodata === "" ? [] : [`rodata ${rodata}`]),
			`load ${label}`,
		]),
	];
	for (const { name, ends } of steps.namespaces)
		lines.push(
			`in ${number(name)}`,
			...ends.flatMap(({ interface: link, index, txOff, program, maps }) => [
				...(txOff ? [`tx-off ${link}`] : []),
				...maps.map(({ program, map, port }) => `entry ${program} ${map} ${port} ${index}`),
				// Before it comes up: the queues are then started once.
				`xdp ${index} ${program}`,
				`up ${index}`,
			]),
		);
	for (const { name, ends, routes } of steps.namespaces)
		lines.push(
			`in ${number(name)}`,
			...ends.flatMap(({ index, addresses, neighbors }) => [
				...addresses.map((prefix) => `address ${index} ${prefix.replace("/", " ")}`),
				...neighbors.map(({ ip, mac }) => `neighbor ${index} ${ip} ${mac}`),
			]),
			...routes.map(({ to, via, end }) => `route ${to.replace("/", " ")} ${via} ${end.index}`),
		);
	return `${lines.join("\n")}\n`;
}

function path(sysctl: string): string {
	return `sys/${sysctl.replaceAll(".", "/")}`;
}
