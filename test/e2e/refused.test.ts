import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { snapshot } from "./snapshot.js";

let machine: Machine;
const folder = mkdtempSync("/tmp/xdp-topology-");
const file = join(folder, "own.yaml");

const SOURCE = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp") int NAME(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data;

	BODY
}
`;
const source = (name: string, body: string) => {
	writeFileSync(join(folder, `${name}.c`), SOURCE.replace("NAME", name).replace("BODY", body));
};

beforeAll(async () => {
	machine = await Machine.start();
	source("drop9999", "return data[13] ? XDP_PASS : XDP_DROP;");
	writeFileSync(
		file,
		`name: own
namespaces:
  uno:

programs:
  drop9999:
    source: drop9999.c

veths:
  - host:uno: { addresses: 10.11.1.1/24, xdp: drop9999 }
    uno:veth0: { addresses: 10.11.1.2/24 }
`,
	);
});
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});

describe("a program that the verifier refuses", () => {
	const MESSAGE = `${file}:7:13: the kernel's verifier rejects \`drop9999\`: invalid access to packet, off=13 (drop9999.c:8)`;

	test.each(["plan", "apply"])("is status 1 of xdp-%s, and nothing was touched", async (command) => {
		const before = await snapshot(machine);
		const { exitCode, stdout, stderr } = await machine.xdp(command, file);
		expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 1, stdout: "" });
		const [first, hint, ...log] = stderr.split("\n");
		expect(first).toBe(`error: ${MESSAGE}`);
		expect(hint).toContain("data_end");
		expect(log).toContainEqual(
			expect.stringMatching(/^ {4}; return data\[13\] \? XDP_PASS : XDP_DROP; @ drop9999\.c:8$/),
		);
		expect(await snapshot(machine)).toEqual(before);
	});

	test.each(["plan", "apply"])("is a document of xdp-%s --json", async (command) => {
		const { exitCode, stdout } = await machine.xdp(command, "--json", file);
		expect(exitCode).toBe(1);
		expect(JSON.parse(stdout)).toEqual({
			refused: [
				{
					program: "drop9999",
					at: { file, line: 7, column: 13 },
					byVerifier: true,
					reason: "invalid access to packet, off=13",
					source: { file: "drop9999.c", line: 8, text: "return data[13] ? XDP_PASS : XDP_DROP;" },
					hint: expect.stringContaining("data_end"),
					excerpt: expect.stringContaining("R1 offset is outside of the packet"),
					log: expect.stringContaining("processed 2 insns"),
				},
			],
		});
	});
});
