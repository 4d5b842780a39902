import type { Requirements } from "../declare/requirements.js";
import type { Lab } from "../kernel/lab.js";
import { setXdp } from "../netlink/link.js";
import type { LabObject } from "../plan/object.js";
import type { LabEnd, Snapshot } from "../snapshot/snapshot.js";
import { splitEnd } from "../topology/names.js";
import type { Attach, EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { portEntryId } from "./port-entry.js";
import { type CurrentProgram, currentPrograms } from "./program.js";
import { pairOf } from "./veth.js";

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
	declare: (requirements) => {
		const entries = new Set(requirements.entries.map(portEntryId));
		return Array.from(requirements.attachments, ([end, { program, attach, reason, prepares }]) => ({
			kind: "xdp",
			name: end,
			spec: { end, program, current: true, mode: attach },
			within: [pairOf(requirements.pairs, end)],
			needs: [
				`program ${program}`,
				...["redirects", "ports"]
					.map((map) => portEntryId({ program, map, key: end }))
					.filter((id) => entries.has(id)),
				...(prepares ? [] : receivers(end, program, requirements)),
			],
			...(reason !== undefined && { reason }),
		}));
	},
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
	outlasts: () => true,
	remove: (objects, lab) => forEach(objects, lab, ({ spec: { end } }) => detach(lab, end)),
	describe: ({ spec: { end, program, mode } }) => `${end} ${program}${mode === "generic" ? " generic" : ""}`,
	describeChange: (from, to) => {
		const text = ({ program, mode }: Attachment) => `${program}${mode === "generic" ? " generic" : ""}`;
		if (text(from) === text(to)) return `${text(to)}, loaded anew`;
		const gap =
			from.mode === to.mode
				? ""
				: " (packets between are lost: the kernel takes one mode away before the other)";
		return `${text(from)} → ${text(to)}${gap}`;
	},
};

/** Who must be ready to receive before the first packet comes in by an end: it may be answered, or redirected. */
function receivers(end: EndName, program: string, { attachments, peers, programs }: Requirements): string[] {
	const target = programs.get(program)?.constants[end]?.ifindex as EndName | undefined;
	return [end, ...(target === undefined ? [] : [target])].flatMap((from) => {
		const peer = peers.get(from)?.name;
		return peer !== undefined && attachments.get(peer)?.prepares ? [`xdp ${peer}`] : [];
	});
}

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
		const now = lab.ends.attached.get(end);
		if (now && now.mode !== mode) detach(lab, end);
		const expected = now?.mode === mode ? lab.held.get(now.id)?.fd : undefined;
		const { id, fd } = lab.program(program);
		lab.queue(splitEnd(end).namespace, setXdp(lab.ends.ifindex(end), mode, fd, expected));
		lab.ends.attached.set(end, { mode, id });
	});
}

function detach(lab: Lab, end: EndName): void {
	const now = lab.ends.attached.get(end);
	if (!now || !lab.has(splitEnd(end).namespace)) return;
	const expected = lab.held.get(now.id)?.fd;
	lab.queue(splitEnd(end).namespace, setXdp(lab.ends.ifindex(end), now.mode, -1, expected), GONE);
	lab.ends.attached.delete(end);
}
