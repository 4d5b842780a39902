#!/usr/bin/env bash
# `npm test`: lint, types and all tests. Arguments go to vitest: `npm test -- test/unit -t gateway`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

main() {
	setup test
	REPORTS=$(mktemp -d)
	trap 'rm -rf "$REPORTS"' EXIT
	local failed=0
	check lint || ((failed += 1))
	check typecheck || ((failed += 1))
	tests "$@" || TESTS_FAILED=1
	last_line "$failed" "${TESTS_FAILED:-0}"
}

# One of package.json's scripts. All are tried, so that one run tells everything.
check() {
	npm run --silent "$1" || {
		printf 'npm run %s: failed\n' "$1" >&2
		return 1
	}
}

# As root, for real namespaces and programs. No cache, which would be root's in the user's folder.
tests() {
	as_root node node_modules/vitest/vitest.mjs run --no-cache \
		--reporter=default --reporter=json --outputFile.json="$REPORTS/vitest.json" "$@"
}

# last_line FAILED_CHECKS TESTS_FAILED: the sum in a form for machines, and the exit status.
# shellcheck disable=SC2016 # JavaScript expands it.
last_line() {
	node -e '
		const [path, checks, testsFailed] = process.argv.slice(1);
		let passed = 0;
		let failed = 0;
		try {
			const report = JSON.parse(require("node:fs").readFileSync(path, "utf8"));
			// A file that cannot be loaded or prepared has failed, and none of its tests has.
			const broken = report.testResults.filter(
				(file) => file.status === "failed" && !file.assertionResults.some((one) => one.status === "failed"),
			);
			passed = report.numPassedTests;
			failed = report.numFailedTests + broken.length;
		} catch {}
		// Errors outside all tests, a pattern that matches none, or vitest has crashed.
		if (failed === 0 && testsFailed === "1") failed = 1;
		failed += Number(checks);
		console.log(`${passed} passed, ${failed} failed`);
		process.exitCode = failed > 0 ? 1 : 0;
	' "$REPORTS/vitest.json" "$@"
}

main "$@"
