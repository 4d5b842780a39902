import type { Context } from "./declared.js";
import { resolveForwarding } from "./forwarding.js";
import type { NamespaceEntry, TopologyDocument } from "./generated/document.js";
import { declareLoopback } from "./loopback.js";
import { namespaceProblem } from "./names.js";
import { resolveNeighbors } from "./neighbors.js";
import type { Entry, Sound } from "./positions.js";
import { quote } from "./printable.js";
import { resolveRoutes } from "./routes.js";
import { resolveSysctls } from "./sysctls.js";
import { HOST, type Namespace } from "./topology.js";

type NamespaceValue = Sound<NamespaceEntry>;

/** Declares all namespaces and the addresses on their `lo`, before references to them are resolved. */
export function declareNamespaces(document: Sound<TopologyDocument>, context: Context): void {
	const { positions, declared, report } = context;
	const { namespaces } = document;
	declared.namespacesIncomplete =
		positions.isLost(document, "namespaces") || (namespaces === undefined && positions.isDamaged(document));
	for (const { name, key, value } of positions.entries<NamespaceValue>(namespaces ?? {})) {
		const problem = namespaceProblem(name);
		if (problem !== undefined) report.error(key, "name", `namespace name ${quote(name)} ${problem}`);
		declared.addNamespace(name);
		declareLoopback(name, value, context);
	}
}

/** The namespaces in the order of the file, `host` first if it is used at all. */
export function resolveNamespaces(document: Sound<TopologyDocument>, context: Context): Namespace[] {
	const { positions, declared } = context;
	const entries = [...positions.entries<NamespaceValue>(document.namespaces ?? {})];
	const namespaces = entries.map((entry) => resolveNamespace(entry, context));
	const host = namespaces.find(({ name }) => name === HOST);
	if (host === undefined && declared.ends(HOST).length === 0) return namespaces;
	return [
		host ?? { name: HOST, routes: [], neighbors: [], learned: false, sysctls: {} },
		...namespaces.filter((namespace) => namespace !== host),
	];
}

function resolveNamespace({ name, value }: Entry<NamespaceValue>, context: Context): Namespace {
	const entry = value ?? {};
	const forwarding =
		entry.forwarding === undefined
			? undefined
			: resolveForwarding(name, entry.forwarding, context.positions.value(entry, "forwarding"), context);
	const addresses = context.declared.loopback(name)?.addresses ?? [];
	return {
		name,
		...(addresses.length > 0 && { addresses: addresses.map(({ withLength }) => withLength) }),
		...(forwarding === undefined ? {} : { forwarding }),
		routes: resolveRoutes(name, entry, context),
		...resolveNeighbors(name, entry, context),
		sysctls: resolveSysctls(name, entry, context),
	};
}
