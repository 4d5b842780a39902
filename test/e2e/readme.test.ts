import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine, ROOT } from "../machine.js";
import { textOf } from "./lab.js";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The fenced block that follows a marker: `<!-- output: xdp-plan demo.yaml -->`. */
function block(marker: string): string {
	const at = readme.indexOf(`<!-- ${marker} -->\n`);
	if (at < 0) throw new Error(`README.md has no ${marker}`);
	const [, text = ""] = /```\w*\n(.*?)```/s.exec(readme.slice(at)) ?? [];
	return text;
}

const BAD = `name: demo
namespaces:
  router: { forwading: fib }
  uno: { gateway: 10.0.9.1 }
veths:
  - router:uno: 10.0.1.1/24
    uno:veth0: 10.0.1.2
`;

let machine: Machine;
const folder = mkdtempSync(`${tmpdir()}/readme-`);
const demo = `${folder}/demo.yaml`;

beforeAll(async () => {
	machine = await Machine.start();
	writeFileSync(demo, block("example: demo.yaml"));
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true });
});

test("the README's lab has the plan that the README prints, works, and is edited as it says", async () => {
	const { stdout: plan } = await machine.xdp("plan", demo);
	expect(`${plan}\n`).toBe(block("output: xdp-plan demo.yaml"));

	expect(await machine.xdp("apply", demo)).toMatchObject({ exitCode: 0 });
	const ping = await machine.in("uno", "ping", ["-c", "1", "-W", "2", "10.0.2.2"]);
	expect(ping.exitCode).toBe(0);

	expect(await machine.xdp("verify", "demo")).toMatchObject({ exitCode: 0 });

	const mode = "{ mode: map, redirect: { uno: dos, dos: uno } }";
	expect(readme).toContain(`Change \`forwarding: fib\` to \`forwarding: ${mode}\``);
	writeFileSync(demo, readFileSync(demo, "utf8").replace("forwarding: fib", `forwarding: ${mode}`));
	const { stdout: edited } = await machine.xdp("plan", demo);
	expect(`${edited}\n`).toBe(block("output: xdp-plan demo.yaml, edited"));

	expect(await machine.xdp("destroy", "demo")).toMatchObject({ exitCode: 0 });
});

test("the README's test suite passes, and leaves no lab, also with a child that nobody waits for", async () => {
	const run = (code: string) => {
		writeFileSync(`${folder}/test.mjs`, code.replace('"xdp-topology"', `"${ROOT}dist/lib/index.js"`));
		return machine.run("sh", ["-c", `cd ${folder} && exec ${process.execPath} test.mjs`]);
	};
	writeFileSync(demo, block("example: demo.yaml"));
	const example = block("example: test.mjs");
	expect(example).toContain('await lab.exec("uno", "ping", ["-c", "3"');
	expect(await run(example)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
	const careless = example.replace(
		'await lab.exec("uno", "ping", ["-c", "3"',
		'lab.exec("uno", "ping", ["-c", "20"',
	);
	expect(await run(careless)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
	expect(await machine.xdp("status")).toMatchObject({ stdout: "no lab is up" });
});

test("the README's report of mistakes is what a wrong file gets", async () => {
	writeFileSync(`${folder}/bad.yaml`, BAD);
	const { exitCode, stderr } = await machine.xdp("apply", `${folder}/bad.yaml`);
	expect(exitCode).toBe(64);
	expect(`${stderr.replaceAll(`${folder}/`, "")}\n`).toBe(block("output: xdp-apply bad.yaml"));
});

test("the README's program is that of its topology, and a change of it is planned as the README prints", async () => {
	const file = "topologies/port-filter.yaml";
	expect(readFileSync(file, "utf8")).toContain(block(`excerpt: ${file}`));
	expect(await machine.xdp("apply", file)).toMatchObject({ exitCode: 0 });
	const edited = textOf("port-filter.yaml")
		.replace("{ protocol: TCP, port: 443 }", "{ protocol: TCP, port: 80 }")
		.replace("default_action: XDP_DROP", "default_action: XDP_PASS");
	const { stdout: plan } = await machine.xdpWith(edited, "plan");
	expect(`${plan}\n`).toBe(block(`output: xdp-plan ${file}, edited`));
	expect(await machine.xdp("destroy", "port-filter")).toMatchObject({ exitCode: 0 });
});

test("the README's own program drops and counts what it says, and an edit of it is planned as the README prints", async () => {
	const [source, file] = [`${folder}/drop.c`, `${folder}/drop.yaml`];
	writeFileSync(source, block("example: drop.c"));
	expect(readFileSync(source, "utf8")).toBe(readFileSync("docs/ci/drop.c", "utf8"));
	writeFileSync(file, block("example: drop.yaml"));
	expect(await machine.xdp("apply", file)).toMatchObject({ exitCode: 0 });
	expect(await machine.xdp("verify", "starter")).toMatchObject({ exitCode: 0 });
	const before = await dropped();
	const send = /^xdp-exec client -- (bash -c '(.+)')$/m.exec(readme)?.[2] ?? "";
	expect(await machine.in("client", "bash", ["-c", send])).toMatchObject({ exitCode: 0 });
	expect(await dropped()).toBe(before + 1);

	const setting = /`drop-port: ({ source: drop.c, globals: .+})`/.exec(readme)?.[1] ?? "";
	writeFileSync(file, readFileSync(file, "utf8").replace("{ source: drop.c }", setting));
	const { stdout: plan } = await machine.xdp("plan", file);
	expect(`${plan}\n`).toBe(block("output: xdp-plan drop.yaml, edited"));
	expect(await machine.xdp("apply", file)).toMatchObject({ exitCode: 0 });
	expect(await dropped()).toBe(before + 1);
	expect(await machine.xdp("destroy", "starter")).toMatchObject({ exitCode: 0 });
});

/** The program's own counter over all CPUs, as bpftool(8) prints it. */
async function dropped(): Promise<number> {
	const { stdout } = await machine.run("bpftool", ["-j", "map", "dump", "name", "dropped"]);
	const values: { value: number }[] = JSON.parse(stdout)[0].formatted.values;
	return values.reduce((sum, { value }) => sum + value, 0);
}

test("what npm start says to try next can be tried in that order", async () => {
	const start = readFileSync("scripts/start.sh", "utf8").replaceAll("$LAB", "topologies/three-routers.yaml");
	const commands = [...start.matchAll(/\{root\}npx xdp-(apply|destroy) (.+)/g)];
	expect(commands.length).toBeGreaterThan(3);
	expect(await machine.xdp("apply", "topologies/three-routers.yaml")).toMatchObject({ exitCode: 0 });
	for (const [line, name = "", target = ""] of commands)
		expect(await machine.xdp(name, target), line).toMatchObject({ exitCode: 0 });
	expect(await machine.xdp("status")).toMatchObject({ stdout: "no lab is up" });
});

test.each([...readme.matchAll(/\]\(((?!https?:)[^)#]+)\)/g)].map(([, path]) => path))(
	"the README's link to %s leads somewhere",
	(path) => {
		expect(() => readFileSync(new URL(`../../${path}`, import.meta.url))).not.toThrow();
	},
);
