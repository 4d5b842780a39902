import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
	const source = `import * as library from "${ROOT}dist/lib/index.js";
		const { exec, runIn, status } = library;
		${code}`;
	const { stdout, stderr } = await machine.run(process.execPath, ["--input-type=module", "--eval", source]);
	expect(stderr).toBe("");
	return JSON.parse(stdout) as T;
}

test("exec starts a program in a lab's namespace, with what execa() takes, and is a promise", async () => {
	const [address, variable] = await run<[string, string]>(`
		const address = exec("dos", "ip", ["-4", "-br", "addr", "show", "veth0"], { stdio: ["ignore", "pipe", "inherit"] });
		const variable = exec("dos", "sh", ["-c", "echo $A $XDP_TOPOLOGY_NAMESPACE"], { env: { A: "a" } });
		console.log(JSON.stringify((await Promise.all([address, variable])).map(({ stdout }) => stdout)));
	`);
	expect(address).toContain("10.0.0.2/24");
	expect(variable).toBe("a dos");
});

test("what exec starts sees the interfaces and pins of its namespace, with every option of execa()", async () => {
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
		const line = async (child) => (await child).stdout;
		const shell = line(exec("uno", "echo $0", ["$((1 + 1)); ls /sys/class/net"], { shell: "/bin/bash" }));
		const user = line(exec("uno", "id", ["-u"], { uid: 65534, gid: 65534 }));
		const folder = line(exec("uno", "./cat", ["/proc/self/comm"], { cwd: "/bin" }));
		const extra = exec("uno", "sh", ["-c", "echo three >&3"], { stdio: ["ignore", "ignore", "ignore", "pipe"] })
			.then(({ stdio }) => stdio[3]);
		const ipc = exec("uno", process.execPath, ["-e", "process.send('sent')"], { ipc: true });
		const sent = once(ipc, "message");
		const missing = await exec("uno", "no-such-command").catch((error) => error);
		const { exitCode, signal } = await exec("uno", "sh", ["-c", "kill -TERM $$"]).catch((error) => error);
		const failed = await exec("uno", "sh", ["-c", "exit 3"]).catch((error) => error);
		const words = line(exec("uno", "printf", ["<%s>", "a b", "", "$HOME", "'"]));
		console.log(JSON.stringify([
			await Promise.all([shell, user, folder, extra, words]),
			(await sent)[0], missing.code, exitCode ?? null, signal, failed.shortMessage, failed.command,
		]));
	`);
	expect(results).toEqual([
		["/bin/bash 2\nlo\nveth0", "65534", "cat", "three", "<a b><><$HOME><'>"],
		"sent",
		"ENOENT",
		null,
		"SIGTERM",
		"Command failed with exit code 3: sh -c exit 3",
		"sh -c exit 3",
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

describe("withLab in a process that gets a signal", () => {
	/** Brings a lab up, starts a process in it, sends itself a signal, and waits for what never comes. */
	const signalled = (signal: string, before: string) => `
		import { listLabs, withLab } from "${ROOT}dist/lib/index.js";
		${before}
		await withLab({ name: "signals", namespaces: { here: null } }, (lab) => {
			lab.exec("here", "sleep", ["60"]);
			process.kill(process.pid, "${signal}");
			return new Promise(() => setInterval(() => {}, 1000));
		}).catch(({ name, reason }) => console.log(name, reason, listLabs()));
		process.exit();
	`;
	/** The status as a shell tells it: 128 more than the signal's number. */
	const run = (code: string) =>
		machine.run("bash", ["-c", '"$0" --input-type=module --eval "$1"; echo $?', process.execPath, code]);

	test.each([
		["SIGINT", 130],
		["SIGTERM", 143],
		["SIGHUP", 129],
	])("%s takes the lab down and then ends the process", async (signal, status) => {
		expect(await run(signalled(signal, ""))).toMatchObject({ stdout: String(status) });
		expect(await labsUp()).toEqual(["two"]);
	});

	test("leaves the end to a listener of the process's own", async () => {
		const { stdout } = await run(signalled("SIGTERM", 'process.on("SIGTERM", () => console.log("mine"));'));
		expect(stdout).toBe("mine\nInterruptedError SIGTERM [ 'two' ]\n0");
		expect(await labsUp()).toEqual(["two"]);
	});

	const labsUp = async () => {
		expect(await machine.json("host", "ip", "-j", "netns")).toHaveLength(2);
		return JSON.parse((await machine.xdp("status", "--json")).stdout).map(({ lab }: { lab: string }) => lab);
	};
});

test("the package's exports are these, and each is documented", async () => {
	expect(await run("console.log(JSON.stringify(Object.keys(library).sort()))")).toEqual([
		"ApplyError",
		"ConflictError",
		"InterruptedError",
		"NetlinkError",
		"SyscallError",
		"TopologyError",
		"UnsupportedError",
		"UsageError",
		"VerifierError",
		"apply",
		"destroy",
		"exec",
		"graph",
		"graphModel",
		"listLabs",
		"loadTopology",
		"openMetricsText",
		"parseTopology",
		"plan",
		"planText",
		"runIn",
		"stats",
		"statsText",
		"status",
		"verify",
		"watchStats",
		"withLab",
	]);
});
