import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Machine } from "../machine.js";

/** The rows of the table in docs/headers.md: header, then names in back quotes. */
const rows = readFileSync("docs/headers.md", "utf8")
	.split("\n")
	.filter((line) => /^\| (`[a-z]+\.h`)? *\| `/.test(line));

/** Uses each documented name once, in a program that nothing but `source` leads to the headers. */
const PROGRAM = `#include <xdp-topology/redirect.h>
#include <xdp-topology/rewrite.h>
_Static_assert(XDP_TOPOLOGY_HEADERS == 1, "");

struct macs macs = {{2}, {4}};

SEC("xdp.frags") int all(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx), whole = any_frame(ctx), copy = cursor;
	struct ethhdr *eth = take_ethernet(&cursor);
	struct ipv6hdr *ipv6;
	struct iphdr *ip;
	struct icmp *icmp;

	if (frame_length(ctx) != whole.length || !eth || mac_is_group(eth->h_dest))
		return XDP_PASS;
	if (ethertype(eth) == bpf_htons(ETH_P_IPV6)) {
		ipv6 = take(&cursor, sizeof(*ipv6));
		if (!ipv6 || !ipv6_is_whole(&cursor, ipv6, sizeof(*icmp)) || is_ndp(&cursor, ipv6))
			return XDP_PASS;
		return ipv6_is_unicast(ipv6->daddr.s6_addr32) && !ipv6_is_multicast(ipv6->saddr.s6_addr32) ? XDP_DROP
													  : XDP_PASS;
	}
	ip = take(&cursor, sizeof(*ip));
	if (!ip || !is_plain_ipv4(ip) || is_fragment(ip) || !ipv4_is_unicast(&ip->daddr) ||
	    !ipv4_is_forwardable(&ip->daddr) || !ipv4_is_whole(&cursor, ip, sizeof(*icmp)) || !redirectable(&copy))
		return XDP_PASS;
	icmp = take(&cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMP_ECHO_REQUEST)
		return XDP_PASS;
	icmp->checksum = checksum_less(icmp->checksum, ICMP_ECHO_REQUEST - ICMP_ECHO_REPLY);
	icmp->type = ICMP_ECHO_REPLY;
	if (ip->ttl > 1)
		decrease_ttl(ip);
	set_ttl(ip, 64);
	mac_copy(eth->h_source, eth->h_dest);
	set_macs(eth, &macs);
	return XDP_TX;
}
char LICENSE[] SEC("license") = "Dual MIT/GPL";
`;

let machine: Machine;
const folder = mkdtempSync(join(tmpdir(), "headers-"));

beforeAll(async () => {
	machine = await Machine.start();
});

afterAll(async () => {
	await machine.stop();
	rmSync(folder, { recursive: true });
});

test("a program of the user's finds all documented headers without `include`, and the verifier accepts it", async () => {
	writeFileSync(`${folder}/all.c`, PROGRAM);
	writeFileSync(
		`${folder}/all.yaml`,
		"name: all\nnamespaces: { uno: , dos: }\nprograms: { all: { source: all.c } }\nveths: [{ uno:veth0: { xdp: all }, dos:veth0: }]\n",
	);
	const { exitCode, stderr } = await machine.xdp("apply", `${folder}/all.yaml`);
	expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.not.stringContaining("warning") });
	expect(await machine.xdp("destroy", "all")).toMatchObject({ exitCode: 0 });
});

test("what the page documents is what the program above uses", () => {
	const names = rows.flatMap((row) =>
		[...(row.split("|")[2] ?? "").matchAll(/`(?:struct )?(\w+)[^`]*`/g)].map(([, name]) => name as string),
	);
	expect(names.length).toBeGreaterThan(25);
	expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(PROGRAM))).toEqual([]);
});
