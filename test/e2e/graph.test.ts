import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine, NOBODY } from "../machine.js";

const FILE = "topologies/three-routers.yaml";

let machine: Machine;
const folder = mkdtempSync(`${tmpdir()}/graph-`);

beforeAll(async () => {
	machine = await Machine.start();
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true });
});

test("the command prints the README's picture", async () => {
	const { exitCode, stdout, stderr } = await machine.xdp("graph", FILE);
	expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
	expect(`${stdout}\n`).toBe(readFileSync("docs/three-routers.svg", "utf8"));
});

test("a file needs no root", async () => {
	const nobody = [...NOBODY, process.execPath];
	const { exitCode, stdout } = await machine.run("setpriv", [...nobody, "dist/bin/xdp-graph.js", FILE]);
	expect(exitCode).toBe(0);
	expect(stdout).toContain("<svg");
});

test.each([
	["svg", /^<svg /],
	["dot", /^graph "three-routers"/],
	["gv", /^graph "three-routers"/],
	["mmd", /^flowchart LR/],
	["png", /^.PNG\r\n/],
])("-o writes a file in the format that .%s stands for", async (ending, start) => {
	const file = `${folder}/picture.${ending}`;
	expect(await machine.xdp("graph", FILE, "-o", file)).toEqual({ exitCode: 0, stdout: "", stderr: "" });
	expect(readFileSync(file, "latin1")).toMatch(start);
});

test("--format has the last word over a file's ending", async () => {
	const file = `${folder}/picture.txt`;
	expect(await machine.xdp("graph", FILE, "-f", "dot", "-o", file)).toMatchObject({ exitCode: 0 });
	expect(readFileSync(file, "utf8")).toMatch(/^graph /);
});

test("xdp-topology graph is the same command", async () => {
	const { stdout } = await machine.xdp("topology", "graph", "--format", "mermaid", FILE);
	expect(stdout).toMatch(/^flowchart LR/);
});

test.each([
	["a lab that is not up", ["nowhere"], /no lab nowhere is up/],
	["a file that is not there", ["./nowhere.yaml"], /no such file/],
	["an ending that is no format's", [FILE, "-o", "picture.jpeg"], /no format ends in \.jpeg/],
	["a folder that is not there", [FILE, "-o", "nowhere/picture.svg"], /cannot be written: ENOENT/],
	["a format that is none", [FILE, "--format", "gif"], /Allowed choices are svg, dot, mermaid, png/],
])("%s is a mistake of the command line", async (_, args, message) => {
	const { exitCode, stderr, stdout } = await machine.xdp("graph", ...args);
	expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
	expect(stderr).toMatch(message);
});

test("a lab is for root only, and a user is told so", async () => {
	const nobody = [...NOBODY, process.execPath];
	const { exitCode } = await machine.run("setpriv", [...nobody, "dist/bin/xdp-graph.js", "three-routers"]);
	expect(exitCode).toBe(77);
});

test("the picture of a lab that is up shows what ip has done to it", async () => {
	expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
	expect(await texts("three-routers")).toContain("three-routers, live: as applied");

	await machine.run("ip", ["-n", "r1", "link", "set", "uno", "mtu", "1400"]);
	await machine.run("ip", ["-n", "r2", "link", "set", "r3", "xdp", "off"]);
	await machine.run("ip", ["-n", "r3", "link", "set", "r1", "down"]);
	await machine.run("ip", ["-n", "tres", "address", "add", "10.9.9.9/24", "dev", "veth0"]);
	await machine.run("ip", ["netns", "delete", "dos"]);
	const drifted = await texts("three-routers");
	expect(drifted).toEqual(
		expect.arrayContaining([
			"mtu 1400 → 1500",
			"missing xdp fib",
			"down",
			"state down → up",
			"unwanted address 10.9.9.9/24",
			"gone",
		]),
	);
	const { stdout } = await machine.xdp("graph", "--json", "three-routers");
	const dos = JSON.parse(stdout).namespaces.find(({ name }: { name: string }) => name === "dos");
	expect(dos).toMatchObject({ gone: true, ends: [{ interface: "veth0", gone: true }] });

	const png = `${folder}/live.png`;
	expect(await machine.xdp("graph", "three-routers", "-o", png)).toMatchObject({ exitCode: 0 });
	const header = readFileSync(png);
	expect(header.toString("latin1", 1, 4)).toBe("PNG");
	expect(header.readUInt32BE(16)).toBeGreaterThan(1000);

	expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
	expect(await texts("three-routers")).toContain("three-routers, live: as applied");
	expect(await machine.xdp("destroy", "three-routers")).toMatchObject({ exitCode: 0 });
});

/** The texts in the SVG of a lab, by a parser that is not ours. */
async function texts(lab: string): Promise<string[]> {
	const { stdout: svg } = await machine.xdp("graph", lab);
	const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
print(json.dumps([one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]))`;
	const { stdout } = await execa("/usr/bin/python3", ["-c", script], { input: svg });
	return JSON.parse(stdout).map((text: string) => text.replaceAll("\u00a0", " "));
}
