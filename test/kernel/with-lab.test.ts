import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
	ApplyError,
	apply,
	ConflictError,
	InterruptedError,
	listLabs,
	parseTopology,
	type RunningLab,
	type TopologyDocument,
	TopologyError,
	UsageError,
	withLab,
} from "../../lib/index.js";
import { clearAfterEach, failureOf, namespaces, sh, useSandbox } from "./sandbox.js";

useSandbox();
clearAfterEach();

/** Two namespaces and a link, with names and a subnet of its own for each lab. */
const pair = (name: string, a = `${name}-a`, b = `${name}-b`): TopologyDocument => ({
	name,
	namespaces: { [a]: null, [b]: null },
	veths: [{ [`${a}:eth0`]: "10.0.0.1/24", [`${b}:eth0`]: "10.0.0.2/24" }],
	expect: [{ ping: { from: a, to: `${b}:eth0` } }],
});
const TWO = pair("two", "uno", "dos");

/** What the machine has of labs: nothing of them is to be left. */
const left = () => ({
	labs: listLabs(),
	namespaces: namespaces(),
	links: sh("ip -br link | grep -vc '^lo' || true"),
});
const NOTHING = { labs: [], namespaces: [], links: "0\n" };

const isRunning = (pid = 0) => sh(`ps -o stat= -p ${pid} | grep -v Z || true`) !== "";

const sources: [string, () => Parameters<typeof withLab>[0]][] = [
	[
		"the path of a file",
		() => {
			writeFileSync("/run/two.yaml", JSON.stringify(TWO));
			return "/run/two.yaml";
		},
	],
	["a topology", () => parseTopology(TWO)],
	["a document", () => TWO],
];

test.each(sources)(
	"withLab takes %s, hands on what the work returns, and takes the lab down",
	async (_, source) => {
		const seen = await withLab(source(), async (lab) => {
			const { stdout } = await lab.exec("uno", "ping", ["-c", "1", "-W", "2", "10.0.0.2"]);
			return { stdout, up: left().labs, changes: lab.status().drift?.changes, ...(await lab.verify()) };
		});
		expect(seen.stdout).toContain("1 received");
		expect(seen).toMatchObject({ up: ["two"], changes: [], ok: true, checks: [{ ok: true }] });
		expect(left()).toEqual(NOTHING);
	},
);

const failures: [string, () => unknown][] = [
	["rejects", async () => Promise.reject(new RangeError("mine"))],
	[
		"throws",
		() => {
			throw new RangeError("mine");
		},
	],
];

test.each(failures)("the lab goes down where the work %s, and the error is the work's", async (_, work) => {
	const error = await failureOf(withLab(TWO, work), RangeError);
	expect(error.message).toBe("mine");
	expect(left()).toEqual(NOTHING);
});

describe("an abort signal", () => {
	test("takes the lab down though the work goes on, which is told by the lab's own signal", async () => {
		const controller = new AbortController();
		let told: unknown;
		const work = (lab: RunningLab) => {
			lab.signal.addEventListener("abort", () => {
				told = lab.signal.reason;
			});
			controller.abort("enough");
			return new Promise<never>(() => {});
		};
		const error = await failureOf(withLab(TWO, work, { signal: controller.signal }), InterruptedError);
		expect([error.reason, told]).toEqual(["enough", "enough"]);
		expect(left()).toEqual(NOTHING);
	});

	test("that has come already keeps the lab from coming up", async () => {
		let called = false;
		const work = () => {
			called = true;
		};
		await failureOf(withLab(TWO, work, { signal: AbortSignal.abort("early") }), InterruptedError);
		expect(called).toBe(false);
		expect(left()).toEqual(NOTHING);
	});
});

describe("where the lab does not come up, the work is not called and nothing is left:", () => {
	const work = () => {
		throw new Error("the work was called");
	};

	test("a wrong document", async () => {
		const wrong = { name: "two", namespaces: { uno: { gateway: "10.0.0.x" } } };
		const error = await failureOf(withLab(wrong, work), TopologyError);
		expect(error.diagnostics).toMatchObject([{ path: "namespaces.uno.gateway" }]);
		expect(left()).toEqual(NOTHING);
	});

	test("a change that the kernel refuses", async () => {
		const refused = { ...TWO, namespaces: { uno: { sysctls: { "net.ipv4.tcp_rmem": "none" } }, dos: null } };
		const error = await failureOf(withLab(refused, work), ApplyError);
		expect(error.undone).toBe(true);
		expect(left()).toEqual(NOTHING);
	});

	test("a namespace of somebody else's, which stays", async () => {
		sh("ip netns add uno");
		await failureOf(withLab(TWO, work), ConflictError);
		expect(left()).toEqual({ ...NOTHING, namespaces: ["uno"] });
	});
});

