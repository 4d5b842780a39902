import type { Lab } from "../kernel/lab.js";
import type { LabObject } from "../plan/object.js";
import { splitEnd } from "../topology/names.js";
import { forEach, type Kind } from "./kind.js";
import * as own from "./own-entry.js";
import * as port from "./port-entry.js";

export type Entry = port.PortEntry | own.OwnEntry;

/** An entry of a BPF map: by port in those of a built-in program, any in those of the file's own. */
export const entry: Kind<Entry> = {
	name: "entry",
	title: ["map entry", "map entries"],
	declare: (requirements) => [...port.declare(requirements), ...own.declare(requirements)],
	ask: (objects) =>
		objects.flatMap((object) =>
			own.isOwn(object.spec) ? [own.query(object as LabObject<own.OwnEntry>)] : [],
		),
	observe: (snapshot) => [...port.observe(snapshot), ...own.observe(snapshot)],
	refuse: (wanted) => {
		own.requireCpus(wanted.filter((object): object is LabObject<own.OwnEntry> => own.isOwn(object.spec)));
		return [];
	},
	create: write,
	update: (changes, lab) =>
		write(
			changes.map(({ object }) => object),
			lab,
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec }) => (own.isOwn(spec) ? own.erase(spec, lab) : port.erase(spec, lab))),
	// A map of the file's own may have no room for both.
	outlasts: ({ spec }) => !own.isOwn(spec),
	// Those of a built-in program are all looked at, always: nothing of them has to be remembered.
	remembers: ({ spec }) => own.isOwn(spec),
	forget: () => "remove",
	describe: ({ spec }) => (own.isOwn(spec) ? own.describe(spec) : port.describe(spec)),
	describeChange: (from, to) => {
		const text = (spec: Entry) => (own.isOwn(spec) ? own.valueText(spec) : port.valueText(spec));
		return `${text(from)} → ${text(to)}`;
	},
};

/** A devmap resolves an ifindex in the namespace of whoever writes it. */
function write(objects: readonly LabObject<Entry>[], lab: Lab): void {
	forEach(objects, lab, (object) => {
		const { spec } = object;
		const end = own.isOwn(spec) ? own.endOf(spec) : spec.key;
		const put = () =>
			own.isOwn(spec) ? own.put(object as LabObject<own.OwnEntry>, lab) : port.put(spec, lab);
		if (end === undefined) put();
		else lab.enter(splitEnd(end).namespace, put);
	});
}
