import { splitEnd } from "../topology/names.js";
import { ACTIONS } from "./counts.js";
import type { InterfaceStats, Row } from "./rates.js";

interface Family {
	/** Ends in its unit; samples have `_total` after it, as those of a counter. */
	name: string;
	unit: "packets" | "bytes";
	help: string;
	samples(one: InterfaceStats): Sample[];
}

interface Sample {
	verdict?: string;
	value: number | null | undefined;
}

const byVerdict = (value: (row: Row) => number | null) => (one: InterfaceStats) =>
	ACTIONS.map((verdict) => {
		const row = one.actions?.[verdict];
		return { verdict, value: row && value(row) };
	});

const FAMILIES: readonly Family[] = [
	{
		name: "xdp_packets",
		unit: "packets",
		help: "Packets by the verdict of the XDP program. If the veth counts, XDP_DROP includes XDP_ABORTED.",
		samples: byVerdict(({ packets }) => packets),
	},
	{
		name: "xdp_bytes",
		unit: "bytes",
		help: "Bytes by the verdict of the XDP program. Absent if the veth counts, which has bytes as a total only.",
		samples: byVerdict(({ bytes }) => bytes),
	},
	{
		name: "xdp_received_packets",
		unit: "packets",
		help: "Packets that the XDP program received.",
		samples: ({ total }) => [{ value: total?.packets }],
	},
	{
		name: "xdp_received_bytes",
		unit: "bytes",
		help: "Bytes that the XDP program received.",
		samples: ({ total }) => [{ value: total?.bytes }],
	},
	{
		name: "xdp_lost_packets",
		unit: "packets",
		help: "Packets lost before or after the verdict of the XDP program. Absent if the program itself counts.",
		samples: ({ lost }) => [{ value: lost }],
	},
];

/**
 * A sample in the text format of OpenMetrics 1.0, for Prometheus. Interfaces that nobody counts are absent.
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export function openMetricsText(interfaces: readonly InterfaceStats[]): string {
	const families = FAMILIES.map(({ name, unit, help, samples }) => {
		const lines = interfaces.flatMap((one) =>
			samples(one).flatMap(({ verdict, value }) =>
				value === null || value === undefined ? [] : [`${name}_total{${labels(one, verdict)}} ${value}\n`],
			),
		);
		return `# TYPE ${name} counter\n# UNIT ${name} ${unit}\n# HELP ${name} ${help}\n${lines.join("")}`;
	});
	return `${families.join("")}# EOF\n`;
}

function labels({ lab, interface: end, program }: InterfaceStats, verdict: string | undefined): string {
	const values = {
		lab,
		...splitEnd(end),
		program: program?.name ?? "",
		...(verdict !== undefined && { verdict }),
	};
	return Object.entries(values)
		.map(([name, value]) => `${name}="${escaped(value)}"`)
		.join(",");
}

/** ABNF `escaped-string` of the specification. */
function escaped(value: string): string {
	return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
