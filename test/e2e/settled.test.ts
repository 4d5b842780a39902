import { readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";

const FILE = "topologies/three-routers.yaml";

describe("a file that was applied last", () => {
	let machine: Machine;

	beforeAll(async () => {
		machine = await Machine.start();
	});
	afterAll(() => machine.stop());

	const apply = async () => (await machine.xdp("apply", FILE)).stdout;
	const NOTHING = "three-routers: nothing to do";

	/** Whether a command had to read YAML: Node.js tells what it has loaded. */
	async function parses(...args: string[]): Promise<boolean> {
		const folder = await mkdtemp(join(tmpdir(), "coverage-"));
		try {
			const command = ["env", `NODE_V8_COVERAGE=${folder}`, process.execPath, ...args];
			expect(await machine.run("nsenter", ["--", ...command])).toMatchObject({ exitCode: 0 });
			const [report = ""] = readdirSync(folder);
			const { result } = JSON.parse(readFileSync(join(folder, report), "utf8")) as {
				result: { url: string }[];
			};
			const loaded = result.flatMap(({ url }) => (url.startsWith("file:") ? fileURLToPath(url) : []));
			return loaded.some((file) => readFileSync(file, "utf8").includes("YAMLParseError"));
		} finally {
			rmSync(folder, { recursive: true });
		}
	}

	test("is not parsed again while nothing has changed", async () => {
		await apply();
		expect(await apply()).toBe(NOTHING);
		expect(await parses("dist/bin/xdp-apply.js", FILE)).toBe(false);
		expect(await parses("dist/bin/xdp-plan.js", FILE)).toBe(true);
	});

	test("is parsed after another file, and after its state was lost or what is remembered edited", async () => {
		const text = `${readFileSync(FILE, "utf8")}# the same\n`;
		expect(await machine.xdpWith(text, "apply")).toMatchObject({ stdout: NOTHING });
		expect(await parses("dist/bin/xdp-apply.js", FILE)).toBe(true);
		await machine.run("rm", ["/run/xdp-topology/three-routers.json"]);
		expect(await parses("dist/bin/xdp-apply.js", FILE)).toBe(true);
		expect(await parses("dist/bin/xdp-apply.js", FILE)).toBe(false);
		await machine.run("sh", ["-c", "sed -i s/three-routers/six-routers/ /run/xdp-topology/*.settled"]);
		expect(await parses("dist/bin/xdp-apply.js", FILE)).toBe(true);
	});

	test("is refused as ever in another network namespace, where the kernel tells the same", async () => {
		expect(await apply()).toBe(NOTHING);
		const there = `ip link set lo up && exec ${process.execPath} dist/bin/xdp-apply.js ${FILE}`;
		expect(await machine.run("unshare", ["--net", "sh", "-c", there])).toMatchObject({
			exitCode: 1,
			stderr: expect.stringContaining("was applied in another network namespace"),
		});
	});

	test.each([
		["an address more", "ip -n r1 address add 10.9.9.9/24 dev uno"],
		["an address less", "ip -n r1 address del 10.0.1.1/24 dev uno"],
		["a route more", "ip -n r1 route add 192.0.2.0/24 via 10.12.0.2"],
		["an IPv6 route less", "ip -n uno -6 route del default"],
		["a permanent neighbour more", "ip -n r1 neighbour add 10.13.0.9 lladdr 02:00:00:00:00:09 dev r3"],
		["another MAC in a neighbour", "ip -n r1 neighbour change 10.13.0.3 lladdr 02:00:00:00:00:09 dev r3"],
		["forwarding off", "ip netns exec r1 sysctl -qw net.ipv4.ip_forward=0"],
		["forwarding off on one interface", "ip netns exec r1 sysctl -qw net.ipv6.conf.r3.forwarding=0"],
		["an offload on", "ip netns exec uno ethtool -K veth0 tx on"],
		["a link down", "ip -n r1 link set r3 down"],
		["`lo` down", "ip -n tres link set lo down"],
		["another MTU", "ip -n r1 link set r3 mtu 1400"],
		["a program gone", "ip -n dos link set veth0 xdp off"],
		[
			"an entry of a map gone",
			`id=$(ip -n r1 -j -d link show uno | sed 's/.*"prog":{"id":\\([0-9]*\\).*/\\1/')
			 for map in $(bpftool prog show id $id | sed -n 's/,/ /g; s/.*map_ids \\([0-9 ]*\\).*/\\1/p'); do
				if bpftool map show id $map | grep -q 'name ports '; then bpftool map delete id $map key 0 0 0 0; fi
			 done`,
		],
		["a namespace gone", "ip netns del tres"],
	])("is compared where there is %s", async (_, script) => {
		await apply();
		expect(await apply()).toBe(NOTHING);
		expect(await machine.run("sh", ["-ec", script])).toMatchObject({ exitCode: 0 });
		expect(await apply()).toMatch(/^three-routers: \d+ changes? in /);
		expect(await apply()).toBe(NOTHING);
	});

	test("leaves nothing behind when the lab goes", async () => {
		expect(await machine.xdp("destroy", "three-routers")).toMatchObject({ exitCode: 0 });
		expect(await machine.run("ls", ["/run"])).toMatchObject({
			stdout: expect.not.stringContaining("xdp-topology"),
		});
	});
});
