import { readFileSync } from "node:fs";
import { release } from "node:os";
import { expect, test } from "vitest";
import { KERNEL_FEATURES } from "../../lib/kernel/features.js";
import { ROOT } from "../machine.js";
import { applyText, clearAfterEach, useSandbox } from "./sandbox.js";

useSandbox();
clearAfterEach();

/** By the kernel's version, where the product looks. A distribution that ports a feature back fails these tests. */
function isAtLeast(version: string): boolean {
	const numbersOf = (text: string) => text.split(/\D/, 2).map(Number) as [number, number];
	const [[major, minor], [ofKernel, minorOfKernel]] = [numbersOf(version), numbersOf(release())];
	return ofKernel > major || (ofKernel === major && minorOfKernel >= minor);
}

test.each(Object.entries(KERNEL_FEATURES))("%s is found from its version on", (_, { since, isThere }) => {
	expect(isThere()).toBe(isAtLeast(since));
});

test.each([
	["jumbo", "6.3"],
	["host-ipv6", "6.17"],
])("%s.yaml is applied with a warning before Linux %s only", async (name, since) => {
	const { warnings } = await applyText(readFileSync(`${ROOT}/test/cases/${name}.yaml`, "utf8"));
	const expected = isAtLeast(since) ? [] : [expect.stringContaining(`use Linux ${since} or newer`)];
	expect(warnings).toEqual(expected);
});
