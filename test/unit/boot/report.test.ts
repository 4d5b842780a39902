import { expect, test } from "vitest";
import { junitOf, type Run, type Step, sumOf, tableOf } from "../../boot/report.js";

const step = (name: string, result: Step["result"], output = ""): Step => {
	return { test: "lab", name, result, seconds: result === "not tried" ? 0 : 2.5, output };
};
const RUN: Run = {
	kernel: "6.1",
	release: "6.1.0-57-amd64",
	seconds: 99.7,
	steps: [step("apply", "passed"), step("verify", "failed", "<\x1b>"), step("destroy", "not tried")],
};

test("the table has a line for each test", () => {
	expect(tableOf([RUN])).toBe(
		"Linux 6.1.0-57-amd64, 100 s in all\n  FAILED  lab  apply 2.5 s, verify FAILED, destroy NOT TRIED\n",
	);
});

test("JUnit has a suite for each kernel, and stays XML whatever a step prints", () => {
	expect(junitOf([RUN])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="Linux 6.1.0-57-amd64" tests="3" failures="2" time="99.7">
    <testcase classname="6.1.lab" name="apply" time="2.5"></testcase>
    <testcase classname="6.1.lab" name="verify" time="2.5"><failure message="failed">&lt;\uFFFD&gt;</failure></testcase>
    <testcase classname="6.1.lab" name="destroy" time="0"><failure message="not tried"></failure></testcase>
  </testsuite>
</testsuites>
`);
});

test("what was not tried has failed, and so has a run that tried nothing", () => {
	expect(sumOf([RUN])).toEqual({ passed: 1, failed: 2 });
	expect(sumOf([{ ...RUN, steps: [] }])).toEqual({ passed: 0, failed: 1 });
});
