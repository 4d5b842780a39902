import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LabStatus } from "../../lib/index.js";
import { Machine, NOBODY } from "../machine.js";

const FILE = "topologies/case04-map.yaml";

const OTHER = `name: other
namespaces: { a: , b: }
veths: [{ a:veth0: 10.0.0.1/24, b:veth0: 10.0.0.2/24 }]
`;

let machine: Machine;

beforeAll(async () => {
	machine = await Machine.start();
	expect((await machine.xdp("status")).stdout).toBe("no lab is up");
	expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
	expect(await machine.xdpWith(OTHER, "apply")).toMatchObject({ exitCode: 0 });
});

afterAll(() => machine.stop());

async function statusOf(lab: string): Promise<LabStatus> {
	return JSON.parse((await machine.xdp("status", "--json", lab)).stdout);
}

describe("labs that are up", () => {
	test("are listed with their size and whether they are as applied", async () => {
		const { stdout, exitCode } = await machine.xdp("status", "--detailed-exitcode");
		expect(stdout).toBe(
			"case04  3 namespaces, 4 interfaces, as applied\nother   2 namespaces, 2 interfaces, as applied",
		);
		expect(exitCode).toBe(0);
	});

	test("are one document with --json", async () => {
		const labs: LabStatus[] = JSON.parse((await machine.xdp("status", "--json")).stdout);
		expect(labs.map(({ lab }) => lab)).toEqual(["case04", "other"]);
		expect(labs[0]).toEqual(await statusOf("case04"));
		expect(labs[0]?.drift?.changes).toEqual([]);
	});

	test("and a lab that is not is told apart", async () => {
		expect(await machine.xdp("status", "nothing")).toMatchObject({
			exitCode: 64,
			stdout: "",
			stderr: "error: no lab nothing is up; labs that are up: case04, other",
		});
	});
});

interface IpLink {
	ifindex: number;
	mtu: number;
	address: string;
	flags: string[];
	/** XDP_ATTACHED_DRV is 1, XDP_ATTACHED_SKB 2: linux/if_link.h */
	xdp?: { mode: number; prog: { id: number } };
	addr_info: { local: string; prefixlen: number }[];
}

