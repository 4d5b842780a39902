#!/usr/bin/env bash
# guest.sh [--quick | TEST]: what is tried on a booted kernel, as plain commands. Prints a plan of all steps first, then
# carries them out. The host reads the lines in $OUT/rows, fields separated by tabs:
#   plan TEST STEP | begin TEST STEP SECONDS | end TEST STEP STATUS SECONDS | done
# STATUS is empty if a step was not tried.
# What a step printed is in $OUT/N.log, N counting from 1. Without QEMU the script is tried by `unshare --net --mount`
# with a tmpfs on /run and OUT=FOLDER.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
OUT=${OUT:-/run/kernel-test/out}
export OUT PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=dumb NO_COLOR=1

# Seconds for a step. Under emulation a command takes 5 to 15.
LIMIT=240

prepare() {
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	ip link set lo up
	# Programs are compiled here, too.
	rm -rf /var/cache/xdp-topology
	mkdir -p /run/netns
	whatever_is_there >"$OUT/before"
}

# step NAME COMMAND…: one row. After a failure the rest of a test is not tried.
step() {
	local name=$1 begun status
	shift
	if [[ $PLANNING ]]; then
		row plan "$TEST" "$name"
		return
	fi
	((STEP += 1))
	if [[ $BROKEN ]]; then
		row end "$TEST" "$name" "" 0
		return
	fi
	row begin "$TEST" "$name" "$LIMIT"
	begun=$EPOCHREALTIME
	timeout --kill-after=10 "$LIMIT" bash -c 'set -euo pipefail; "$@"' step "$@" </dev/null >"$OUT/$STEP.log" 2>&1
	status=$?
	((status == 0)) || BROKEN=1
	row end "$TEST" "$name" "$status" "$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
}

row() {
	local IFS=$'\t'
	printf '%s\n' "$*" >>"$OUT/rows"
}

# A test, which is a function, and what a failure in it leaves for the next one.
try() {
	[[ -z $ONLY || $ONLY == "$1" ]] || return 0
	TEST=$1
	BROKEN=
	shift
	"$@"
	[[ ! $BROKEN || $PLANNING ]] || timeout "$LIMIT" bash -c 'xdp destroy --all --kill' >/dev/null 2>&1
}

xdp() {
	node dist/bin/xdp-topology.js "$@"
}

# ends_with STATUS WORDS COMMAND…, and the same for a command that must not say the words.
ends_with() {
	run_for "$1" "${@:3}"
	[[ $OUTPUT == *"$2"* ]] || { printf 'does not say: %s\n' "$2" && return 1; }
}

ends_without() {
	run_for "$1" "${@:3}"
	[[ $OUTPUT != *"$2"* ]] || { printf 'says: %s\n' "$2" && return 1; }
}

run_for() {
	local wanted=$1 status=0
	shift
	OUTPUT=$("$@" 2>&1) || status=$?
	printf '%s\n' "$OUTPUT"
	((status == wanted)) || { printf 'status %s, not %s: %s\n' "$status" "$wanted" "$*" && exit 1; }
}

ping_from() {
	local namespace=$1
	shift
	# Three tries: on a slow machine the first one may come before IPv6 is ready.
	nsenter --net="/run/netns/$namespace" ping -c 3 -W 2 -i 0.2 "$@"
}

# What a lab may leave behind, in the words of the usual tools. Programs and maps are freed a little later.
whatever_is_there() {
	ip -o link | cut -d: -f2
	ip -o address | awk '{ print $2, $3, $4 }'
	ip route show table all
	ip -6 route show table all | sed 's/ expires.*//'
	ip netns list
	bpftool prog list | grep -c '^[0-9]*: xdp' || true
	bpftool map list | grep -c '^[0-9]' || true
	find /run /sys/fs/bpf -mindepth 1 -path /run/kernel-test -prune -o ! -path /run/netns -print | sort
	sysctl -a --pattern '^net' 2>/dev/null | grep -v '^net.netfilter.nf_conntrack_count'
}

nothing_is_left() {
	local i
	for ((i = 0; i < 10; i++)); do
		whatever_is_there >"$OUT/after"
		! cmp -s "$OUT/before" "$OUT/after" || return 0
		sleep 1
	done
	diff "$OUT/before" "$OUT/after"
}

# By its version, where the product looks at what is there.
is_older_than() {
	[[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) != "$1" ]]
}

topology() {
	step apply xdp apply "$1"
	step again ends_with 0 "nothing to do" xdp apply "$1"
	step verify xdp verify "$1"
	step destroy xdp destroy "$1"
	step "nothing left" nothing_is_left
}

# warns FILE KERNEL: brings the lab up, and each command on the way says which kernel the file takes.
warns() {
	step "plan warns" ends_with 0 "Linux $2" xdp plan "$1"
	step "plan --json warns" ends_with 0 "Linux $2" xdp plan --json --quiet "$1"
	step "apply warns" ends_with 0 "Linux $2" xdp apply "$1"
}

