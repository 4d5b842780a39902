import { execFileSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine, ROOT } from "../machine.js";

const folder = mkdtempSync(join(tmpdir(), "package-"));
const installed = join(folder, "node_modules/xdp-topology");
let files: string[] = [];
let manifest: { bin: Record<string, string>; dependencies: Record<string, string> };

const npm = (...args: string[]) =>
	execFileSync("npm", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const text = (file: string) => readFileSync(join(installed, file), "utf8");

/** As `npm install` of the packed file does, but that the dependencies are links to those of the project. */
beforeAll(() => {
	const [{ filename }] = JSON.parse(
		npm("pack", "--ignore-scripts", "--json", "--pack-destination", folder),
	) as [{ filename: string }];
	mkdirSync(installed, { recursive: true });
	execFileSync("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
	const [, ...packages] = npm("ls", "--omit=dev", "--all", "--parseable").trim().split("\n");
	for (const path of new Set(packages)) {
		const link = join(folder, relative(ROOT, path));
		if (link.includes("node_modules", folder.length + "/node_modules".length)) continue;
		mkdirSync(join(link, ".."), { recursive: true });
		symlinkSync(path, link);
	}
	files = readdirSync(installed, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(installed, join(entry.parentPath, entry.name)));
	manifest = JSON.parse(text("package.json"));
	writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("the packed package", () => {
	test("has every file that its manifest names, the licences, and what the README links to", () => {
		const links = [...text("README.md").matchAll(/\]\(((?!https?:)[^)#]+)\)/g)].map(([, path = ""]) => path);
		expect(links.length).toBeGreaterThan(10);
		const named = [
			...Object.values(manifest.bin),
			"dist/lib/index.js",
			"dist/lib/index.d.ts",
			"dist/verify/peer.js",
		];
		const licences = ["LICENSE", "bpf/COPYING", "dist/fonts/LICENSE", "dist/THIRD-PARTY-NOTICES.txt"];
		const missing = [...named, ...licences, ...links].filter(
			(path) => !files.some((file) => file === path || file.startsWith(`${path.replace(/\/$/, "")}/`)),
		);
		expect(missing).toEqual([]);
	});

	test("has no sources, tests, benches, scripts or source maps", () => {
		const known = /^(?:dist\/(?:bin|bpf|chunks|fonts|lib|verify)|bpf|docs|schemas|shell|topologies)\//;
		const odd = files.filter((file) => !known.test(file) && file.includes("/"));
		expect(odd).toEqual(["dist/THIRD-PARTY-NOTICES.txt"]);
		expect(files.filter((file) => /\.map$|(?<!\.d)\.ts$|\.test\.ts$|\.built$/.test(file))).toEqual([]);
		expect(files.filter((file) => file.startsWith("shell/activate"))).toEqual([]); // of a checkout
		const referring = files.filter((file) => text(file).includes("sourceMappingURL="));
		expect(referring).toEqual([]);
	});

	test("says nothing of the machine that built it", () => {
		const paths = [ROOT, process.env["HOME"] ?? "/root/", tmpdir()].filter((path) => path.length > 4);
		const built = files.filter((file) => file.startsWith("dist/"));
		expect(built.length).toBeGreaterThan(50);
		const telling = built.filter((file) => {
			const bytes = readFileSync(join(installed, file));
			return [ROOT.replace(/\/$/, ""), ...paths].some((path) => bytes.includes(path) && path !== tmpdir());
		});
		expect(telling).toEqual([]);
	});

	test("has the licence of everything that its commands have taken in", () => {
		const sources = readdirSync(`${ROOT}lib`, { recursive: true, encoding: "utf8" }).filter((name) =>
			name.endsWith(".ts"),
		);
		const imported = new Set(
			sources.flatMap((name) =>
				[
					...readFileSync(`${ROOT}lib/${name}`, "utf8").matchAll(
						/^(?:import (?!type )|\} )[^;]*?from "([@\w][^":]*)";$/gm,
					),
				].map(([, specifier = ""]) => specifier),
			),
		);
		const outside = new Set(Object.keys(manifest.dependencies));
		// Read from one file, since every command begins with it.
		outside.delete("yaml");
		outside.delete("fastest-levenshtein");
		const bundled = [...imported].filter((name) => !outside.has(name));
		expect(bundled.sort()).toEqual(["commander", "fastest-levenshtein", "yaml"]);
		const notices = text("dist/THIRD-PARTY-NOTICES.txt");
		for (const name of bundled) {
			const licence = readdirSync(`${ROOT}node_modules/${name}`).find((file) => /^LICEN[CS]E/i.test(file));
			expect(notices).toContain(readFileSync(`${ROOT}node_modules/${name}/${licence}`, "utf8").trim());
		}
	});

	test("imports nothing but Node.js's own modules and its dependencies, the library all of them from outside", () => {
		const specifiers = (names: string[]) =>
			new Set(
				names.flatMap((name) =>
					[...text(name).matchAll(/(?:\bfrom|\bimport\(|^import|;import) ?"([@\w][\w./:@-]*)"/gm)].map(
						([, found = ""]) => found,
					),
				),
			);
		const code = files.filter((file) => /^dist\/.*\.js$/.test(file));
		const foreign = [...specifiers(code)].filter((name) => !name.startsWith("node:"));
		expect(foreign.filter((name) => !(name in manifest.dependencies))).toEqual([]);
		expect(foreign.sort()).toEqual(Object.keys(manifest.dependencies).sort());
	});
});

describe("installed into an empty folder", () => {
	let machine: Machine;
	beforeAll(async () => {
		machine = await Machine.start();
	});
	afterAll(() => machine.stop());

	const command = (name: string, ...args: string[]) =>
		machine.run(process.execPath, [join(installed, manifest.bin[name] ?? name), ...args]);

	test("every command starts", async () => {
		const names = Object.keys(manifest.bin);
		expect(names).toHaveLength(10);
		for (const name of names)
			expect(await command(name, "--help"), name).toMatchObject({ exitCode: 0, stderr: "" });
	});

	test("a lab of the package's own goes through all of it", async () => {
		const file = join(installed, "topologies/packet03-4-router.yaml");
		for (const args of [
			["xdp-validate", file],
			["xdp-apply", file],
			["xdp-verify", file],
			["xdp-stats"],
			["xdp-graph", file, "--format", "png", "-o", join(folder, "lab.png")],
			["xdp-destroy", file],
		])
			expect(await command(...(args as [string])), args.join(" ")).toMatchObject({ exitCode: 0 });
	});

	test("the library does what the README's example does, and its types hold in a strict project", async () => {
		writeFileSync(
			join(folder, "use.ts"),
			`import { type TopologyDocument, TopologyError, withLab, parseTopology, stats } from "xdp-topology";
			const document: TopologyDocument = {
				name: "two",
				namespaces: { uno: null, dos: {} },
				veths: [{ "uno:eth0": "10.0.0.1/24", "dos:eth0": { addresses: ["10.0.0.2/24"] } }],
			};
			const received: string = await withLab(document, async (lab) => {
				const { stdout } = await lab.exec("uno", "ping", ["-c", "1", "10.0.0.2"], { timeout: 5_000 });
				const { checks } = await lab.verify();
				const sample = await lab.stats();
				return \`\${stdout.includes("1 received")} \${checks.length} \${sample.interfaces.length}\`;
			});
			console.log(received);
			try {
				parseTopology({ ...document, namespaces: {} });
			} catch (error) {
				if (error instanceof TopologyError) console.log(error.diagnostics[0]?.path);
			}
			export const later = () => stats(["two"]);
			`,
		);
		const options = [
			"--strict",
			"--module",
			"nodenext",
			"--target",
			"es2022",
			"--typeRoots",
			`${ROOT}node_modules/@types`,
		];
		const compiled = await machine.run("sh", [
			"-c",
			`cd ${folder} && exec ${process.execPath} ${ROOT}node_modules/typescript/bin/tsc ${options.join(" ")} --types node use.ts`,
		]);
		expect(compiled).toEqual({ exitCode: 0, stdout: "", stderr: "" });
		const { stdout, stderr } = await machine.run(process.execPath, [join(folder, "use.js")]);
		expect(stderr).toBe("");
		expect(stdout).toBe('true 0 2\nveths[0]["uno:eth0"]');
	});
});
