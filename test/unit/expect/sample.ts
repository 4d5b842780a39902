import type { CheckReport, VerifyReport } from "../../../lib/expect/report.js";

const none = { XDP_ABORTED: 0, XDP_DROP: 0, XDP_PASS: 0, XDP_TX: 0, XDP_REDIRECT: 0 };

/** A check that passed at its second attempt. */
export const passed: CheckReport = {
	title: "uno reaches dos:veth0 by ping",
	line: 12,
	ok: true,
	milliseconds: 213,
	attempts: 2,
	flows: [
		{
			protocol: "ping",
			family: 4,
			address: "10.0.2.2",
			ok: true,
			detail: "3 of 3 replies",
			attempts: 2,
			milliseconds: 211,
		},
	],
	actions: [
		{
			end: "r1:uno",
			action: "XDP_REDIRECT",
			of: "ping to 10.0.2.2",
			ok: true,
			counts: { ...none, XDP_REDIRECT: 3 },
			least: 3,
		},
	],
	causes: [],
};

/** One of which nothing came through; its texts have what XML, YAML and TAP treat specially. */
export const failed: CheckReport = {
	title: 'uno reaches "dos" #1 <a&b> by UDP',
	line: 14,
	ok: false,
	milliseconds: 3210,
	attempts: 3,
	flows: [
		{
			protocol: "udp",
			family: 6,
			address: "fc00:2::2",
			ok: false,
			detail: "0 of 10 datagrams arrived; \u0007 <bell>",
			attempts: 3,
			milliseconds: 3200,
		},
	],
	actions: [],
	causes: ['dos:veth0 has "neither" a program <nor> GRO'],
};

/** One whose traffic came through, but not by the program. */
export const miscounted: CheckReport = {
	...passed,
	title: "uno reaches tres:veth0 by ping",
	ok: false,
	flows: passed.flows.map((flow) => ({ ...flow, address: "10.0.3.2" })),
	actions: [
		{
			end: "r1:uno",
			action: "XDP_REDIRECT",
			of: "ping to 10.0.3.2",
			ok: false,
			counts: { ...none, XDP_PASS: 3 },
			least: 3,
		},
		{ end: "r1:r3", action: "XDP_PASS", of: "ping to 10.0.3.2", ok: false, counts: null, least: 3 },
	],
};

export const report: VerifyReport = {
	lab: "three-routers",
	ok: false,
	milliseconds: 3500,
	checks: [passed, failed],
	untried: [],
	drift: ["+ xdp dos:veth0 pass"],
};