does_not_warn() {
	step "plan does not warn" ends_without 0 "Linux $2" xdp plan "$1"
	step "apply does not warn" ends_without 0 "Linux $2" xdp apply "$1"
}

# From Linux 6.3 on, frames in several buffers are redirected; 3,000 bytes fit into one.
jumbo() {
	local file=test/cases/jumbo.yaml
	if is_older_than 6.3; then
		warns $file 6.3
		step "8,000 bytes are lost" ends_with 1 "100% packet loss" ping_from uno -M "do" -s 7972 10.0.2.2
		step "verify names it" ends_with 1 "Linux 6.3" xdp verify $file
	else
		does_not_warn $file 6.3
		step "8,000 bytes pass" ping_from uno -M "do" -s 7972 10.0.2.2
		step verify xdp verify $file
	fi
	step "3,000 bytes pass" ping_from uno -M "do" -s 2972 10.0.2.2
	step destroy xdp destroy $file
	step "nothing left" nothing_is_left
}

# From Linux 6.17 on, single interfaces can forward IPv6 (force_forwarding).
host_ipv6() {
	local file=test/cases/host-ipv6.yaml
	if is_older_than 6.17; then
		warns $file 6.17
		step "packets are lost" ends_with 1 "100% packet loss" ping_from uno fc00:2::2
		step "verify names it" ends_with 1 "Linux 6.17" xdp verify $file
	else
		does_not_warn $file 6.17
		step "packets pass" ping_from uno fc00:2::2
		step verify xdp verify $file
	fi
	step destroy xdp destroy $file
	step "nothing left" nothing_is_left
}

# A program from a source of the user's, which is then edited.
own_program() {
	step "write a source" write_lab /tmp/lab 'return XDP_DROP;'
	step apply xdp apply /tmp/lab/lab.yaml
	step "the program drops" ends_with 1 "100% packet loss" ping_from uno 10.0.0.2
	step "edit the source" write_lab /tmp/lab 'return XDP_PASS;'
	step "apply the edit" xdp apply /tmp/lab/lab.yaml
	step "the program passes" ping_from uno 10.0.0.2
	step again ends_with 0 "nothing to do" xdp apply /tmp/lab/lab.yaml
	step destroy xdp destroy lab
	step "nothing left" nothing_is_left
}

# A program that the verifier refuses: it reads beyond what it has checked.
refused_program() {
	local refused='return *(char *)(long)ctx->data;'
	step "write a source" write_lab /tmp/lab "$refused"
	step "apply fails" ends_with 1 "invalid access to packet" xdp apply /tmp/lab/lab.yaml
	step "nothing left" nothing_is_left
	step "mend the source" write_lab /tmp/lab 'return XDP_PASS;'
	step apply xdp apply /tmp/lab/lab.yaml
	step "break the source" write_lab /tmp/lab "$refused"
	step "the next apply fails" ends_with 1 "invalid access to packet" xdp apply /tmp/lab/lab.yaml
	step "the program from before still runs" ping_from uno 10.0.0.2
	step "mend the source again" write_lab /tmp/lab 'return XDP_PASS;'
	step "nothing was changed" ends_with 0 "nothing to do" xdp apply /tmp/lab/lab.yaml
	step destroy xdp destroy lab
	step "nothing left in the end" nothing_is_left
}

# write_lab FOLDER STATEMENT: a lab of two namespaces, and a program with this statement between them.
write_lab() {
	mkdir -p "$1"
	cat >"$1/lab.yaml" <<-'END'
		name: lab
		namespaces: { uno: , dos: }
		programs:
		  own: { source: own.bpf.c }
		veths:
		  - uno:veth0: 10.0.0.1/24
		    dos:veth0: { addresses: [10.0.0.2/24], xdp: own }
	END
	cat >"$1/own.bpf.c" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		SEC("xdp")
		int own(struct xdp_md *ctx)
		{
			$2
		}
	END
}

everything() {
	local file files=(topologies/*.yaml)
	# A part that fits into a run of continuous integration: each way of forwarding, and a program from source.
	[[ ! $QUICK ]] || files=(topologies/{case04-hardcoded,case04-map,three-routers,port-filter}.yaml)
	for file in "${files[@]}"; do
		try "$(basename "$file" .yaml)" topology "$file"
	done
	try jumbo jumbo
	try host-ipv6 host_ipv6
	[[ ! $QUICK ]] || return 0
	try own-program own_program
	try refused-program refused_program
}

main() {
	QUICK='' ONLY=''
	if [[ ${1:-} == --quick ]]; then QUICK=1; else ONLY=${1:-}; fi
	export -f xdp ends_with ends_without run_for ping_from whatever_is_there nothing_is_left write_lab
	uname -r >"$OUT/release"
	PLANNING=1 BROKEN='' STEP=0
	everything
	prepare
	PLANNING=
	everything
	row "done"
}

main "$@"
