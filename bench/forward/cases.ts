import * as frame from "../../test/kernel/bpf/frame.js";
import { type Name, Program, u32 } from "../../test/kernel/bpf/program.js";
import { ECHO, NEW, type Packet, REPEATED } from "./packets.js";
import { type Closable, closable, type Programs } from "./programs.js";
import { EGRESS, INGRESS, type Stage } from "./stage.js";

/** enum xdp_action, <linux/bpf.h>. */
export const PASS = 2;
const [TX, REDIRECT] = [3, 4];

/** A program with traffic, against another with the same traffic; both net of an empty program. */
export interface Case {
	name: string;
	packets: Packet[];
	action: number;
	load(programs: Programs, stage: Stage): Closable;
	against?: string;
	/** The most times that it may take. */
	limit?: number;
}

/** How a frame leaves through the egress: struct macs, and struct redirect of the ingress. */
const macs = Buffer.concat([frame.mac(frame.hostMac(2)), frame.mac(frame.endMac(2))]);
const redirects = [Buffer.concat([macs, u32(EGRESS)])];

function builtin(name: Name, options: { cache?: boolean; redirects?: Buffer[] } = {}): Case["load"] {
	return (programs, { namespace }) => {
		const program = Program.load(name, { ...options, object: programs.builtin(name) });
		if (name === "map" || name === "fib")
			namespace.within(() =>
				[INGRESS, EGRESS].forEach((ifindex, i) => void program.set("ports", i, u32(ifindex))),
			);
		if (name === "map") {
			program.set("macs", 1, macs);
			program.set("redirects", 0, u32(EGRESS));
		}
		return program;
	};
}

const EMPTY = "an empty program";
const REDIRECT_ALONE = "bpf_redirect() alone";
const LOOKUP_ALONE = "bpf_fib_lookup() alone";
const PLAIN_ROUTER = "a plain router";
export const empty: Case["load"] = (programs) => closable(programs.load("empty"));
const lookup =
	(forwards: number): Case["load"] =>
	(programs) =>
		closable(programs.load("lookup", { forwards: Uint8Array.of(forwards) }));

export const CASES: readonly Case[] = [
	{ name: EMPTY, packets: REPEATED, action: PASS, load: empty },
	{
		name: REDIRECT_ALONE,
		packets: REPEATED,
		action: REDIRECT,
		load: (programs) => closable(programs.load("redirect", { egress: u32(EGRESS) })),
	},
	{ name: "pass", packets: REPEATED, action: PASS, load: builtin("pass"), against: REDIRECT_ALONE },
	{
		name: "hardcoded",
		packets: REPEATED,
		action: REDIRECT,
		load: builtin("hardcoded", { redirects }),
		against: REDIRECT_ALONE,
		limit: 1.2,
	},
	{
		name: "map",
		packets: REPEATED,
		action: REDIRECT,
		load: builtin("map"),
		against: REDIRECT_ALONE,
		limit: 1.4,
	},
	{
		name: "fib",
		packets: REPEATED,
		action: REDIRECT,
		load: builtin("fib"),
		against: REDIRECT_ALONE,
		limit: 1.6,
	},
	{
		name: "icmp-echo",
		packets: ECHO,
		action: TX,
		load: builtin("icmp-echo"),
		against: REDIRECT_ALONE,
		limit: 0.5,
	},
	{ name: LOOKUP_ALONE, packets: NEW, action: REDIRECT, load: lookup(0) },
	{ name: PLAIN_ROUTER, packets: NEW, action: REDIRECT, load: lookup(1), against: LOOKUP_ALONE },
	{
		name: "fib, new destinations",
		packets: NEW,
		action: REDIRECT,
		load: builtin("fib"),
		against: PLAIN_ROUTER,
		limit: 1.05,
	},
	{
		name: "fib, cache: false",
		packets: NEW,
		action: REDIRECT,
		load: builtin("fib", { cache: false }),
		against: PLAIN_ROUTER,
	},
];
