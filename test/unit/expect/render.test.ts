import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { junitReport } from "../../../lib/expect/junit.js";
import type { VerifyReport } from "../../../lib/expect/report.js";
import { tapReport } from "../../../lib/expect/tap.js";
import { checkText, endText } from "../../../lib/expect/text.js";
import { failed, miscounted, passed, report } from "./sample.js";

const empty: VerifyReport = { lab: "bare", ok: true, milliseconds: 5, checks: [], untried: [], drift: [] };

describe("the text", () => {
	test("of a check that passed is one line, with its time and its attempts", () => {
		expect(checkText(passed, 1)).toBe("ok 1 - uno reaches dos:veth0 by ping (213 ms, 2 attempts)\n");
	});

	test("of a check that passed says when verbose what was seen", () => {
		expect(checkText({ ...passed, attempts: 1 }, 1, { verbose: true })).toBe(
			`ok 1 - uno reaches dos:veth0 by ping (213 ms)
    ping to 10.0.2.2: 3 of 3 replies
    r1:uno counted 3 XDP_REDIRECT of ping to 10.0.2.2
`,
		);
	});

	test("of a check that failed says what was seen and the likely cause", () => {
		expect(checkText(failed, 2)).toBe(
			`not ok 2 - uno reaches "dos" #1 <a&b> by UDP (3.2 s, 3 attempts)
    UDP to fc00:2::2: 0 of 10 datagrams arrived; \\u{7} <bell>
    likely cause: dos:veth0 has "neither" a program <nor> GRO
`,
		);
	});

	test("of traffic that took another way says what the interfaces counted", () => {
		expect(checkText({ ...miscounted, attempts: 1 }, 3)).toBe(
			`not ok 3 - uno reaches tres:veth0 by ping (213 ms)
    r1:uno counted 0 XDP_REDIRECT and 3 XDP_PASS; ping to 10.0.3.2 should count at least 3 XDP_REDIRECT
    r1:r3 runs no program that counts XDP_PASS
`,
		);
	});

	test("ends with the lab's differences and a count", () => {
		expect(endText(report)).toBe(
			`the lab differs from its topology:
    + xdp dos:veth0 pass
xdp-apply with the lab's file repairs that
three-routers: 1 of 2 failed, 1 difference (3.5 s)
`,
		);
		expect(endText({ ...report, checks: [passed] }, "lab.yaml")).toBe(
			`the lab differs from its topology:
    + xdp dos:veth0 pass
xdp-apply lab.yaml makes the lab what the file says
three-routers: 1 passed, 1 difference (3.5 s)
`,
		);
		expect(endText({ ...report, drift: [], untried: [{ title: "web is reached", line: 20 }] })).toMatch(
			/^three-routers: 1 of 3 failed, 1 not tried \(3\.5 s\)$/m,
		);
		expect(endText({ ...report, drift: [] })).toMatch(/^the plan finds no difference to the topology\n/);
		expect(endText({ ...report, ok: true, checks: [passed], drift: [] })).toBe(
			"three-routers: 1 passed (3.5 s)\n",
		);
		expect(endText(empty)).toBe("bare: nothing is expected of it (5 ms)\n");
	});

	test("lists no more than twenty differences", () => {
		const drift = Array.from({ length: 25 }, (_, i) => `+ netns n${i}`);
		const lines = endText({ ...report, drift }).split("\n");
		expect(lines.slice(20)).toEqual([
			"    + netns n19",
			"    … and 5 more",
			"xdp-apply with the lab's file repairs that",
			"three-routers: 1 of 2 failed, 25 differences (3.5 s)",
			"",
		]);
	});
});

