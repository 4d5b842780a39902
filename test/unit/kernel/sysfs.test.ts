import { expect, test } from "vitest";
import { sysfsSteps } from "../../../lib/kernel/sysfs.js";

const ROOT = "26 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw";

test("a new sysfs is filled with what is mounted below /sys, and takes its place", () => {
	const mountinfo = [
		"22 26 0:21 / /sys rw,relatime shared:7 - sysfs sysfs rw",
		ROOT,
		"30 22 0:27 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw",
		"31 22 0:28 / /sys/fs/bpf rw - bpf bpf rw",
		"32 22 0:30 / /sys/a\\040b rw - tmpfs tmpfs rw",
		// Goes along with what contains it.
		"33 30 0:31 / /sys/fs/cgroup/inner rw - tmpfs tmpfs rw",
		"34 26 0:32 / /sysroot rw - tmpfs tmpfs rw",
	].join("\n");
	expect(sysfsSteps(mountinfo)).toEqual([
		{ how: "new sysfs", source: "sysfs", target: "/sys/class" },
		{ how: "bind", source: "/sys/fs/cgroup", target: "/sys/class/fs/cgroup" },
		{ how: "bind", source: "/sys/fs/bpf", target: "/sys/class/fs/bpf" },
		{ how: "bind", source: "/sys/a b", target: "/sys/class/a b" },
		{ how: "move", source: "/sys/class", target: "/sys" },
	]);
});

test("what another mount of /sys hides stays hidden", () => {
	const mountinfo = [
		ROOT,
		"22 26 0:21 / /sys rw - sysfs sysfs rw",
		"30 22 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
		"40 22 0:41 / /sys rw - sysfs sysfs rw",
		"41 40 0:42 / /sys/fs/bpf rw - bpf bpf rw",
	].join("\n");
	expect(sysfsSteps(mountinfo).map(({ source }) => source)).toEqual(["sysfs", "/sys/fs/bpf", "/sys/class"]);
});

test("a machine without /sys gets none", () => {
	expect(sysfsSteps(`${ROOT}\n`)).toEqual([]);
	expect(sysfsSteps(`${ROOT}\n22 26 0:21 / /sys rw - tmpfs tmpfs rw\n`)).toEqual([]);
});
