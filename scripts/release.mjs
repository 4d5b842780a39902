// `npm run release -- 0.2.0 [--dry-run]`: version, changelog, tests, package and tag of a release. CONTRIBUTING.md has the steps.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));

const ask = (command, ...args) => execFileSync(command, args, { encoding: "utf8" }).trim();
const run = (command, ...args) => execFileSync(command, args, { stdio: "inherit" });

const { values, positionals } = parseArgs({
	options: { "dry-run": { type: "boolean", default: false } },
	allowPositionals: true,
});
const [version = "", ...more] = positionals;
const tag = `v${version}`;
const problems = findProblems();
if (problems.length > 0) {
	console.error(problems.map((problem) => `error: ${problem}`).join("\n"));
	process.exit(1);
}
if (values["dry-run"]) {
	console.log(`${tag} can be released: it would set the version, commit, run npm test, pack and tag`);
} else {
	release();
}

/** Everything that is wrong, before anything is changed. */
function findProblems() {
	if (more.length > 0 || !/^\d+\.\d+\.\d+$/.test(version))
		return ["one version is needed: npm run release -- 0.2.0 [--dry-run]"];
	const found = [];
	const branch = ask("git", "branch", "--show-current");
	if (branch !== "main") found.push(`the branch is ${branch || "none"}: git switch main`);
	if (ask("git", "status", "--porcelain") !== "") found.push("the tree is not clean: commit or stash first");
	const tags = ask("git", "tag", "--list", "v*", "--sort=version:refname").split("\n").filter(Boolean);
	if (tags.includes(tag)) found.push(`tag ${tag} is there already`);
	else if (tags.length > 0 && isLower(version, tags.at(-1).slice(1)))
		found.push(`${version} is lower than the last tag, ${tags.at(-1)}`);
	const today = new Date().toISOString().slice(0, 10);
	const changelog = readFileSync("CHANGELOG.md", "utf8");
	if (!changelog.includes(`\n## [${version}] - ${today}\n`))
		found.push(`CHANGELOG.md has no heading \`## [${version}] - ${today}\``);
	if (/^## \[?unreleased/im.test(changelog)) found.push("CHANGELOG.md still has a heading `Unreleased`");
	return found;
}

function isLower(one, other) {
	const [a, b] = [one, other].map((text) => text.split(".").map(Number));
	const at = a.findIndex((number, i) => number !== b[i]);
	return at !== -1 && a[at] < b[at];
}

function release() {
	const before = ask("git", "rev-parse", "HEAD");
	if (JSON.parse(readFileSync("package.json", "utf8")).version !== version) {
		run("npm", "version", version, "--no-git-tag-version");
		run("git", "commit", "--quiet", "--all", "--message", `Release ${version}`);
	}
	try {
		run("npm", "test");
		if (ask("git", "status", "--porcelain") !== "") throw new Error("the tests have changed the tree");
		run("npm", "pack");
	} catch (error) {
		run("git", "reset", "--quiet", "--hard", before);
		console.error(`error: ${tag} is not released, and the tree is as before: ${error.message}`);
		process.exit(1);
	}
	run("git", "tag", "--annotate", tag, "--message", `xdp-topology ${version}`);
	console.log(`${tag} is tagged and packed. To publish it:
  git push origin main ${tag}
  npm publish xdp-topology-${version}.tgz`);
}
