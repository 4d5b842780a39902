import { expect, test } from "vitest";
import { flockHolder } from "../../../lib/kernel/lock.js";

/** As proc_locks(5) shows them. */
const LOCKS = `1: POSIX  ADVISORY  WRITE 11 00:1a:7 0 EOF
2: FLOCK  ADVISORY  WRITE 12 00:1b:7 0 EOF
3: FLOCK  ADVISORY  WRITE 0 103:02:8 0 EOF
3: -> FLOCK  ADVISORY  WRITE 13 103:02:8 0 EOF
4: FLOCK  ADVISORY  WRITE 14 00:1a:7 0 EOF
4: -> FLOCK  ADVISORY  WRITE 15 00:1a:7 0 EOF
5: FLOCK  ADVISORY  WRITE 16 103:12345:9 0 EOF
`;

test.each([
	["who holds it, not who waits, nor who has another file of this number elsewhere", 0x1a, 7, 14],
	["the one on the other device", 0x1b, 7, 12],
	["by a large device number", (0x103 << 8) | 0x45 | (0x123 << 20), 9, 16],
	["nobody, where that is in another pid namespace", (0x103 << 8) | 0x02, 8, undefined],
	["nobody, where nobody does", 0x1a, 8, undefined],
])("of a lock is told %s", (_, dev, ino, holder) => {
	expect(flockHolder(LOCKS, { dev, ino })).toBe(holder);
});
