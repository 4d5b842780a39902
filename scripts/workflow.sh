#!/usr/bin/env bash
# Runs the jobs of a GitHub Actions workflow on a clean Debian 12 with Node.js 20, step by step:
#   scripts/workflow.sh .github/workflows/test.yml     on a checkout of the last commit
#   scripts/workflow.sh docs/ci/workflow.yml           in a project that has the packed package
# The root file system is made once, in the user's cache, and each job has an empty layer above it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/xdp-topology
# What a runner and the image node:20-bookworm have, and these steps rely on.
PACKAGES=ca-certificates,git,sudo

needs_of_workflow() {
	cat <<-'END'
		command debootstrap debootstrap
		command unshare     util-linux
		command chroot      coreutils
		command npm         npm
	END
}

main() {
	local workflow=$1 job failed=0 passed=0
	require_linux
	((EUID == 0)) || cannot "A root file system takes root: run this as root."
	install_debian_packages needs_of_workflow
	install_npm_packages
	build
	make_root
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
	make_project "$workflow"
	for job in $(read_workflow "$workflow" jobs); do
		read_workflow "$workflow" steps "$job" >"$WORK/steps"
		if in_clean_root "$job"; then ((passed += 1)); else ((failed += 1)); fi
	done
	printf '%d passed, %d failed\n' "$passed" "$failed"
	((failed == 0 && passed > 0))
}

# Debian 12, with the Node.js that runs this.
make_root() {
	[[ -e $CACHE/debian-12/.made ]] && return
	rm -rf "$CACHE/debian-12"
	mkdir -p "$CACHE"
	quietly "Making a root file system of Debian 12" \
		debootstrap --variant=minbase --include="$PACKAGES" bookworm "$CACHE/debian-12"
	local prefix
	prefix=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
	tar -C "$prefix" -c bin/node lib/node_modules/npm | tar -x -C "$CACHE/debian-12/usr/local"
	ln -s ../lib/node_modules/npm/bin/npm-cli.js "$CACHE/debian-12/usr/local/bin/npm"
	ln -s ../lib/node_modules/npm/bin/npx-cli.js "$CACHE/debian-12/usr/local/bin/npx"
	chroot "$CACHE/debian-12" useradd --create-home --shell /bin/bash runner
	echo 'runner ALL=(ALL) NOPASSWD: ALL' >"$CACHE/debian-12/etc/sudoers.d/runner"
	touch "$CACHE/debian-12/.made"
}

# What actions/checkout would bring: this project, or one that has the package as a dependency.
make_project() {
	mkdir "$WORK/project"
	case $1 in
	docs/ci/*)
		npm pack --silent --ignore-scripts --pack-destination "$WORK" >/dev/null
		cp docs/ci/* "$WORK/project"
		mv "$WORK"/xdp-topology-*.tgz "$WORK/project/xdp-topology.tgz"
		(cd "$WORK/project" && npm install --silent --package-lock-only --save-dev ./xdp-topology.tgz >/dev/null)
		;;
	*) git archive HEAD | tar -x -C "$WORK/project" ;;
	esac
}

# read_workflow FILE jobs: their names; read_workflow FILE steps JOB: of each step `always` or `success`,
# and the command, all of it ended by NUL.
# shellcheck disable=SC2016 # JavaScript expands it.
read_workflow() {
	node --input-type=module -e '
		import { readFileSync } from "node:fs";
		import { parse } from "yaml";
		const [, file, what, job] = process.argv;
		const { jobs } = parse(readFileSync(file, "utf8"));
		if (what === "jobs") console.log(Object.keys(jobs).join("\n"));
		else
			for (const { run, if: condition = "success()" } of jobs[job].steps)
				if (run !== undefined) process.stdout.write(`${condition}\0${run}\0`);
	' -- "$@"
}

# A mount and process namespace of the job, which ends with all that the job has started. The network is the
# machine's, for apt-get and npm; the labs are in namespaces of their own, by names in a /run of their own.
in_clean_root() {
	local job=$1 user=root
	[[ $job == runner ]] && user=runner
	printf '\n== %s\n' "$job"
	# shellcheck disable=SC2016 # The inner shell expands it.
	unshare --mount --pid --fork --kill-child bash -c '
		set -euo pipefail
		job=$1 user=$2 base=$3 work=$4
		mount --make-rprivate /
		mkdir -p "$work/layer"
		mount -t tmpfs tmpfs "$work/layer"
		mkdir "$work/layer/upper" "$work/layer/work" "$work/layer/root"
		root=$work/layer/root
		mount -t overlay -o "lowerdir=$base,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$root"
		mount -t proc proc "$root/proc"
		mount -t sysfs sysfs "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		# How this machine reaches the package registries.
		cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
		[ -d /usr/local/share/ca-certificates ] && cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
		chroot "$root" update-ca-certificates >/dev/null 2>&1 || true
		cp -r "$work/project" "$root/home/runner/project"
		chroot "$root" chown -R "$user" /home/runner/project
		failed=0
		while IFS= read -r -d "" condition && IFS= read -r -d "" command; do
			[[ $failed == 0 || $condition == "always()" ]] || continue
			printf "\n-- %s\n" "$command"
			chroot "$root" su "$user" -s /bin/bash -c "cd /home/runner/project && export CI=true && $command" </dev/null || {
				printf "\nfailed, status %s: %s\n" "$?" "$command" >&2
				failed=1
			}
		done <"$work/steps"
		exit "$failed"
	' job "$job" "$user" "$CACHE/debian-12" "$WORK"
}

main "$@"
