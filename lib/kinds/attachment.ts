import type { Lab } from "../kernel/lab.js";
import { setXdp } from "../netlink/link.js";
import type { LabObject } from "../plan/object.js";
import type { LabEnd, Snapshot } from "../snapshot/snapshot.js";
import type { Attach, EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { type CurrentProgram, currentPrograms } from "./program.js";
import { split, vethOf } from "./veth.js";

export interface Attachment {
	end: EndName;
	/** A program of the lab by name, or `#ID` for any other. */
	program: string;
	/** It is the very program that the lab has, or wants to have, under this name. */
	current: boolean;
	mode: Attach;
}

/** A program that runs on an end. There is one at most: the kernel refuses native beside generic. */
export const attachment: Kind<Attachment> = {
	name: "xdp",
	title: ["XDP attachment", "XDP attachments"],
	declare: ({ attachments, peers }) =>
		Array.from(attachments, ([end, { program, attach, reason, prepares }]): LabObject<Attachment> => {
			const peer = peers.get(end)?.name;
			// Who sends starts after who must be ready to receive.
			const ready = peer !== undefined && !prepares && attachments.get(peer)?.prepares;
			return {
				kind: "xdp",
				name: end,
				spec: { end, program, current: true, mode: attach },
				within: [vethOf(end, peer)],
				needs: [`program ${program}`, ...(ready ? [`xdp ${peer}`] : [])],
				...(reason !== undefined && { reason }),
			};
		}),
	observe: (snapshot) => {
		const current = currentPrograms(snapshot);
		return [...snapshot.ends.values()].flatMap((end) => observeEnd(snapshot, current, end));
	},
	equal: (desired, actual) =>
		actual.current && desired.program === actual.program && desired.mode === actual.mode,
	create: attach,
	update: (changes, lab) =>
		attach(
			changes.map(({ object }) => object),
			lab,
		),
	remove: (objects, lab) => forEach(objects, lab, ({ spec: { end } }) => detach(lab, end)),
	describe: ({ spec: { end, program, mode } }) => `${end} ${program}${mode === "generic" ? " generic" : ""}`,
	describeChange: (from, to) => {
		const text = ({ program, mode }: Attachment) => `${program}${mode === "generic" ? " generic" : ""}`;
		if (text(from) === text(to)) return `${text(to)}, loaded anew`;
		const gap = from.mode === to.mode ? "" : " (not atomic: the kernel takes one mode away before the other)";
		return `${text(from)} → ${text(to)}${gap}`;
	},
};

function observeEnd(
	snapshot: Snapshot,
	current: ReadonlyMap<string, CurrentProgram>,
	{ name, pair, link }: LabEnd,
): LabObject<Attachment>[] {
	return link.xdp.map(({ mode, id }) => {
		const label = snapshot.programs.get(id)?.label;
		const ours = label && current.get(label.program);
		return {
			kind: "xdp",
			name,
			spec: {
				end: name,
				program: label?.program ?? `#${id}`,
				current: !label || (ours?.id === id && ours.wanted),
				mode: mode === "generic" ? "generic" : "native",
			},
			within: [pair],
			needs: label ? [`program ${label.program}`] : [],
		};
	});
}

/** Attaches in place of whatever runs there, atomically where the mode stays the same. */
function attach(objects: readonly LabObject<Attachment>[], lab: Lab): void {
	forEach(objects, lab, ({ spec: { end, program, mode } }) => {
		const now = lab.attached.get(end);
		if (now && now.mode !== mode) detach(lab, end);
		const expected = now?.mode === mode ? lab.held.get(now.id)?.fd : undefined;
		const { id, fd } = lab.program(program);
		lab.queue(split(end).namespace, setXdp(lab.ifindex(end), mode, fd, expected));
		lab.attached.set(end, { mode, id });
	});
}

function detach(lab: Lab, end: EndName): void {
	const now = lab.attached.get(end);
	if (!now || !lab.has(split(end).namespace)) return;
	const expected = lab.held.get(now.id)?.fd;
	lab.queue(split(end).namespace, setXdp(lab.ifindex(end), now.mode, -1, expected), GONE);
	lab.attached.delete(end);
}
