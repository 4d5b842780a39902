import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine, ROOT } from "../machine.js";

const LAB = `name: two
namespaces: { uno: , dos: }
veths: [{ uno:veth0: 10.0.0.1/24, dos:veth0: 10.0.0.2/24 }]
`;

let machine: Machine;

beforeAll(async () => {
	machine = await Machine.start();
	expect(await machine.xdpWith(LAB, "apply")).toMatchObject({ exitCode: 0 });
});

afterAll(() => machine.stop());

/** Runs a module that uses the built library; the last expression that it prints is JSON. */
async function run<T>(code: string): Promise<T> {
	const source = `import { exec, runIn, status } from "${ROOT}dist/lib/index.js";\n${code}`;
	const { stdout, stderr } = await machine.run(process.execPath, ["--input-type=module", "--eval", source]);
	expect(stderr).toBe("");
	return JSON.parse(stdout) as T;
}

test("exec starts a program in a lab's namespace, with what spawn() takes", async () => {
	const [address, variable] = await run<[string, string]>(`
		import { text } from "node:stream/consumers";
		const address = exec("dos", "ip", ["-4", "-br", "addr", "show", "veth0"], { stdio: ["ignore", "pipe", "inherit"] });
		const variable = exec("dos", "sh", ["-c", "echo $A $XDP_TOPOLOGY_NAMESPACE"], { env: { A: "a" } });
		console.log(JSON.stringify(await Promise.all([address, variable].map(({ stdout }) => text(stdout)))));
	`);
	expect(address).toContain("10.0.0.2/24");
	expect(variable).toBe("a dos\n");
});

test("what exec starts sees the interfaces and pins of its namespace, with every option of spawn()", async () => {
	const [address, outside] = await run<[string, string[]]>(`
		import { readdirSync } from "node:fs";
		import { text } from "node:stream/consumers";
		const child = exec("uno", "cat", ["/sys/class/net/veth0/address"]);
		console.log(JSON.stringify([(await text(child.stdout)).trim(), readdirSync("/sys/class/net")]));
	`);
	const [link] = await machine.json<[{ address: string }]>("uno", "ip", "-j", "link", "show", "dev", "veth0");
	expect([address, outside]).toEqual([link.address, ["lo"]]);
	const results = await run<unknown[]>(`
		import { once } from "node:events";
		import { text } from "node:stream/consumers";
		const line = async (child) => (await text(child.stdout)).trim();
		const shell = line(exec("uno", "echo $0", ["$((1 + 1)); ls /sys/class/net"], { shell: "/bin/bash" }));
		const user = line(exec("uno", "id", ["-u"], { uid: 65534, gid: 65534 }));
		const folder = line(exec("uno", "./cat", ["/proc/self/comm"], { cwd: "/bin" }));
		const extra = text(exec("uno", "sh", ["-c", "echo three >&3"], { stdio: ["ignore", "ignore", "ignore", "pipe"] }).stdio[3]);
		const ipc = exec("uno", process.execPath, ["-e", "process.send('sent')"], { stdio: ["ignore", 1, 2, "ipc"] });
		const sent = once(ipc, "message");
		const [missing] = await once(exec("uno", "no-such-command"), "error");
		const [code, signal] = await once(exec("uno", "sh", ["-c", "kill -TERM $$"]), "exit");
		const words = line(exec("uno", "printf", ["<%s>", "a b", "", "$HOME", "'"]));
		console.log(JSON.stringify([
			await Promise.all([shell, user, folder, extra, words]),
			(await sent)[0], missing.code, code, signal,
		]));
	`);
	expect(results).toEqual([
		["/bin/bash 2\nlo\nveth0", "65534", "cat", "three\n", "<a b><><$HOME><'>"],
		"sent",
		"ENOENT",
		null,
		"SIGTERM",
	]);
});

test("what execa starts within runIn is there for good, and the process itself is back", async () => {
	const [before, inside, after, there] = await run<string[]>(`
		import { readlinkSync } from "node:fs";
		import { execa } from "execa";
		const here = () => readlinkSync("/proc/thread-self/ns/net");
		const before = here();
		const child = runIn("uno", () => execa("readlink", ["/proc/self/ns/net"]));
		const after = here();
		const { stdout } = await child;
		console.log(JSON.stringify([before, stdout, after, runIn("uno", here)]));
	`);
	expect(after).toBe(before);
	expect(inside).not.toBe(before);
	expect(inside).toBe(there);
});

test("the process is back as well where the function throws", async () => {
	const [message, same] = await run<[string, boolean]>(`
		import { readlinkSync } from "node:fs";
		const here = () => readlinkSync("/proc/thread-self/ns/net");
		const before = here();
		try {
			runIn("uno", () => { throw new Error("mine"); });
		} catch ({ message }) {
			console.log(JSON.stringify([message, here() === before]));
		}
	`);
	expect([message, same]).toEqual(["mine", true]);
});

test("an error that nobody catches is told in lines that can be read", async () => {
	const source = `import { loadTopology } from "${ROOT}dist/lib/index.js"; await loadTopology("/nowhere.yaml");`;
	const args = ["--input-type=module", "--eval", source];
	const { exitCode, stderr } = await machine.run(process.execPath, args);
	expect(exitCode).toBe(1);
	expect(stderr).toContain("/nowhere.yaml");
	expect(stderr.length).toBeLessThan(5000);
});

test("a namespace that no lab has is refused", async () => {
	const error = await run<{ name: string; message: string }>(`
		try { exec("nowhere", "true"); } catch ({ name, message }) { console.log(JSON.stringify({ name, message })); }
	`);
	expect(error).toEqual({
		name: "UsageError",
		message: "nowhere is no namespace of a lab: two has dos, uno",
	});
});

test("status is a function as well", async () => {
	expect(await run('console.log(JSON.stringify(status("two")));')).toMatchObject({
		lab: "two",
		drift: { changes: [] },
	});
});
