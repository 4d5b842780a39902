import { expect, test } from "vitest";
import { openMetricsText } from "../../../lib/stats/openmetrics.js";
import { rates } from "../../../lib/stats/rates.js";
import { vethCounts } from "../../../lib/stats/veth.js";
import { parsed } from "../../openmetrics.js";
import { counted, reading } from "./readings.js";

const fib = rates(
	reading({ counts: counted({ XDP_PASS: [3, 294], XDP_REDIRECT: [1303, 153_754] }) }),
	undefined,
);

test("each counter is one that a parser of OpenMetrics reads, with all labels", async () => {
	const labels = { lab: "demo", namespace: "r1", interface: "uno", program: "fib" };
	const families = await parsed(openMetricsText([fib]));
	expect(families.map(({ name, type, unit }) => [name, type, unit])).toEqual([
		["xdp_packets", "counter", "packets"],
		["xdp_bytes", "counter", "bytes"],
		["xdp_received_packets", "counter", "packets"],
		["xdp_received_bytes", "counter", "bytes"],
		["xdp_lost_packets", "counter", "packets"],
	]);
	for (const { help } of families) expect(help).toMatch(/^[A-Z].*\.$/);
	const [packets, bytes, received] = families;
	expect(packets?.samples).toEqual(
		Object.entries({ XDP_ABORTED: 0, XDP_DROP: 0, XDP_PASS: 3, XDP_TX: 0, XDP_REDIRECT: 1303 }).map(
			([verdict, value]) => ({ name: "xdp_packets_total", labels: { ...labels, verdict }, value }),
		),
	);
	expect(bytes?.samples.at(-1)?.value).toBe(153_754);
	expect(received?.samples).toEqual([{ name: "xdp_received_packets_total", labels, value: 1306 }]);
});

test("what nobody counts is absent", async () => {
	const counts = vethCounts([
		["rx_queue_0_xdp_packets", 10],
		["rx_queue_0_xdp_bytes", 600],
		["rx_queue_0_drops", 7],
	]);
	const bare = reading({ interface: "host:uno", program: null, source: null, counts: null });
	const veth = reading({ source: { kind: "veth" }, counts: counts ?? null });
	const families = await parsed(openMetricsText([veth, bare].map((one) => rates(one, undefined))));
	expect(
		Object.fromEntries(families.map(({ name, samples }) => [name, samples.map(({ value }) => value)])),
	).toEqual({
		xdp_packets: [0, 3, 0, 0],
		xdp_bytes: [],
		xdp_received_packets: [10],
		xdp_received_bytes: [600],
		xdp_lost_packets: [7],
	});
	expect((await parsed(openMetricsText([]))).flatMap(({ samples }) => samples)).toEqual([]);
});

test("names come through whole, whatever is in them", async () => {
	const names = [
		'quo"te',
		"back\\slash",
		"\\n",
		"line\nend",
		"\\",
		'"}',
		"ünï",
		"\u{1b}[31m",
		"a=b,c",
		"#",
		"",
	];
	const program = (name: string) => ({ name, id: 1, tag: "", mode: "native", lab: null }) as const;
	const all = names.map((name) => ({ ...fib, program: program(name), interface: `r1:${name}` as const }));
	const [packets] = await parsed(openMetricsText(all));
	expect(
		packets?.samples.filter(({ labels }) => labels["verdict"] === "XDP_TX").map(({ labels }) => labels),
	).toEqual(
		names.map((name) => ({
			lab: "demo",
			namespace: "r1",
			interface: name,
			program: name,
			verdict: "XDP_TX",
		})),
	);
});