test("TAP is of version 14, with the traffic as a subtest and no hash that would be a directive", () => {
	expect(tapReport({ ...report, untried: [{ title: "web #1", line: 20 }] }, "lab.yaml")).toBe(`TAP version 14
1..4
# Subtest: uno reaches dos:veth0 by ping
    1..1
    ok 1 - ping to 10.0.2.2: 3 of 3 replies
ok 1 - uno reaches dos:veth0 by ping
  ---
  duration_ms: 213
  attempts: 2
  file: "lab.yaml"
  line: 12
  ...
# Subtest: uno reaches "dos" \\#1 <a&b> by UDP
    1..1
    not ok 1 - UDP to fc00:2::2: 0 of 10 datagrams arrived; \\\\u{7} <bell>
not ok 2 - uno reaches "dos" \\#1 <a&b> by UDP
  ---
  duration_ms: 3210
  attempts: 3
  file: "lab.yaml"
  line: 14
  failure:
    - "UDP to fc00:2::2: 0 of 10 datagrams arrived; \\u0007 <bell>"
    - "likely cause: dos:veth0 has \\"neither\\" a program <nor> GRO"
  ...
ok 3 - web \\#1 # SKIP something failed before
not ok 4 - the lab is what its topology says
  ---
  failure:
    - "+ xdp dos:veth0 pass"
    - "xdp-apply lab.yaml makes the lab what the file says"
  ...
`);
	expect(tapReport({ ...report, drift: [] })).toMatch(/^ok 3 - the lab is what its topology says$/m);
});

describe("JUnit XML", () => {
	test("has a case for each protocol and family, with the place in the file and the cause", () => {
		expect(junitReport(report, "lab.yaml")).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="xdp-verify" tests="3" failures="2" errors="0" time="3.500">
  <testsuite name="three-routers" tests="3" failures="2" errors="0" skipped="0" time="3.500">
    <testcase classname="three-routers" name="uno reaches dos:veth0 by ping: ping to 10.0.2.2" file="lab.yaml" line="12" time="0.211"/>
    <testcase classname="three-routers" name="uno reaches &quot;dos&quot; #1 &lt;a&amp;b&gt; by UDP: UDP to fc00:2::2" file="lab.yaml" line="14" time="3.200">
      <failure message="dos:veth0 has &quot;neither&quot; a program &lt;nor&gt; GRO" type="expectation">UDP to fc00:2::2: 0 of 10 datagrams arrived; \uFFFD &lt;bell&gt;
likely cause: dos:veth0 has &quot;neither&quot; a program &lt;nor&gt; GRO</failure>
    </testcase>
    <testcase classname="three-routers" name="the lab is what its topology says" file="lab.yaml" time="0.000">
      <failure message="the lab differs from its topology: + xdp dos:veth0 pass" type="difference">+ xdp dos:veth0 pass
xdp-apply lab.yaml makes the lab what the file says</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
	});

	test("has what interfaces counted in the case of the traffic that they should have counted", () => {
		const [ping] = miscounted.flows;
		const tcp = { ...ping, protocol: "tcp", detail: "all came back" } as (typeof miscounted.flows)[0];
		const xml = junitReport({ ...report, checks: [{ ...miscounted, flows: [...miscounted.flows, tcp] }] });
		expect(xml).toMatch(
			/name="uno reaches tres:veth0 by ping: ping to 10\.0\.3\.2" time="0\.211">\s*<failure/,
		);
		expect(xml).toMatch(/name="uno reaches tres:veth0 by ping: TCP to 10\.0\.3\.2" time="0\.211"\/>/);
	});

	test("says of what was not tried that it was skipped", () => {
		const xml = junitReport({ ...report, untried: [{ title: "web is reached", line: 20 }] }, "lab.yaml");
		expect(xml).toContain('failures="2" errors="0" skipped="1"');
		expect(xml).toMatch(/name="web is reached" file="lab\.yaml" line="20" time="0\.000">\s*<skipped\/>/);
	});

	test("gives a parser back every character that XML can hold, and none that it cannot", () => {
		const title = `<>&"' \u0000\u001f\ud800 é 日本 \u{1f600} ]]>`;
		const xml = junitReport({ ...empty, checks: [{ ...passed, title }] });
		const script =
			"import sys, json, xml.etree.ElementTree as e; print(json.dumps(e.fromstring(sys.stdin.buffer.read())[0][0].attrib['name']))";
		const read = JSON.parse(
			execFileSync("/usr/bin/python3", ["-c", script], { input: xml, encoding: "utf8" }),
		);
		expect(read).toBe(`<>&"' \uFFFD\uFFFD\uFFFD é 日本 \u{1f600} ]]>: ping to 10.0.2.2`);
	});
});
