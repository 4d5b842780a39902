import { execa } from "execa";

/** A family of metrics as the parser of Prometheus's Python client has it. */
export interface MetricFamily {
	name: string;
	type: string;
	unit: string;
	help: string;
	samples: { name: string; labels: Record<string, string>; value: number }[];
}

const PARSE = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
text = sys.stdin.buffer.read().decode()
print(json.dumps([
    {"name": f.name, "type": f.type, "unit": f.unit, "help": f.documentation,
     "samples": [{"name": s.name, "labels": s.labels, "value": s.value} for s in f.samples]}
    for f in parse(text)]))
`;

/** Reads OpenMetrics text by a parser that refuses what the specification does. */
export async function parsed(text: string): Promise<MetricFamily[]> {
	const { stdout } = await execa("/usr/bin/python3", ["-c", PARSE], { input: text });
	return JSON.parse(stdout) as MetricFamily[];
}
