import { processesIn } from "../kernel/processes.js";
import { changeLink } from "../netlink/link.js";
import { HOST } from "../topology/topology.js";
import { forEach, type Kind } from "./kind.js";

interface Netns {
	/** Whether `lo` is up. */
	lo: boolean;
}

const LO = 1;

/** A named network namespace, as `ip netns` knows it. */
export const netns: Kind<Netns> = {
	name: "netns",
	title: ["namespace", "namespaces"],
	declare: ({ topology }) =>
		topology.namespaces
			.filter(({ name }) => name !== HOST)
			.map(({ name }) => ({ kind: "netns", name, spec: { lo: true }, within: [], needs: [] })),
	observe: ({ namespaces }) =>
		[...namespaces.values()]
			.filter(({ made }) => made)
			.map(({ name, links }) => ({
				kind: "netns",
				name,
				spec: { lo: links.find(({ index }) => index === LO)?.up ?? false },
				within: [],
				needs: [],
			})),
	refuse: (_wanted, removed, lab) =>
		processesIn(
			lab,
			removed.map(({ name }) => name),
		).map(
			({ pid, command, namespace }) =>
				`${command} (pid ${pid}) still runs in namespace ${namespace}: end it first`,
		),
	create: (objects, lab) => forEach(objects, lab, ({ name }) => lab.create(name)),
	update: (changes, lab) =>
		forEach(
			changes.map(({ object }) => object),
			lab,
			({ name, spec }) => lab.queue(name, changeLink(LO, { up: spec.lo })),
		),
	remove: (objects, lab) => forEach(objects, lab, ({ name }) => lab.unname(name)),
	describe: ({ name }) => name,
	describeChange: (from, to) => `lo ${from.lo ? "up" : "down"} → ${to.lo ? "up" : "down"}`,
};
