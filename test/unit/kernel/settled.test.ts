import { afterEach, expect, test, vi } from "vitest";
import { digestOf } from "../../../lib/kernel/settled.js";

afterEach(() => {
	vi.unstubAllGlobals();
});

/** The digest of a text by a build, which scripts/build.mjs names. */
function digestBy(build: string, text: string): string | undefined {
	vi.stubGlobal("BUILD", build);
	return digestOf(text);
}

test("a text is another one to another build, which may make something else of it", () => {
	const digest = digestBy("1", "name: lab");
	expect(digestBy("1", "name: lab")).toBe(digest);
	expect(digestBy("2", "name: lab")).not.toBe(digest);
	expect(digestBy("1", "name: lab ")).not.toBe(digest);
});

test("nothing is remembered of a text where it is not known what reads it", () => {
	expect(digestOf("name: lab")).toBeUndefined();
});
