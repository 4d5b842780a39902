import { expect, test } from "vitest";
import { redraw } from "../../../lib/cli/redraw.js";
import { type InterfaceStats, rates } from "../../../lib/stats/rates.js";
import { statsText } from "../../../lib/stats/render.js";
import { vethCounts } from "../../../lib/stats/veth.js";
import { counted, reading } from "./readings.js";

const fib = rates(
	reading({ at: 250.206, counts: counted({ XDP_PASS: [3, 294], XDP_REDIRECT: [1303, 153_754] }) }),
	reading({ counts: counted({ XDP_PASS: [3, 294], XDP_REDIRECT: [1299, 153_362] }) }),
);

test("an interface's rows are those of the tutorial's xdp_stats", () => {
	expect(statsText([fib], { long: true })).toBe(
		`r1:uno  fib (native, id 12)
XDP_ABORTED            0 pkts (         0 pps)           0 Kbytes (     0 Mbits/s) period:0.250206
XDP_DROP               0 pkts (         0 pps)           0 Kbytes (     0 Mbits/s) period:0.250206
XDP_PASS               3 pkts (         0 pps)       0.294 Kbytes (     0 Mbits/s) period:0.250206
XDP_TX                 0 pkts (         0 pps)           0 Kbytes (     0 Mbits/s) period:0.250206
XDP_REDIRECT        1303 pkts (     15.99 pps)       153.8 Kbytes ( 0.013 Mbits/s) period:0.250206
`,
	);
});

/** Counted by its veth, by nobody, and two without a program. */
function mixed(): InterfaceStats[] {
	const program = { name: "xdp_prog", id: 40, tag: "fedcba9876543210", mode: "native", lab: null } as const;
	const statistics: [string, number][] = [
		["rx_queue_0_xdp_packets", 1_000_000],
		["rx_queue_0_xdp_bytes", 60_000_000],
		["rx_queue_0_xdp_drops", 999_000],
		["rx_queue_0_drops", 7],
	];
	const veth = reading({
		interface: "uno:veth0",
		program,
		source: { kind: "veth" },
		counts: vethCounts(statistics) ?? null,
	});
	const bare = { source: null, counts: null };
	const generic = reading({ interface: "dos:veth0", program: { ...program, mode: "generic" }, ...bare });
	const none = (["tres:veth0", "host:uno"] as const).map((end) =>
		reading({ interface: end, program: null, ...bare }),
	);
	return [veth, generic, ...none].map((one) => rates(one, undefined));
}

test("what the veth counted says so, and what nobody counts is listed", () => {
	expect(statsText(mixed(), { long: true })).toBe(
		`uno:veth0  xdp_prog (native, id 40, not this lab's) (veth)
XDP_ABORTED            - pkts (         - pps)           - Kbytes (     - Mbits/s) period:-
XDP_DROP          999000 pkts (         - pps)           - Kbytes (     - Mbits/s) period:-
XDP_PASS             993 pkts (         - pps)           - Kbytes (     - Mbits/s) period:-
XDP_TX                 0 pkts (         - pps)           - Kbytes (     - Mbits/s) period:-
XDP_REDIRECT           0 pkts (         - pps)           - Kbytes (     - Mbits/s) period:-
total            1000000 pkts (         - pps)       60000 Kbytes (     - Mbits/s) period:-
lost                   7 pkts

(veth) the interface's own counters, since it was made. DROP includes ABORTED; PASS is the
total minus the rest; bytes exist only as a total, without the Ethernet header of
packets from a network stack.

not counted by anybody: dos:veth0 xdp_prog (generic, id 40, not this lab's)

no program: tres:veth0, host:uno
`,
	);
});

test("the verbose form names the tag and the map, and a lab without interfaces is no empty page", () => {
	expect(statsText([fib], { long: true, verbose: true }).split("\n")[0]).toBe(
		"r1:uno  fib (native, id 12, tag 0123456789abcdef) - BPF map id:5 name:counters port:0",
	);
	expect(statsText([])).toBe("no interfaces\n");
});

test("figures keep their columns from the smallest to the largest", () => {
	const lines = [1, 12_345_678_901].map((packets) => {
		const now = reading({ at: 1000, counts: counted({ XDP_TX: [packets, 1000 * packets] }) });
		return statsText([rates(now, reading())], { long: true }).split("\n")[4];
	});
	expect(lines).toEqual([
		"XDP_TX                 1 pkts (         1 pps)           1 Kbytes ( 0.008 Mbits/s) period:1.000000",
		"XDP_TX       12345678901 pkts (12345678901 pps) 12345678901 Kbytes (98765431 Mbits/s) period:1.000000",
	]);
});

test("a terminal is drawn over from the top, line by line", () => {
	expect(redraw("a\nb\n")).toBe("\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
});

const TABLE = `INTERFACE   PKTS/S  ABORTED    DROP  PASS  TX  REDIRECT  LOST  PROGRAM
r1:uno       15.99        0       0     3   0      1303     -  fib
uno:veth0        -        -  999000   993   0         0     7  xdp_prog, not this lab's (veth)
dos:veth0        -        -       -     -   -         -     -  xdp_prog, not this lab's (not counted)
tres:veth0       -        -       -     -   -         -     -  (no program)
host:uno         -        -       -     -   -         -     -  (no program)

(veth) the interface's own counters, since it was made. DROP includes ABORTED; PASS is the
total minus the rest; bytes exist only as a total, without the Ethernet header of
packets from a network stack.
`;

test("a table has a line an interface, with packets by verdict", () => {
	expect(statsText([fib, ...mixed()])).toBe(TABLE);
	expect(statsText([fib])).toBe(
		"INTERFACE  PKTS/S  ABORTED  DROP  PASS  TX  REDIRECT  PROGRAM\nr1:uno      15.99        0     0     3   0      1303  fib\n",
	);
	expect(statsText([fib], { verbose: true })).toContain(
		"  fib (native, id 12, tag 0123456789abcdef) - BPF map id:5 name:counters port:0\n",
	);
});

test("a table's lines are no longer than the terminal is wide", () => {
	const lines = statsText([fib, ...mixed()], { columns: 80, verbose: true }).split("\n");
	expect(Math.max(...lines.slice(0, 6).map(({ length }) => length))).toBe(80);
	expect(lines[2]).toBe("uno:veth0        -        -  999000   993   0         0     7  xdp_prog (native…");
});

/** Interfaces `r1:p0`, `r1:p1` and so on. */
const many = (count: number) =>
	Array.from({ length: count }, (_, i) => ({ ...fib, interface: `r1:p${i}` as const }));

test.each([
	["table", false, 12, 37, 12],
	["table", false, 12, 8, 6],
	["long form", true, 12, 37, 5],
	["long form", true, 12, 8, 1],
	["table", false, 3, 1, 0],
])(
	"the %s (long: %s) of %i interfaces shows, on %i rows, %i whole and names the rest",
	(_, long, count, rows, shown) => {
		const text = statsText(many(count), { long, room: { rows, columns: 120 } });
		const lines = text.trimEnd().split("\n");
		expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 2));
		const names = many(count).map((one) => one.interface);
		const left = names.slice(shown);
		expect(names.filter((name) => new RegExp(`^${name} `, "m").test(text))).toEqual(names.slice(0, shown));
		expect(left.length ? lines.at(-1) : "").toBe(
			left.length ? `… no room for ${left.length} more: ${left.join(" ")}` : "",
		);
	},
);
