import { expect, test } from "vitest";
import { parseDocument } from "yaml";
import { parseTopology } from "../../../lib/topology/index.js";
import { cpuTime } from "./cpu-time.js";

/** A star: `count` namespaces around the host, two routes in each. */
function star(count: number): string {
	const lines = ["name: star", "namespaces:"];
	for (let index = 0; index < count; index += 1) {
		const [a, b, hex] = [index >> 8, index & 255, index.toString(16)];
		lines.push(
			`  n${index}:`,
			`    gateway: 10.${a}.${b}.1`,
			"    routes:",
			`      - { to: 172.16.${b}.0/24, via: 10.${a}.${b}.1 }`,
			`      - { to: "fc01:${hex}::/64", via: "fc00:${hex}::1" }`,
		);
	}
	lines.push("veths:");
	for (let index = 0; index < count; index += 1) {
		const [a, b, hex] = [index >> 8, index & 255, index.toString(16)];
		lines.push(
			`  - host:h${index}: [10.${a}.${b}.1/24, "fc00:${hex}::1/64"]`,
			`    n${index}:veth0: [10.${a}.${b}.2/24, "fc00:${hex}::2/64"]`,
		);
	}
	return lines.join("\n");
}

test("2,000 namespaces with 4,000 routes take no more than five times what the YAML alone takes", () => {
	const text = star(2000);
	const topology = parseTopology(text, "star.yaml");
	expect(topology.veths).toHaveLength(2000);
	expect(topology.namespaces.flatMap(({ routes }) => routes)).toHaveLength(6000);
	// In turn, so that both share the machine with the same others.
	const rounds = Array.from({ length: 4 }, () => [
		cpuTime(() => parseDocument(text, { uniqueKeys: false })),
		cpuTime(() => parseTopology(text, "star.yaml")),
	]);
	const [yaml = 0, all = 0] = [0, 1].map((i) => Math.min(...rounds.map((round) => round[i] as number)));
	console.info(`${(all / yaml).toFixed(2)} times what the YAML alone takes`);
	expect(all).toBeLessThan(5 * yaml);
});
