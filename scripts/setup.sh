#!/usr/bin/env bash
# What `npm start` and `npm test` need, installed where it is missing; under a second where nothing is.
# Sourced, in the project's folder: `setup start` or `setup test`.
set -euo pipefail

# Debian keeps ip, ethtool and bpftool where only root looks.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

setup() {
	require_linux
	require_node 20 19
	require_root_or_sudo
	install_debian_packages "needs_of_$1"
	install_npm_packages
	build
}

# Each line: what is looked for, and the Debian package that brings it.
needs_of_start() {
	cat <<-'END'
		command clang             clang
		command llvm-strip        llvm
		header  bpf/bpf_helpers.h libbpf-dev
		header  linux/bpf.h       linux-libc-dev
		header  asm/types.h       linux-libc-dev
		library libbpf.so.1       libbpf1
		command ip                iproute2
		command nstat             iproute2
		command ss                iproute2
		command ethtool           ethtool
		command ping              iputils-ping
		command iperf3            iperf3
	END
}

needs_of_test() {
	needs_of_start
	cat <<-'END'
		command bpftool           bpftool
		command clang-format      clang-format
		header  stdio.h           libc6-dev
		command sysctl            procps
		command nsenter           util-linux
		command unshare           util-linux
		command mount             mount
		command script            bsdutils
		command setpriv           util-linux
		command ps                procps
		file    /usr/bin/python3  python3
		file    /usr/lib/python3/dist-packages/prometheus_client python3-prometheus-client
		command zsh               zsh
		command fish              fish
		command shellcheck        shellcheck
		file    /etc/protocols    netbase
	END
}

# Ends with the status of sysexits.h's neighbourhood for "not here": 77, as the commands do.
cannot() {
	printf '%s\n' "$@" >&2
	exit 77
}

require_linux() {
	[[ $(uname -s) == Linux ]] || cannot "XDP is Linux's; this is $(uname -s)." \
		"In a virtual machine with Debian 12 it works."
}

require_node() {
	local major=0 minor=0
	if command -v node >/dev/null; then
		IFS=. read -r major minor _ < <(node -p process.versions.node)
	fi
	((major > $1 || (major == $1 && minor >= $2))) ||
		cannot "Node.js $1.$2 or newer is needed, and npm; see https://nodejs.org/en/download"
}

# Network namespaces and BPF programs take root, and so does apt-get.
require_root_or_sudo() {
	((EUID == 0)) || command -v sudo >/dev/null ||
		cannot "Network namespaces and BPF programs take root: run this as root, or install sudo."
}

# Only what needs it runs as root, so that what is built stays the user's. sudo has a PATH of its own.
as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -E -H env "PATH=$PATH" "$@"
	fi
}

# Runs a command that is of interest only if it fails.
quietly() {
	local title=$1 output
	shift
	printf '%s …\n' "$title" >&2
	if ! output=$("$@" 2>&1 </dev/null); then
		printf '%s\n' "$output" "Failed: $*" >&2
		return 1
	fi
}

install_debian_packages() {
	local missing
	mapfile -t missing < <("$1" | missing_packages)
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null ||
		cannot "Missing here, by the names of Debian's packages: ${missing[*]}" \
			"Install what your distribution has for them and run this again."
	quietly "Installing ${missing[*]}" apt_get_install "${missing[@]}"
}

# Reads lines as in needs_of_start; prints the packages to install, each once.
missing_packages() {
	local kind name package
	while read -r kind name package; do
		"has_$kind" "$name" || printf '%s\n' "$package"
	done | sort -u
}

has_command() {
	command -v "$1" >/dev/null
}

has_file() {
	[[ -e $1 ]]
}

# asm/ is in the folder of the architecture, where build.mjs has clang look.
has_header() {
	[[ -e /usr/include/$1 || -e /usr/include/$(uname -m)-linux-gnu/$1 ]]
}

has_library() {
	[[ $(ldconfig -p) == *"$1"* ]]
}

apt_get_install() {
	# Somebody else may be at it: a machine that has just booted looks for updates.
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120)
	as_root "${apt[@]}" update && as_root "${apt[@]}" install --no-install-recommends "$@"
}

# npm writes the hidden lockfile last, so it is older than package-lock.json only when that has changed.
install_npm_packages() {
	[[ node_modules/.package-lock.json -nt package-lock.json ]] ||
		# NODE_ENV=production would leave out what builds and tests.
		quietly "Installing the npm packages" npm ci --include=dev --no-audit --no-fund
}

build() {
	# The build writes here, which must not make lib/ look changed.
	mkdir -p lib/topology/generated
	is_built && return
	local began
	began=$(date +%s.%N)
	quietly "Building" npm run build
	# Of the beginning: what is edited during a build is not in it.
	touch -d "@$began" dist/.built
}

is_built() {
	[[ -e dist/.built ]] || return
	local sources=(lib bpf schemas scripts/*.mjs package.json tsconfig*.json node_modules/.package-lock.json)
	# Folders count as well: removing a file changes nothing else.
	[[ -z $(find "${sources[@]}" -path lib/topology/generated -prune -o -newer dist/.built -print -quit) ]]
}
