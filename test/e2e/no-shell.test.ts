import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { pair } from "./star.js";

let machine: Machine;
let folder: string;
beforeAll(async () => {
	machine = await Machine.start();
	folder = mkdtempSync("/tmp/xdp-topology-");
});
afterAll(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});

test("no shell is given what a user says: names of files, of sources, and commands", async () => {
	const command = `touch "${folder.replaceAll("/", "$PWD/")}"pwned`;
	const name = `-x; touch pwned; $(touch pwned) \`touch pwned\` | ${command.replaceAll("/", " ")} &\n`;
	const inner = join(folder, name);
	mkdirSync(inner);
	writeFileSync(
		join(inner, `${name}.c`),
		'__attribute__((section("xdp"))) int pass(void *context) { return 2; }\n',
	);
	const text = pair("lab")
		.replace("xdp: icmp-echo", "xdp: own")
		.replace("veths:", `programs: { own: { source: ${JSON.stringify(`${name}.c`)} } }\nveths:`);
	writeFileSync(join(inner, "lab.yaml"), text);
	const apply = await machine.xdp("apply", "-q", join(inner, "lab.yaml"));
	expect(apply).toEqual({ exitCode: 0, stdout: "", stderr: "" });
	expect(await machine.xdp("exec", "lab", "--", "printf", "%s", name)).toMatchObject({
		stdout: name.trimEnd(),
	});
	expect(await machine.xdp("exec", "lab", "--", name)).toMatchObject({ exitCode: 127 });
	expect(await machine.xdp("graph", "lab", "-o", join(inner, `${name}.svg`))).toMatchObject({ exitCode: 0 });
	expect(await machine.xdp("destroy", "-q", join(inner, "lab.yaml"))).toMatchObject({ exitCode: 0 });
	expect(readdirSync(folder)).toEqual([name]);
	expect(readdirSync(inner).sort()).toEqual([`${name}.c`, `${name}.svg`, "lab.yaml"].sort());
	expect((await machine.run("find", [".", "-maxdepth", "2", "-name", "pwned*"])).stdout).toBe("");
});
