import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { echo4, ethernet, ipv4, ipv6, VLAN } from "./frame.js";
import { type Namespace, router } from "./namespace.js";
import { FIRST, type Name, PORTS, Program, u32, type Verdict } from "./program.js";

/** Below the lab's window, the first one above it, and far above: of 16 or 24 bits, a port of the lab. */
const OUTSIDE = [1, 900, FIRST + PORTS, FIRST + 2 ** 30];
const NAMES = ["pass", "drop", "icmp-echo", "hardcoded", "map", "fib"] as const;
let namespace: Namespace;

beforeAll(() => {
	const ifindexes = [FIRST, FIRST + 1, FIRST + 3, ...OUTSIDE.slice(1)];
	namespace = router(ifindexes.map((ifindex, i) => ({ name: `end${i}`, ifindex, subnet: i + 1 })));
	namespace.ip("route add blackhole fc00:9::/64");
});

afterAll(() => namespace.close());

function loaded(
	name: Name,
	work: (program: Program, run: (frame: Buffer, ingress?: number) => Verdict) => void,
): void {
	const program = Program.load(name);
	try {
		work(program, (frame, ingress) => namespace.within(() => program.run(frame, ingress)).verdict);
	} finally {
		program.close();
	}
}

const FRAMES = [ethernet(0x88cc, Buffer.alloc(0)), ipv4(), ipv6(), echo4({ data: Buffer.alloc(1472) })];
const BYTES = FRAMES.reduce((sum, frame) => sum + frame.length, 0);

test.each<[Name, Verdict]>([
	["pass", "pass"],
	["drop", "drop"],
])("xdp_%s counts whatever comes, and leaves it alone", (name, verdict) => {
	const program = Program.load(name);
	for (const frame of FRAMES) expect(namespace.within(() => program.run(frame))).toEqual({ verdict, frame });
	expect(program.counters(0)).toEqual({ [verdict]: { packets: FRAMES.length, bytes: BYTES } });
	program.close();
});

test("counts by the port that a frame came in by, up to the last", () => {
	loaded("pass", (program, run) => {
		for (let i = 0; i < 3; i++) run(ipv4(), FIRST + 3);
		run(ipv4(), FIRST + 1);
		const bytes = ipv4().length;
		expect([0, 1, 2, 3].map((port) => program.counters(port))).toEqual([
			{},
			{ pass: { packets: 1, bytes } },
			{},
			{ pass: { packets: 3, bytes: 3 * bytes } },
		]);
	});
});

test("counts by what becomes of a frame", () => {
	loaded("icmp-echo", (program, run) => {
		const tagged = echo4({}, {}, { tags: [VLAN] });
		expect([run(echo4()), run(tagged), run(ipv4())]).toEqual(["tx", "tx", "pass"]);
		expect(program.counters(0)).toEqual({
			tx: { packets: 2, bytes: echo4().length + tagged.length },
			pass: { packets: 1, bytes: ipv4().length },
		});
	});
	loaded("fib", (program, run) => {
		const [there, nowhere] = [ipv4(), ipv6({ destination: "fc00:9::1", payload: Buffer.alloc(100) })];
		namespace.within(() => program.set("ports", 1, u32(FIRST + 1)));
		// Twice: by a lookup, and by what the first left in the cache.
		const frames = [there, there, nowhere, nowhere, echo4({}, { ttl: 1 })];
		expect(frames.map((frame) => run(frame))).toEqual(["redirect", "redirect", "drop", "drop", "pass"]);
		expect(program.counters(0)).toEqual({
			redirect: { packets: 2, bytes: 2 * there.length },
			drop: { packets: 2, bytes: 2 * nowhere.length },
			pass: { packets: 1, bytes: echo4().length },
		});
	});
});

const LENGTHS = [20, 57, 58, 60, 1514, 1518, 1519, 2000, 3400, 3600, 9014, 32_000];

describe.each(NAMES)("xdp_%s", (name) => {
	test.each(LENGTHS)("counts all of a frame of %i bytes", (length) => {
		loaded(name, (program, run) => {
			const verdict = run(ethernet(0x88cc, Buffer.alloc(length - 14)));
			expect(program.counters(0)).toEqual({ [verdict]: { packets: 1, bytes: length } });
		});
	});

	test.each(OUTSIDE)(
		"counts nothing of ifindex %i, which is no port of the lab, nor answers it",
		(ifindex) => {
			loaded(name, (program, run) => {
				expect(run(echo4(), ifindex)).toBe(name === "drop" ? "drop" : "pass");
				for (let port = 0; port < PORTS; port++) expect(program.counters(port)).toEqual({});
			});
		},
	);
});

test("counts all of a jumbo frame that is answered", () => {
	loaded("icmp-echo", (program, run) => {
		const request = echo4({ data: Buffer.alloc(8000) });
		expect(run(request)).toBe("tx");
		expect(program.counters(0)).toEqual({ tx: { packets: 1, bytes: request.length } });
	});
});