describe("a lab that is up already", () => {
	test("is refused and stays as it is", async () => {
		await apply(parseTopology(TWO));
		const error = await failureOf(
			withLab(TWO, () => {}),
			ConflictError,
		);
		expect(error.message).toContain("xdp-destroy two");
		expect(left()).toMatchObject({ labs: ["two"], namespaces: ["dos", "uno"] });
	});

	test("is replaced on demand, with the processes in it", async () => {
		await apply(parseTopology(pair("two")));
		const old = spawn("ip", ["netns", "exec", "two-a", "sleep", "60"]);
		sh(`until [ "$(ip netns identify ${old.pid})" = two-a ]; do :; done`);
		const seen = await withLab(TWO, () => namespaces(), { replace: true });
		expect(seen).toEqual(["dos", "uno"]);
		expect(isRunning(old.pid)).toBe(false);
		expect(left()).toEqual(NOTHING);
	});
});

describe("processes that the work has started and not waited for", () => {
	test("end with the lab, those in host too, and their end is nobody's error", async () => {
		const pids = await withLab(TWO, (lab) => [
			lab.exec("uno", "ping", ["-c", "20", "10.0.0.2"]).pid,
			lab.exec("dos", "sh", ["-c", "sleep 60 & sleep 60"]).pid,
			lab.exec("host", "sleep", ["60"]).pid,
			lab.runIn("dos", () => spawn("sleep", ["60"])).pid,
		]);
		expect(pids.map((pid) => typeof pid)).toEqual(Array(4).fill("number"));
		expect(pids.map(isRunning)).toEqual(Array(4).fill(false));
		expect(left()).toEqual(NOTHING);
	});

	test("end also where they do not want to", async () => {
		const pid = await withLab(TWO, async (lab) => {
			const stubborn = lab.exec("uno", "sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
			await once(stubborn.stdout, "data");
			return stubborn.pid;
		});
		expect(pid).toEqual(expect.any(Number));
		expect(isRunning(pid)).toBe(false);
		expect(left()).toEqual(NOTHING);
	});
});

describe("exec", () => {
	test("is a promise of what the command printed, and rejects where it fails or is not there", async () => {
		await withLab(TWO, async (lab) => {
			const { stdout } = await lab.exec("dos", "sh", ["-c", "echo $A $XDP_TOPOLOGY_NAMESPACE"], {
				env: { A: "a" },
			});
			expect(stdout).toBe("a dos");
			await expect(lab.exec("uno", "sh", ["-c", "echo why >&2; exit 3"])).rejects.toMatchObject({
				exitCode: 3,
				stderr: "why",
			});
			await expect(lab.exec("uno", "no-such-command")).rejects.toMatchObject({ code: "ENOENT" });
			const { exitCode } = await lab.exec("uno", "false", [], { reject: false });
			expect(exitCode).toBe(1);
		});
	});

	test("knows the namespaces of its own lab only", async () => {
		await withLab(pair("one"), (one) =>
			withLab(TWO, (two) => {
				expect(() => one.exec("uno", "true")).toThrow("lab one has no namespace uno: it has one-a, one-b");
				expect(() => two.runIn("../uno", () => {})).toThrow(UsageError);
			}),
		);
	});
});

test("once the work is over the lab's methods say so", async () => {
	const lab = await withLab(TWO, (lab) => lab);
	expect(lab.name).toBe("two");
	for (const use of [() => lab.exec("uno", "true"), () => lab.runIn("uno", () => {}), () => lab.status()])
		expect(use).toThrow("lab two is down: its work is over");
	await expect(lab.verify()).rejects.toThrow(UsageError);
	await expect(lab.stats()).rejects.toThrow(UsageError);
});

test("labs nest, and each goes down at its own end", async () => {
	const seen: string[][] = [];
	await withLab(pair("one"), async () => {
		await withLab(TWO, () => seen.push(listLabs()));
		seen.push(listLabs());
		await failureOf(
			withLab(pair("three", "uno", "one-a"), () => {}),
			ConflictError,
		);
		seen.push(listLabs());
	});
	expect([...seen, listLabs()]).toEqual([["one", "two"], ["one"], ["one"], []]);
	expect(left()).toEqual(NOTHING);
});

test("labs of other names come up side by side; of two of one name the second is refused", async () => {
	let begun = 0;
	const both = new Promise<void>((resolve) => {
		setInterval(() => begun === 2 && resolve(), 1).unref();
	});
	const work = async () => {
		begun++;
		await both;
		return listLabs();
	};
	const runs = await Promise.allSettled([withLab(pair("one"), work), withLab(TWO, work), withLab(TWO, work)]);
	const fulfilled = runs.flatMap((run) => (run.status === "fulfilled" ? [run.value] : []));
	const rejected = runs.flatMap((run) => (run.status === "rejected" ? [run.reason] : []));
	expect(fulfilled).toEqual([["one", "two"], expect.arrayContaining([expect.stringMatching(/one|two/)])]);
	expect(rejected).toEqual([expect.any(ConflictError)]);
	expect(left()).toEqual(NOTHING);
});
