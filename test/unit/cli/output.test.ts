import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { useColor } from "../../../lib/cli/output.js";
import { errnoText, NetlinkError, SyscallError, UsageError, VerifierError } from "../../../lib/errors.js";
import { loadTopology } from "../../../lib/load.js";
import { interruptible } from "../../../lib/signals.js";
import { TopologyError } from "../../../lib/topology/error.js";

describe("colours", () => {
	test.each([
		["on a terminal", { isTTY: true }, {}, true],
		["not in a pipe", {}, {}, false],
		["not where NO_COLOR says no", { isTTY: true }, { NO_COLOR: "1" }, false],
		["but where it says nothing", { isTTY: true }, { NO_COLOR: "" }, true],
		["not on a dumb terminal", { isTTY: true }, { TERM: "dumb" }, false],
	])("%s", (_, stream, environment, expected) => {
		for (const [name, value] of Object.entries({ NO_COLOR: "", TERM: "xterm", ...environment }))
			vi.stubEnv(name, value);
		expect(useColor(stream as NodeJS.WriteStream)).toBe(expected);
		vi.unstubAllEnvs();
	});
});

describe("what can be interrupted", () => {
	test.each(["SIGINT", "SIGTERM"] as const)(
		"is aborted by %s, with its name as the reason",
		async (signal) => {
			const before = process.listenerCount(signal);
			const reason = await interruptible(async (abort) => {
				process.emit(signal, signal);
				return abort.reason as unknown;
			});
			expect(reason).toBe(signal);
			expect(process.listenerCount(signal)).toBe(before);
		},
	);

	test("leaves the signals alone after a failure too", async () => {
		const before = process.listenerCount("SIGINT");
		await expect(interruptible(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
		expect(process.listenerCount("SIGINT")).toBe(before);
	});
});

describe("an error says", () => {
	test.each([
		[errnoText(19), "ENODEV: no such device"],
		[
			new SyscallError("mount(/run/netns/uno)", 1).message,
			"mount(/run/netns/uno): EPERM: operation not permitted",
		],
		[new NetlinkError("RTM_NEWLINK veth0", 17).message, "RTM_NEWLINK veth0: EEXIST: file already exists"],
		[
			new NetlinkError("RTM_NEWADDR x", 22, "Invalid prefix").message,
			"RTM_NEWADDR x: EINVAL: invalid argument (kernel: Invalid prefix)",
		],
		[
			new VerifierError([
				{
					program: "own",
					at: { file: "own.yaml", line: 7, column: 13 },
					byVerifier: true,
					reason: "invalid access to packet, off=13",
					source: { file: "drop.c", line: 26, text: "return data[13];" },
					hint: "compare it with `data_end`",
					excerpt: "1: (71) r1 = *(u8 *)(r1 +13)",
					log: "",
				},
			]).message,
			"own.yaml:7:13: the kernel's verifier rejects `own`: invalid access to packet, off=13 (drop.c:26)\n  = compare it with `data_end`\n    1: (71) r1 = *(u8 *)(r1 +13)",
		],
	])("%s", (message, expected) => {
		expect(message).toBe(expected);
	});
});

describe("a topology file that cannot be loaded", () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync("/tmp/xdp-topology-");
		mkdirSync(join(folder, "folder"));
		writeFileSync(join(folder, "large.yaml"), "#".repeat((2 << 20) + 1));
		writeFileSync(join(folder, "good.yaml"), "name: lab\nnamespaces: { uno: }\n");
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	test.each<[string, string, typeof UsageError | typeof TopologyError, RegExp]>([
		["is not there", "none.yaml", UsageError, /none\.yaml: no such file$/],
		[
			"is a folder",
			"folder",
			UsageError,
			/folder: is a directory, and a topology is a file \(or - for standard input\)$/,
		],
		["is below a file", "good.yaml/more", UsageError, /good\.yaml\/more: \S+/],
		["is too large", "large.yaml", TopologyError, /large\.yaml:1:1: the file is too large/],
	])("%s", async (_, name, type, message) => {
		const load = () => loadTopology(join(folder, name));
		await expect(load()).rejects.toThrow(type);
		await expect(load()).rejects.toThrow(message);
	});

	test("is a device", async () => {
		await expect(loadTopology("/dev/zero")).rejects.toThrow("/dev/zero: is a device");
	});

	test("is not this one", async () => {
		expect(await loadTopology(join(folder, "good.yaml"))).toMatchObject({ name: "lab", warnings: [] });
	});
});
