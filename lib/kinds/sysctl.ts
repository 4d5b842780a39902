import { groupBy } from "../group-by.js";
import type { Lab } from "../kernel/lab.js";
import { normalizeValue } from "../kernel/sysctl.js";
import { idOf, type LabObject } from "../plan/object.js";
import type { NamespaceSnapshot } from "../snapshot/snapshot.js";
import { interfaceOf } from "../topology/sysctl-interface.js";
import { HOST } from "../topology/topology.js";
import { forEach, type Kind } from "./kind.js";

export interface Sysctl {
	namespace: string;
	name: string;
	/** White space folded; null where the kernel has no such name. */
	value: string | null;
	/** A kernel without this name is as good. */
	optional?: true;
}

/** A setting below /proc/sys/net of one namespace. It cannot be removed, only set. */
export const sysctl: Kind<Sysctl> = {
	name: "sysctl",
	title: ["sysctl", "sysctls"],
	declare: ({ sysctls, ends, pairs }) =>
		sysctls
			// Writing `all` sets the interfaces' own values too, so those come after it.
			.toSorted(
				(a, b) => Number(interfaceOf(a.name) !== undefined) - Number(interfaceOf(b.name) !== undefined),
			)
			.map(({ namespace, name, value, optional, reason }): LabObject<Sysctl> => {
				const pair = pairs.get(`${namespace}:${interfaceOf(name)}`);
				return {
					kind: "sysctl",
					name: `${namespace} ${name}`,
					spec: { namespace, name, value: normalizeValue(value), ...(optional && { optional }) },
					within: [
						...(namespace === HOST ? [] : [`netns ${namespace}`]),
						...(pair === undefined ? [] : [pair]),
					],
					// A new interface takes over what is set then; a later change of the file would not reach it.
					needs: name.includes(".default.")
						? [...ends.values()]
								.filter((other) => other.namespace === namespace)
								.flatMap((other) => pairs.get(other.name) ?? [])
						: [],
					...(reason !== undefined && { reason }),
				};
			}),
	ask: (objects) => objects.map(({ spec: { namespace, name } }) => ({ namespace, sysctl: name })),
	observe: ({ namespaces, ends }) =>
		[...namespaces.values()].flatMap((namespace) =>
			Array.from(namespace.sysctls, ([name, value]): LabObject<Sysctl> => {
				const pair = ends.get(`${namespace.name}:${interfaceOf(name)}`)?.pair;
				return {
					kind: "sysctl",
					name: `${namespace.name} ${name}`,
					spec: { namespace: namespace.name, name, value: value ?? null },
					within: [
						...(namespace.made ? [`netns ${namespace.name}`] : []),
						...(pair === undefined ? [] : [pair]),
					],
					needs: [],
				};
			}).filter(({ spec }) => spec.value !== null || hasInterface(namespace, spec.name)),
		),
	equal: (desired, actual) =>
		desired.value === actual.value || (desired.optional === true && actual.value === null),
	create: (objects, lab) => write(objects, lab, (list) => list.every((one) => isAsMade(one, lab))),
	update: (changes, lab) =>
		write(
			changes.map(({ object }) => object),
			lab,
		),
	remove: () => {},
	restores: ({ spec }) => spec.value !== null,
	forget: (object, lab) => {
		const { namespace, name } = object.spec;
		if (!lab.has(namespace) || isOfVeth(name)) return undefined;
		const interfaces = /^net\.(ipv4|ipv6)\.(conf|neigh)\.(?!all\.|default\.)[^.]+\.(.+)$/.exec(name);
		const value = interfaces
			? lab.enter(
					namespace,
					() => lab.sysctls.read(`net.${interfaces[1]}.${interfaces[2]}.default.${interfaces[3]}`) ?? null,
				)
			: lab.freshSysctl(name);
		const reason = "no longer in the file: the kernel's default";
		return value === null ? undefined : { ...object, spec: { namespace, name, value }, reason };
	},
	describe: ({ spec: { namespace, name, value } }) => `${namespace} ${name} = ${value}`,
	describeChange: (from, to) => `${from.value ?? "no such sysctl"} → ${to.value}`,
};

/** What the pair itself settles for each of its ends, unless the file has its own word on it. */
function isOfVeth(name: string): boolean {
	return interfaceOf(name) !== undefined && /\.accept_(?:dad|ra)$/.test(name);
}

/** Whether the interface of a name is there, or it is of none: then the kernel just has no such name. */
function hasInterface({ links }: NamespaceSnapshot, name: string): boolean {
	const link = interfaceOf(name);
	return link === undefined || links.some((one) => one.name === link);
}

/** Whether it has this value in any namespace that this command has made, and this is one. */
function isAsMade({ spec: { namespace, name, value } }: LabObject<Sysctl>, lab: Lab): boolean {
	return lab.isFresh(namespace) && value === lab.freshSysctl(name);
}

/** @param skip whether nothing needs to be written in a namespace, given all that is wanted of it */
function write(
	objects: readonly LabObject<Sysctl>[],
	lab: Lab,
	skip: (list: readonly LabObject<Sysctl>[]) => boolean = () => false,
): void {
	for (const [namespace, list] of groupBy(objects, ({ spec }) => spec.namespace)) {
		// What is done for all of them is done for the first.
		lab.on(list[0] && idOf(list[0]));
		if (skip(list)) continue;
		lab.enter(namespace, () =>
			forEach(list, lab, ({ spec: { name, value, optional } }) => {
				if (optional && lab.sysctls.read(name) === undefined) return;
				lab.sysctls.write(name, value ?? "");
			}),
		);
	}
	lab.on(undefined);
}