describe("of one lab, by itself and by ip(8) and bpftool(8) the same", () => {
	test("are its namespaces, and how they forward", async () => {
		const { namespaces } = await statusOf("case04");
		expect(namespaces.map(({ name, forwarding }) => [name, forwarding])).toEqual([
			["host", "map"],
			["uno", null],
			["dos", null],
		]);
	});

	test("are its ends", async () => {
		// Link-local addresses are the kernel's, and come when it has looked for duplicates.
		const { namespaces } = await statusOf("case04");
		const ends = namespaces.flatMap(({ ends }) => ends);
		expect(ends.map(({ name, peer }) => [name, peer])).toEqual([
			["host:uno", "uno:veth0"],
			["host:dos", "dos:veth0"],
			["uno:veth0", "host:uno"],
			["dos:veth0", "host:dos"],
		]);
		for (const end of ends) {
			const [namespace = "", name = ""] = end.name.split(":");
			const [link] = await machine.json<[IpLink]>(namespace, "ip", "-j", "addr", "show", "dev", name);
			expect(end).toMatchObject({
				ifindex: link.ifindex,
				mtu: link.mtu,
				mac: link.address,
				up: link.flags.includes("UP"),
			});
			expect([...end.addresses].sort()).toEqual(
				link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`).sort(),
			);
		}
	});

	test("are their programs, with mode, id and tag", async () => {
		const { namespaces } = await statusOf("case04");
		for (const end of namespaces.flatMap(({ ends }) => ends)) {
			const [namespace = "", name = ""] = end.name.split(":");
			const [link] = await machine.json<[IpLink]>(namespace, "ip", "-j", "link", "show", "dev", name);
			const id = link.xdp?.prog.id;
			const program = await machine.json<{ tag: string }>(
				"host",
				"bpftool",
				"-j",
				"prog",
				"show",
				"id",
				`${id}`,
			);
			expect(link.xdp?.mode).toBe(1);
			const [own] = end.xdp;
			expect(end.xdp).toHaveLength(1);
			expect(own).toMatchObject({ mode: "native", id, tag: program.tag, ours: true });
			expect(own?.name).toBe(namespace === "host" ? "map" : "pass");
		}
	});

	test("is all of that in words", async () => {
		const { stdout } = await machine.xdp("status", "case04");
		expect(stdout).toMatch(
			/^host {2}forwards by map\n {2}host:uno — uno:veth0 {2}up {2}mtu 1500 {2}10\.11\.1\.1\/24 /,
		);
		expect(stdout).toMatch(/ {2}map \(native, id \d+, tag [0-9a-f]{16}\)\n/);
		expect(stdout).toMatch(/\n\ncase04: as applied$/);
	});
});

/** What somebody does by hand, and what is said of it: lines of the drift without their reasons. */
const DRIFT: Record<string, { by: string; says: string[]; among?: true }> = {
	"an address removed": {
		by: "ip -n uno addr del 10.11.1.2/24 dev veth0",
		says: [
			"+ address uno:veth0 10.11.1.2/24",
			"+ neighbor uno:veth0 10.11.1.1 lladdr MAC",
			"+ route uno default via 10.11.1.1 dev veth0",
		],
	},
	"an address added": {
		by: "ip -n uno addr add 10.9.9.9/24 dev veth0",
		says: ["- address uno:veth0 10.9.9.9/24"],
	},
	"a route added": {
		by: "ip -n uno route add 10.50.0.0/16 via 10.11.1.1",
		says: ["- route uno 10.50.0.0/16 via 10.11.1.1 dev veth0"],
	},
	"a route removed": {
		by: "ip -n uno route del default",
		says: ["+ route uno default via 10.11.1.1 dev veth0"],
	},
	"a neighbour removed": {
		by: "ip -n uno neigh del 10.11.1.1 dev veth0",
		says: ["+ neighbor uno:veth0 10.11.1.1 lladdr MAC"],
	},
	"a link down": {
		by: "ip link set uno down",
		says: ["~ veth host:uno uno:veth0: host:uno state down → up"],
		among: true,
	},
	"another MTU": {
		by: "ip -n uno link set veth0 mtu 1400",
		says: ["~ veth host:uno uno:veth0: uno:veth0 mtu 1400 → 1500"],
	},
	"another MAC": {
		by: "ip link set uno address 02:00:00:00:00:99",
		says: ["~ veth host:uno uno:veth0: host:uno mac MAC → MAC"],
		among: true,
	},
	"a link removed": {
		by: "ip link del uno",
		says: ["+ veth host:uno uno:veth0", "+ address uno:veth0 10.11.1.2/24", "+ xdp host:uno map"],
		among: true,
	},
	"a namespace removed": {
		by: "ip netns del uno",
		says: ["+ netns uno", "+ veth host:uno uno:veth0", "+ route uno default via 10.11.1.1 dev veth0"],
		among: true,
	},
	"a namespace's lo down": {
		by: "ip -n uno link set lo down",
		says: ["~ netns uno: lo down → up"],
	},
	"a program detached": {
		by: "ip link set uno xdp off",
		says: ["+ xdp host:uno map"],
	},
	"another program attached": {
		by: "ip -force link set dev uno xdp object dist/bpf/pass.bpf.o section xdp.frags",
		says: ["~ xdp host:uno: #ID → map"],
	},
	"an offload turned on": {
		by: "nsenter --net=/run/netns/uno ethtool -K veth0 tx on",
		says: ["~ offload uno:veth0 tx: on → off"],
	},
	"a map's entry changed": {
		// By id: the names of maps are the whole machine's, and other tests' labs have the same.
		by: [
			"program=$(ip -d link show dev uno | sed -n 's/.*prog\\/xdp id \\([0-9]*\\).*/\\1/p')",
			"maps=$(bpftool prog show id $program | sed -n 's/.*map_ids \\([0-9,]*\\).*/\\1/p' | tr , ' ')",
			"for map in $maps; do bpftool map show id $map | grep -q 'name redirects' && break; done",
			"bpftool map update id $map key 0 0 0 0 value 9 0 0 0",
		].join("; "),
		says: ["~ entry map redirects host:uno: :#9 → host:dos"],
	},
	"a sysctl changed": {
		by: "nsenter --net=/run/netns/uno sysctl -qw net.ipv4.ip_forward=1",
		says: ["~ sysctl uno net.ipv4.ip_forward: 1 → 0"],
	},
};

/** The lines about differences as a plan's, whose signs are words in xdp-status. */
function differences(text: string): string[] {
	const signs: Record<string, string> = {
		missing: "+",
		"made again by the repair": "+",
		changed: "~",
		"not in the topology": "-",
	};
	let sign = "";
	return changes(
		text
			.split("\n")
			.flatMap((line) => {
				const [, word] = /^ {2}(\w.*):$/.exec(line) ?? [];
				if (word !== undefined) {
					sign = signs[word] ?? `no sign for ${word}`;
					return [];
				}
				return sign && line.startsWith("    ") ? [`${sign} ${line.trim()}`] : [];
			})
			.join("\n"),
	);
}

/** The lines of a plan, without reasons and with what differs from run to run made the same. */
function changes(text: string): string[] {
	return [...text.matchAll(/^ *(?:[+~-]|-\/\+) .*/gm)].map(([line]) =>
		line
			.replace(/ +# .*/, "")
			.replaceAll(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, "MAC")
			.replace(/#\d+ → map$/, "#ID → map")
			.trim(),
	);
}

describe("drift is named, and xdp-apply repairs it:", () => {
	test.each(Object.keys(DRIFT))("%s", async (title) => {
		const { by, says, among } = DRIFT[title] as (typeof DRIFT)[string];
		const byHand = await machine.run("sh", ["-c", by]);
		expect(byHand.exitCode, byHand.stderr).toBe(0);

		const { stdout, exitCode } = await machine.xdp("status", "--detailed-exitcode", "case04");
		const found = differences(stdout);
		expect(stdout).toContain("\n`xdp-apply` with the lab's file repairs this");
		expect(found).toEqual(among ? expect.arrayContaining(says) : says);
		expect(exitCode).toBe(2);
		expect((await machine.xdp("status", "case04")).exitCode).toBe(0);

		// As xdp-plan has it, which is given the file.
		expect(changes((await machine.xdp("plan", FILE)).stdout).sort()).toEqual([...found].sort());
		const count = `${found.length} difference${found.length === 1 ? "" : "s"} from what was applied`;
		const overview = await machine.xdp("status", "--detailed-exitcode");
		expect(overview).toMatchObject({ exitCode: 2, stdout: expect.stringContaining(count) });
		expect(overview.stdout).toContain("other   2 namespaces, 2 interfaces, as applied");

		expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
		expect(await machine.xdp("status", "--detailed-exitcode", "--quiet", "case04")).toEqual({
			exitCode: 0,
			stdout: "",
			stderr: "",
		});
	});
});

test.each([80, 120])(
	"on a terminal of %i columns no line is longer, and nothing is left out",
	async (width) => {
		await machine.run("sh", [
			"-c",
			"ip -n uno addr add 10.9.9.9/24 dev veth0; ip -n uno link set veth0 mtu 1400",
		]);
		const command = `stty cols ${width}; ${process.execPath} dist/bin/xdp-status.js`;
		const drawn = await machine.run("script", ["-qec", `${command} case04; ${command}`, "/dev/null"]);
		const lines = drawn.stdout.replaceAll("\r", "").split("\n");
		expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
		const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");
		const plain = await machine.xdp("status", "case04");
		const overview = await machine.xdp("status");
		expect(words(drawn.stdout)).toEqual(words(`${plain.stdout}\n${overview.stdout}`));
		expect(plain.stdout).toContain("\n  changed:\n    veth host:uno uno:veth0: uno:veth0 mtu 1400 → 1500\n");
		expect(plain.stdout).toContain("\n  not in the topology:\n    address uno:veth0 10.9.9.9/24\n");
		expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
	},
);

test("link-local addresses of the kernel are shown with --verbose", async () => {
	await expect
		.poll(async () => (await machine.xdp("status", "--verbose", "other")).stdout)
		.toMatch(/10\.0\.0\.1\/24 {2}fe80::/);
	expect((await machine.xdp("status", "other")).stdout).not.toContain("fe80");
});

test("a program that is not the lab's is shown as that", async () => {
	await machine.run("sh", ["-c", DRIFT["another program attached"]?.by ?? ""]);
	const { stdout } = await machine.xdp("status", "case04");
	expect(stdout).toMatch(/host:uno .* xdp_pass \(native, id \d+, tag [0-9a-f]{16}, not this lab's\)\n/);
	const { namespaces, drift } = await statusOf("case04");
	expect(namespaces[0]?.ends[0]?.xdp).toMatchObject([{ name: "xdp_pass", ours: false }]);
	expect(drift?.counts).toEqual({ create: 0, update: 1, replace: 0, remove: 0 });
	expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
});

test("links and routes that are nobody's business are no drift", async () => {
	for (const by of [
		"ip -n uno link add mine type veth peer name yours",
		"ip -n uno route add 10.60.0.0/16 via 10.11.1.1 proto 12",
		"ip addr add 10.70.0.1/24 dev lo",
	])
		expect(await machine.run("sh", ["-c", by]), by).toMatchObject({ exitCode: 0, stderr: "" });
	expect((await statusOf("case04")).drift?.changes).toEqual([]);
});

test("a lab whose state file is lost is found, and what was applied is said not to be known", async () => {
	await machine.run("rm", ["/run/xdp-topology/case04.json"]);
	const overview = await machine.xdp("status", "--detailed-exitcode");
	expect(overview.stdout).toContain("case04  3 namespaces, 4 interfaces, what was applied is not known");
	expect(overview.exitCode).toBe(2);

	const { stdout } = await machine.xdp("status", "case04");
	expect(stdout).toMatch(/uno:veth0 — host:uno {2}up/);
	expect(stdout).toMatch(/\ncase04: what was applied is not known$/);
	expect(stdout).not.toContain("forwards by");
	const { drift, namespaces } = await statusOf("case04");
	expect(drift).toBeNull();
	expect(namespaces.map(({ name }) => name).sort()).toEqual(["dos", "host", "uno"]);

	// The file brings it back.
	expect(await machine.xdp("apply", FILE)).toMatchObject({ exitCode: 0 });
	expect((await machine.xdp("status")).stdout).toContain("case04  3 namespaces, 4 interfaces, as applied");
});

test("without root, it says what to do", async () => {
	const { exitCode, stderr } = await machine.run("setpriv", [
		...NOBODY,
		process.execPath,
		"dist/bin/xdp-status.js",
	]);
	expect(exitCode).toBe(77);
	expect(stderr).toContain("run this as root (sudo)");
});
