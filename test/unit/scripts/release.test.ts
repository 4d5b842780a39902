import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "release-"));
const today = new Date().toISOString().slice(0, 10);
const git = (...args: string[]) =>
	execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
		cwd: folder,
		encoding: "utf8",
	});
const write = (text: string) => writeFileSync(join(folder, "CHANGELOG.md"), text);
const commit = () => git("commit", "--quiet", "--all", "--message", "more");
const release = (...args: string[]) => {
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(folder, "scripts/release.mjs"), ...args],
		{
			encoding: "utf8",
		},
	);
	return { status, stdout, stderr };
};

/** A repository that version 0.2.0 can be released from. */
beforeEach(() => {
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(join(folder, "scripts"), { recursive: true });
	cpSync("scripts/release.mjs", join(folder, "scripts/release.mjs"));
	writeFileSync(join(folder, "package.json"), '{ "name": "x", "version": "0.1.0" }');
	write(`# Changelog\n\n## [0.2.0] - ${today}\n\n- Much.\n\n## [0.1.0] - 2026-01-01\n`);
	git("init", "--quiet", "--initial-branch", "main");
	git("add", ".");
	commit();
	git("tag", "v0.1.0");
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a dry run of what can be released says so, and changes nothing", () => {
	expect(release("0.2.0", "--dry-run")).toMatchObject({
		status: 0,
		stdout: expect.stringContaining("v0.2.0 can be"),
	});
	expect([git("status", "--porcelain"), git("tag")]).toEqual(["", "v0.1.0\n"]);
});

const obstacles: [string, string, () => void, string][] = [
	["no version", "next", () => {}, "one version is needed"],
	["another branch", "0.2.0", () => git("switch", "--quiet", "--create", "other"), "git switch main"],
	["changes that are not committed", "0.2.0", () => write("other"), "not clean"],
	["files that are not committed", "0.2.0", () => writeFileSync(join(folder, "new"), ""), "not clean"],
	["a version that is tagged already", "0.1.0", () => {}, "v0.1.0 is there already"],
	["a version below the last tag", "0.0.9", () => {}, "lower than the last tag, v0.1.0"],
	["no heading of the version", "0.3.0", () => {}, `no heading \`## [0.3.0] - ${today}\``],
	[
		"a heading of another day",
		"0.2.0",
		() => {
			write("\n## [0.2.0] - 2020-01-01\n");
			commit();
		},
		`no heading \`## [0.2.0] - ${today}\``,
	],
	[
		"changes under no version",
		"0.2.0",
		() => {
			write(`\n## Unreleased\n\n## [0.2.0] - ${today}\n`);
			commit();
		},
		"Unreleased",
	],
];

test.each(obstacles)("%s keeps a release from being made", (_, version, prepare, told) => {
	prepare();
	const { status, stdout, stderr } = release(version);
	expect([status, stdout]).toEqual([1, ""]);
	expect(stderr).toContain(told);
	expect(git("tag")).toBe("v0.1.0\n");
});
