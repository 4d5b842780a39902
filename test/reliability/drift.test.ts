import { expect, test } from "vitest";
import { destroy, status } from "../../lib/index.js";
import { applyText, changes, differences, sh, useSandbox } from "../kernel/sandbox.js";
import { fc, SEED } from "../random.js";
import { LONG, RUNS } from "./extent.js";
import { expectSame, outcome, settled, startAfresh } from "./system.js";
import { topologyOf } from "./topologies.js";

useSandbox();

const LAB = "any";

/** An end, and how ip(8) and other commands get to its namespace. */
interface End {
	ip: string;
	run: string;
	link: string;
	inHost: boolean;
	/** What the file itself says. Other offloads are as somebody likes them. */
	offloads: Record<string, boolean>;
}

/**
 * What somebody may do to an end. Some of it comes to nothing, or is refused, where the end is not like
 * that.
 */
const DEEDS: ((end: End) => string)[] = [
	({ ip, link }) => `${ip} address flush dev ${link} scope global`,
	({ ip, link }) => `${ip} address add 10.9.9.9/24 dev ${link}`,
	({ ip, link }) => `${ip} -6 address add fc00:99::9/64 nodad dev ${link}`,
	({ ip, link }) => `${ip} link set dev ${link} down`,
	({ ip, link }) => `${ip} link set dev ${link} mtu 1337`,
	({ ip, link }) => `${ip} link set dev ${link} address 02:00:00:00:99:99`,
	({ ip, link }) => `${ip} link delete dev ${link}`,
	({ ip, link }) => `${ip} link set dev ${link} down; ${ip} link set dev ${link} name renamed`,
	({ ip, link }) => `${ip} link set dev ${link} xdp off; ${ip} link set dev ${link} xdpgeneric off`,
	({ run, link }) =>
		`bpftool prog load dist/bpf/drop.bpf.o /sys/fs/bpf/deed type xdp
		${run} bpftool net attach xdp pinned /sys/fs/bpf/deed dev ${link} overwrite; rm -f /sys/fs/bpf/deed`,
	({ ip, link }) => `${ip} neighbour flush dev ${link} nud permanent`,
	({ ip, link }) => `${ip} neighbour replace 10.9.9.10 lladdr 02:00:00:00:99:98 nud permanent dev ${link}`,
	({ ip, link }) => `${ip} route flush dev ${link} proto static`,
	({ ip, link }) => `${ip} route add 10.98.0.0/16 dev ${link}`,
	({ run, link, offloads }) =>
		Object.entries(offloads)
			.map(([feature, on]) => `${run} ethtool -K ${link} ${feature} ${on ? "off" : "on"}`)
			.join("\n"),
	({ run, link, inHost }) => (inHost ? "" : `${run} sysctl -qw net.ipv4.conf.${link}.forwarding=1`),
	({ run, link, inHost }) => (inHost ? "" : `${run} sysctl -qw net.ipv6.conf.${link}.forwarding=1`),
	({ run, link }) => `${run} sysctl -qw net.ipv6.conf.${link}.disable_ipv6=1`,
];

const deeds = fc.array(fc.tuple(fc.nat(7), fc.constantFrom(...DEEDS)), { minLength: 1, maxLength: 3 });

function endsOf(text: string): End[] {
	const { veths } = JSON.parse(text) as { veths: Record<string, Partial<End>>[] };
	return veths.flatMap((veth) =>
		Object.entries(veth).map(([name, { offloads = {} }]) => {
			const [namespace = "", link = ""] = name.split(":");
			const inHost = namespace === "host";
			const [ip, run] = inHost ? ["ip", ""] : [`ip -n ${namespace}`, `nsenter --net=/run/netns/${namespace}`];
			return { ip, run, link, inHost, offloads };
		}),
	);
}

test(
	"whatever is done to a lab by hand, status names it and apply repairs it",
	async () => {
		const numRuns = RUNS ?? (LONG ? 1000 : 8);
		startAfresh();
		let tried = 0;
		let felt = 0;
		const property = fc
			.asyncProperty(topologyOf(LAB), deeds, async (text, list) => {
				await applyText(text);
				const before = await settled(outcome);
				const ends = endsOf(text);
				const done = list.map(([end, deed]) => deed(ends[end % ends.length] as End)).join("\n");
				sh(`{ ${done}\n:; } >/dev/null 2>&1`);
				const differs = differences(before, outcome());
				const { drift } = status(LAB);
				if (differs.length > 0) {
					felt++;
					expect(drift?.changes, `${done}\n${differs.join("\n")}`).not.toEqual([]);
				}
				await applyText(text);
				await expectSame(before, outcome, done);
				expect(await changes(text), done).toEqual([]);
				tried++;
			})
			.afterEach(async () => {
				await destroy(LAB, { kill: true });
				sh("ip link del dev renamed 2>/dev/null || true");
			});
		await fc.assert(property, { seed: SEED, numRuns });
		expect(tried).toBe(numRuns);
		// Of most ends most deeds change something: that fewer do is no matter of luck.
		expect(felt).toBeGreaterThanOrEqual(numRuns / 3);
		console.info(`${tried} labs, ${felt} of them changed (SEED=${SEED})`);
	},
	LONG ? 3_600_000 : 240_000,
);
