import { expect, test } from "vitest";
import { applyText, changes, clearAfterEach, sh, useSandbox } from "./sandbox.js";

useSandbox();
clearAfterEach();

test("of two hundred namespaces, each has the sysctls that the file gives it", async () => {
	const namespaces = Array.from({ length: 200 }, (_, i) => ({ name: `n${i}`, ttl: String(i + 1) }));
	const text = `name: many
namespaces:
${namespaces.map(({ name, ttl }) => `  ${name}: { sysctls: { net.ipv4.ip_default_ttl: ${ttl} } }`).join("\n")}
`;
	await applyText(text);
	const values = sh(
		`for i in {0..199}; do nsenter --net=/run/netns/n$i cat /proc/sys/net/ipv4/ip_default_ttl; done`,
	);
	expect(values.trim().split("\n")).toEqual(namespaces.map(({ ttl }) => ttl));
	expect(await changes(text)).toEqual([]);
	sh("nsenter --net=/run/netns/n137 sysctl -qw net.ipv4.ip_default_ttl=3");
	expect(await changes(text)).toEqual(["~ sysctl n137 net.ipv4.ip_default_ttl: 3 → 138"]);
});

test("an IPv6 default of the file holds for interfaces to come, whether it was there first or is edited", async () => {
	const lab = (sysctls: string) => `name: defaults
namespaces: { uno: { sysctls: { ${sysctls} } }, dos: }
veths:
  - uno:a: 10.1.0.1/24
    dos:a: 10.1.0.2/24
`;
	const limits = () =>
		sh("nsenter --net=/run/netns/uno sysctl -n net.ipv6.conf.{default,a}.hop_limit").trim().split("\n");
	await applyText(lab("net.ipv6.conf.default.hop_limit: 2"));
	expect(limits()).toEqual(["2", "64"]);
	await applyText(lab("net.ipv6.conf.default.hop_limit: 1"));
	expect(limits()).toEqual(["1", "64"]);
});
