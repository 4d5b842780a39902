import type { Context } from "./declared.js";
import type { NamespaceEntry } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import { parseSysctlName, parseSysctlValue, type SysctlName } from "./sysctl.js";
import { HOST } from "./topology.js";

/** What stands in an interface's place and is in every namespace. */
const ALWAYS_THERE: readonly string[] = ["all", "default", "lo"];

/** The sysctls of a namespace, each under the one name that is kept of it. */
export function resolveSysctls(
	namespace: string,
	entry: Sound<NonNullable<NamespaceEntry>>,
	context: Context,
): Record<string, string> {
	const { positions, report } = context;
	const sysctls: Record<string, string> = {};
	const first = new Map<string, { name: string; where: string }>();
	for (const { name, value, key, at } of positions.entries<string | number | boolean>(entry.sysctls ?? {})) {
		const parsed = report.take(key, "sysctl", parseSysctlName(name));
		const written = value === undefined ? undefined : report.take(at, "sysctl", parseSysctlValue(value));
		if (parsed === undefined) continue;
		const before = first.get(parsed.name);
		if (before !== undefined) {
			const message = `${quote(name)} is the same value as ${quote(before.name)} ${before.where}`;
			report.error(key, "duplicate", message);
			continue;
		}
		first.set(parsed.name, { name, where: report.source.where(key.start) });
		checkScope(namespace, name, parsed, key, context);
		if (written !== undefined) sysctls[parsed.name] = written;
	}
	return sysctls;
}

/** A sysctl of an interface is one of the namespace's own; in `host` there are no others. */
function checkScope(namespace: string, text: string, name: SysctlName, at: Range, context: Context): void {
	if (name.interface !== undefined && !ALWAYS_THERE.includes(name.interface)) {
		context.declared.findInterface(namespace, name.interface, at);
	} else if (namespace === HOST) {
		const hint = "in `host` only those of the lab's own ends, for example `net.ipv4.conf.IF.forwarding`";
		context.report.error(at, "sysctl", `sysctl ${quote(text)} would change the machine itself`, hint);
	}
}
