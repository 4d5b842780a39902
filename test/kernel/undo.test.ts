import { beforeEach, describe, expect, test, vi } from "vitest";
import { ApplyError, apply } from "../../lib/index.js";
import type { Progress } from "../../lib/progress.js";
import { RICH } from "./rich.js";
import {
	applyText,
	attached,
	changes,
	clearAfterEach,
	differences,
	failureOf,
	json,
	kernel,
	links,
	mapIds,
	namespaces,
	programs,
	sh,
	topology,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

interface Failure {
	title: string;
	/** Of a lab that is like {@link RICH} but for what the kernel refuses. */
	text: string;
	/** What the error says: the object, the request, the kernel's own words. */
	message: RegExp;
}

/** How many frames the program on an end has sent back, by its own counters. */
function answered(end: string): number {
	const XDP_TX = 3;
	const [namespace = "", link = ""] = end.split(":");
	const id = mapIds(attached(end)?.id ?? 0).get("counters");
	const dump = json<Dump[]>(`bpftool -j map dump id ${id}`);
	const port = (links(namespace).get(link)?.ifindex ?? 0) % 100_000;
	const values = dump.find(({ formatted }) => formatted.key === port)?.formatted.values ?? [];
	return values.reduce((sum, { value }) => sum + (value.action[XDP_TX]?.packets ?? 0), 0);
}

interface Dump {
	formatted: { key: number; values: { value: { action: { packets: number }[] } }[] };
}

/** A sysctl of `uno` before those that rich.ts has. */
const withSysctls = (text: string) => RICH.replace("sysctls: {", `sysctls: { ${text},`);

const FAILURES: Failure[] = [
	{
		title: "a sysctl that there is not",
		text: withSysctls("net.ipv4.no_such_name: 1"),
		message: /^sysctl uno net\.ipv4\.no_such_name: sysctl net\.ipv4\.no_such_name=1: ENOENT: /,
	},
	{
		title: "a value that a sysctl refuses",
		text: withSysctls("net.ipv4.tcp_congestion_control: none-such"),
		message: /^sysctl uno net\.ipv4\.tcp_congestion_control: .*: ENOENT: /,
	},
	{
		title: "a value that a sysctl does not keep",
		text: withSysctls("net.ipv4.conf.veth0.mc_forwarding: 1"),
		message: /mc_forwarding/,
	},
	{
		title: "an address where the file has switched IPv6 off",
		text: withSysctls("net.ipv6.conf.veth0.disable_ipv6: 1"),
		message:
			/^address uno:veth0 fc00:1::2\/64: RTM_NEWADDR fc00:1::2\/64: EACCES: permission denied \(kernel: ipv6: IPv6 is disabled on this device\)$/,
	},
	{
		title: "addresses in several namespaces where the file has switched IPv6 off",
		text: withSysctls("net.ipv6.conf.all.disable_ipv6: 1").replace(
			"  dos:\n",
			"  dos:\n    sysctls: { net.ipv6.conf.all.disable_ipv6: 1 }\n",
		),
		message: /^(address|neighbor) (uno|dos):\S+ fc00:.*IPv6 is disabled on this device/,
	},
	{
		title: "a value that the kernel keeps in another form",
		text: RICH.replace("sysctls: {", "sysctls: { net.ipv4.conf.all.arp_announce: '0x1',"),
		message: /sysctl \w+ net\.ipv4\.conf\.all\.arp_announce: 1 → 0x1/,
	},
];

describe("an apply that fails leaves everything as it was", () => {
	describe("where there was nothing", () => {
		test.each(FAILURES)("$title", async ({ text, message }) => {
			const before = kernel();
			const error = await failureOf(applyText(text), ApplyError);
			expect.soft(error.message).toMatch(message);
			expect(error).toMatchObject({ undone: true, remains: [] });
			expect(namespaces()).toEqual([]);
			expect(differences(before, kernel())).toEqual([]);
			expect(sh("ls /run/xdp-topology 2>/dev/null || true")).toBe("");
		});
	});

	describe("where the lab was up, with the programs and what they have counted", () => {
		beforeEach(() => applyText(RICH));

		test.each(FAILURES)("$title", async ({ text, message }) => {
			sh("ping -qc2 -i0.01 10.11.0.2");
			const count = answered("uno:up");
			expect(count).toBe(2);
			// Something of everything changes beside what fails.
			const other = text
				.replace("10.2.0.3/24", "10.2.0.4/24")
				.replace("type: blackhole", "type: prohibit")
				.replace("redirect: { uno: a, a: uno }", "redirect: { uno: a }")
				.replace("xdp: icmp-echo", "xdp: drop")
				.replace("02:00:00:00:00:0a", "02:00:00:00:00:0b")
				.replace("namespaces:\n", "namespaces:\n  tres:\n");
			const before = { ...kernel(), ...programs() };
			const state = sh("cat /run/xdp-topology/rich.json");
			const error = await failureOf(applyText(other), ApplyError);
			expect.soft(error.message).toMatch(message);
			expect(error).toMatchObject({ undone: true, remains: [] });
			expect(differences(before, { ...kernel(), ...programs() })).toEqual([]);
			expect(answered("uno:up")).toBe(count);
			expect(sh("cat /run/xdp-topology/rich.json")).toBe(state);
			expect(await changes(RICH)).toEqual([]);
		});
	});

	describe("at whatever stage it is interrupted", () => {
		/** Ends the work before the stage of this number, and notes how many there are. */
		const stopAt = (stop: number) => {
			const titles: string[] = [];
			const progress: Progress = async (stages) => {
				for (const stage of stages) {
					if (titles.push(stage.title) === stop) throw new Error("stopped");
					await stage.run();
				}
			};
			return { progress, titles };
		};

		test("of a first apply", async () => {
			const before = kernel();
			const whole = stopAt(Number.POSITIVE_INFINITY);
			await apply(topology(RICH), whole);
			const stages = whole.titles.length;
			expect(stages).toBeGreaterThan(8);
			sh(
				'ip -all netns delete; rm -r /run/xdp-topology; until [ -z "$(ip -br link | grep -v ^lo)" ]; do :; done',
			);
			for (let stage = 1; stage <= stages; stage++) {
				await expect(apply(topology(RICH), stopAt(stage))).rejects.toThrow("stopped");
				expect(differences(before, kernel()), `before stage ${stage}: ${whole.titles[stage - 1]}`).toEqual(
					[],
				);
			}
		});

		test("of an update", async () => {
			await applyText(RICH);
			const text = RICH.replace("fc00:3::1/64", "fc00:3::9/64")
				.replace(', "fc00:3::1"]', ', "fc00:3::9"]')
				.replace("forwarding: { mode: map, redirect: { uno: a, a: uno } }", "forwarding: fib")
				.replace("02:00:00:00:00:0a", "02:00:00:00:00:0b")
				.replace("arp_ignore: 2", "arp_ignore: 1")
				.replace("gro: true", "gro: false");
			const before = { ...kernel(), ...programs() };
			const stages = 12;
			for (let stage = 1; stage <= stages; stage++) {
				const stop = stopAt(stage);
				await expect(apply(topology(text), stop)).rejects.toThrow("stopped");
				// The kernel makes the local route of an IPv6 address in a worker: addrconf_dad_work().
				await vi.waitFor(() => {
					const after = { ...kernel(), ...programs() };
					expect(differences(before, after), `before stage ${stage}: ${stop.titles.at(-1)}`).toEqual([]);
				}, 5_000);
			}
		});
	});
});

describe("an apply that is to keep what it did before a failure", () => {
	test("keeps it, and a right file converges from there", async () => {
		await failureOf(apply(topology(FAILURES[0]?.text ?? ""), { keep: true }), ApplyError);
		expect(namespaces()).toEqual(["dos", "r1", "uno"]);
		await applyText(RICH);
		expect(await changes(RICH)).toEqual([]);
	});
});
