import { describe, expect, test } from "vitest";
import { ApplyError, apply, destroy, NetlinkError, plan, VerifierError } from "../../lib/index.js";
import { loadProgram } from "../../lib/kernel/load.js";
import { compile, PASS } from "../clang.js";
import { RICH } from "./rich.js";
import {
	applyText,
	attached,
	changes,
	clearAfterEach,
	descriptors,
	failureOf,
	json,
	linesOf,
	links,
	mapIds,
	programIds,
	sh,
	topology,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

/** A router with this many hosts behind it. */
const star = (hosts: number, mode = "fib") => `name: star
namespaces:
  r: { forwarding: ${mode} }
${Array.from({ length: hosts }, (_, i) => `  h${i}:`).join("\n")}
veths:
${Array.from({ length: hosts }, (_, i) => `  - r:h${i}: 10.0.${i}.1/24\n    h${i}:veth0: 10.0.${i}.2/24`).join("\n")}
`;

describe("one loaded program serves all the interfaces that run it", () => {
	test("and stays loaded, with its maps, while a lab grows to 64 of them", async () => {
		await applyText(star(2));
		const before = programIds();
		expect(before).toHaveLength(2);
		await applyText(star(32));
		expect(programIds()).toEqual(before);
		expect(links("r").size).toBe(33);
	});

	test("and is loaded anew with more room where it grows further, which the plan says", async () => {
		await applyText(star(32));
		const [before] = programIds();
		const lines = linesOf(await applyText(star(33)));
		expect(lines).toContain("-/+ program fib: room for 128 interfaces");
		expect(lines).toContain("~ xdp r:h0: fib, loaded anew");
		expect(programIds()).not.toContain(before);
		expect(await changes(star(33))).toEqual([]);
		const { max_entries } = json<{ max_entries: number }>(
			`bpftool -j map show id ${mapIds(attached("r:h0")?.id ?? 0).get("counters")}`,
		);
		expect(max_entries).toBe(128);
	});

	test("and keeps its room where a lab shrinks", async () => {
		await applyText(star(33));
		const before = programIds();
		await applyText(star(2));
		expect(programIds()).toEqual(before);
		expect(await changes(star(2))).toEqual([]);
	});
});

describe("a change of the wiring", () => {
	const wired = (mode: string, redirect: string) => star(3, `{ mode: ${mode}, redirect: ${redirect} }`);

	test("rewrites the maps of `map` and leaves the loaded program", async () => {
		await applyText(wired("map", "{ h0: h1, h1: h0 }"));
		const before = [attached("r:h0"), attached("r:h1")];
		const text = wired("map", "{ h0: h2, h1: h0 }");
		await applyText(text);
		expect([attached("r:h0"), attached("r:h1")]).toEqual(before);
		expect(await changes(text)).toEqual([]);
	});

	test("loads `hardcoded` anew, and every end gets the new one", async () => {
		await applyText(wired("hardcoded", "{ h0: h1, h1: h0 }"));
		const before = attached("r:h0")?.id;
		const text = wired("hardcoded", "{ h0: h2, h1: h0 }");
		expect(linesOf(await applyText(text))).toContain("-/+ program hardcoded: other constants");
		expect(attached("r:h0")?.id).not.toBe(before);
		expect(attached("r:h1")?.id).toBe(attached("r:h0")?.id);
		expect(await changes(text)).toEqual([]);
	});

	test("a table of `hardcoded` is frozen: nobody can write it", async () => {
		await applyText(wired("hardcoded", "{ h0: h1 }"));
		const table = mapIds(attached("r:h0")?.id ?? 0).get("counters");
		expect(json<{ frozen: number }>(`bpftool -j map show id ${table}`).frozen).toBe(1);
		expect(() => sh(`bpftool map update id ${table} key 0 0 0 0 value ${"0 ".repeat(96)}`)).toThrow(
			"Operation not permitted",
		);
	});

	test("where a MAC changes, `hardcoded` has the new one", async () => {
		const text = wired("hardcoded", "{ h0: h1 }");
		await applyText(text);
		const other = text.replace(
			"h1:veth0: 10.0.1.2/24",
			'h1:veth0: { addresses: 10.0.1.2/24, mac: "02:00:00:00:00:77" }',
		);
		await applyText(other);
		expect(await changes(other)).toEqual([]);
		const table = mapIds(attached("r:h0")?.id ?? 0).get("counters");
		expect(sh(`bpftool -j map dump id ${table}`)).toContain('"destination":[2,0,0,0,0,119]');
	});
});

describe("what the kernel refuses is told in its own words", () => {
	const options = { program: "bad", globals: new Map() };
	const load = (source: string) => loadProgram("own", compile(source), options);

	test.each([
		[
			"an object that is none",
			() => loadProgram("own", Buffer.from("no ELF"), options),
			/^program `own` cannot be loaded: /,
		],
		[
			"an empty object",
			() => loadProgram("own", Buffer.alloc(0), options),
			/^program `own` cannot be loaded: /,
		],
		[
			"a program that is not in the object",
			() => load(PASS),
			/^program `own` cannot be loaded: the object has no function `bad`$/,
		],
	])("%s", (_, work, message) => {
		const before = descriptors();
		expect(work).toThrow(VerifierError);
		expect(work).toThrow(message);
		expect(descriptors()).toEqual(before);
	});

	test("by netlink, with the extended acknowledgement", async () => {
		const text = RICH.replace("sysctls: {", "sysctls: { net.ipv6.conf.veth0.disable_ipv6: 1,");
		const error = await failureOf(applyText(text), ApplyError);
		expect(error.cause).toBeInstanceOf(NetlinkError);
		expect(error.cause).toMatchObject({
			request: "RTM_NEWADDR fc00:1::2/64",
			errno: 13,
			extack: "ipv6: IPv6 is disabled on this device",
		});
	});
});

describe("no descriptor is left open", () => {
	const bad = RICH.replace("arp_ignore: 2", "no_such_name: 2");

	test.each<[string, () => Promise<unknown>]>([
		["by apply", () => applyText(RICH)],
		["by an update", () => applyText(RICH).then(() => applyText(RICH.replace("uno: a, a: uno", "uno: b")))],
		["by plan", () => plan(topology(RICH))],
		["by destroy", () => applyText(RICH).then(() => destroy("rich"))],
		["by an apply that fails", () => failureOf(applyText(bad), ApplyError)],
		["by an update that fails", () => applyText(RICH).then(() => failureOf(applyText(bad), ApplyError))],
		[
			"by an apply that is interrupted",
			() =>
				expect(apply(topology(star(200)), { signal: AbortSignal.abort("SIGINT") })).rejects.toThrow("SIGINT"),
		],
	])("%s", async (_, work) => {
		// What is opened once and for all, as libbpf's own.
		await applyText(RICH);
		await destroy("rich");
		const before = descriptors();
		await work();
		expect(descriptors()).toEqual(before);
	});
});
