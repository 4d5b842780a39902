import { describe, expect, test } from "vitest";
import { expand } from "../../../lib/declare/expand.js";
import { kernelNeeds } from "../../../lib/declare/kernel-needs.js";
import { KERNEL_FEATURES, warningOf } from "../../../lib/kernel/features.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";

/** What a router between two hosts is, and what its interfaces and those of the hosts are. */
interface Parts {
	router?: string;
	forwarding: string;
	a?: string;
	b?: string;
	programs?: string;
}

const SMALL = "{ addresses: [10.0.1.1/24], mtu: 3506 }";
const LARGE_A = "{ addresses: [10.0.1.1/24], mtu: 9000 }";
const LARGE_B = "{ addresses: [10.0.2.1/24], mtu: 9000 }";

/** The warnings on a kernel that has none of the features. */
function warningsOf({ router = "r", forwarding, a = LARGE_A, b = LARGE_B }: Parts): string[] {
	const text = `name: lab
namespaces:
  ${router}: { forwarding: ${forwarding} }
  uno:
  dos:
veths:
  - ${router}:uno: ${a}
    uno:veth0: { mtu: 9000 }
  - ${router}:dos: ${b}
    dos:veth0: { mtu: 9000 }
`;
	return kernelNeeds(expand(parseTopology(text, "lab.yaml"))).map(warningOf);
}

const JUMBO =
	"r: this kernel drops packets of more than 3506 bytes that XDP redirects between r:uno and r:dos: use Linux 6.3 or newer, or an `mtu` of at most 3506";

describe("multi-buffer redirect", () => {
	test.each<[title: string, parts: Parts, warnings: string[]]>([
		["fib with large MTUs on two interfaces", { forwarding: "fib" }, [JUMBO]],
		["map", { forwarding: "{ mode: map, redirect: { uno: dos } }" }, [JUMBO]],
		["hardcoded", { forwarding: "{ mode: hardcoded, redirect: { uno: dos, dos: uno } }" }, [JUMBO]],
		["a large MTU on one side only", { forwarding: "fib", a: SMALL }, []],
		["the kernel's own forwarding", { forwarding: "kernel" }, []],
		["generic mode, which makes each frame one buffer", { forwarding: "{ mode: fib, attach: generic }" }, []],
	])("%s", (_, parts, warnings) => {
		expect(warningsOf(parts)).toEqual(warnings);
	});
});

describe("force_forwarding", () => {
	const IPV6 = { a: '"fc00:1::1/64"', b: '"fc00:2::1/64"' };
	const WARNING =
		"host: this kernel has no `force_forwarding`, so the lab's IPv6 is not forwarded: use Linux 6.17 or newer, or `sysctl net.ipv6.conf.all.forwarding=1`, which makes the whole machine a router";

	test.each<[title: string, parts: Parts, warnings: string[]]>([
		["IPv6 through `host` by the kernel", { router: "host", forwarding: "kernel", ...IPV6 }, [WARNING]],
		["IPv4 through `host`", { router: "host", forwarding: "kernel" }, []],
		[
			"link-local addresses alone",
			{ router: "host", forwarding: "kernel", a: '"fe80::1/64"', b: '"fe80::2/64"' },
			[],
		],
		["IPv6 through `host` by XDP", { router: "host", forwarding: "fib", ...IPV6 }, []],
		["IPv6 through a namespace of the lab", { forwarding: "kernel", ...IPV6 }, []],
	])("%s", (_, parts, warnings) => {
		expect(warningsOf(parts)).toEqual(warnings);
	});
});

test("README's table names the kernel of each feature that a supported kernel may lack", async () => {
	const { readFileSync } = await import("node:fs");
	const readme = readFileSync("README.md", "utf8");
	const rows = [...readme.matchAll(/^\| .* \| (\d+\.\d+)(?: \(Debian \d+\))? \|/gm)].map(
		([, since]) => since,
	);
	const newer = Object.values(KERNEL_FEATURES)
		.map(({ since }) => since)
		.filter((since) => since !== "5.18");
	expect(rows).toEqual(expect.arrayContaining(newer));
});
