#!/usr/bin/env bash
# Proves that the three routers forward, and that XDP does it: real traffic from uno to tres, and who
# counted it on the way, in r1 and r3. A line a proof; fails if one does. Run by start.sh, as root.
set -euo pipefail
export LC_ALL=C

# Not iperf3's own, where a server may be left from trying the lab.
PORT=15201
# Both routers, both directions: the end where a packet comes in, counts it.
ROUTER_ENDS=(r1:uno r3:r1 r3:tres r1:r3)

main() {
	local failed=0
	use_color
	printf '\n%-12s%-36s%14s%16s\n' "uno → tres  " "through r1 and r3" "by XDP" "by the kernel"
	prove "ping IPv4" ping_tres 10.0.3.2 || failed=1
	prove "ping IPv6" ping_tres fc00:3::2 || failed=1
	prove "TCP IPv4" tcp_to_tres 10.0.3.2 || failed=1
	prove "TCP IPv6" tcp_to_tres fc00:3::2 || failed=1
	prove "UDP IPv4" udp_to_tres 10.0.3.2 || failed=1
	prove "UDP IPv6" udp_to_tres fc00:3::2 || failed=1
	return "$failed"
}

use_color() {
	GOOD="✓" BAD="✗"
	[[ -t 1 && -z ${NO_COLOR-} ]] || return 0
	GOOD=$'\e[32m✓\e[0m' BAD=$'\e[31m✗\e[0m'
}

# prove TITLE COMMAND…: the command makes the traffic, and prints in a few words how that went.
prove() {
	local title=$1 result before after wrong=() xdp=0 kernel i
	shift
	read -ra before < <(counters)
	result=$("$@" 2>&1) || wrong+=("it does not get through")
	read -ra after < <(counters)
	for i in "${!ROUTER_ENDS[@]}"; do
		((after[i] > before[i])) || wrong+=("nothing was redirected on ${ROUTER_ENDS[i]}")
		((xdp += after[i] - before[i])) || true
	done
	kernel=$((after[-1] - before[-1]))
	((kernel == 0)) || wrong+=("the kernel's own forwarding had a part in it")
	if ((${#wrong[@]} == 0)); then
		printf '%s %-10s%-36s%14d%16d\n' "$GOOD" "$title" "$result" "$xdp" "$kernel"
	else
		printf '%s %-10s%-36s%14d%16d\n' "$BAD" "$title" "failed" "$xdp" "$kernel"
		printf '      %s\n' "${wrong[@]}" "${result:-no answer}"
		return 1
	fi
}

# How many packets XDP redirected on each of the routers' ends, then what the kernel forwarded in both.
counters() {
	local end
	for end in "${ROUTER_ENDS[@]}"; do
		redirected "${end%:*}" "${end#*:}"
	done
	{ kernel_forwarded r1 && kernel_forwarded r3; } | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

redirected() {
	ip netns exec "$1" ethtool -S "$2" |
		awk '/rx_queue_[0-9]+_xdp_redirect:/ { sum += $2 } END { printf "%.0f ", sum }'
}

# Absolute values, and no history file: nstat(8) -a -s.
kernel_forwarded() {
	ip netns exec "$1" nstat -asz IpForwDatagrams Ip6OutForwDatagrams |
		awk '/Forw/ { sum += $2 } END { printf "%.0f\n", sum }'
}

# All replies, the first one included: nothing has to be resolved before XDP can forward.
ping_tres() {
	ip netns exec uno ping -n -c 5 -i 0.05 -W 1 "$1" | awk -F'[ /]' '
		/packets transmitted/ { sent = $1; received = $4 }
		/^rtt/ { average = $8 }
		END {
			printf "%d of %d replies%s\n", received, sent, average ? ", " average " ms" : ""
			exit !(sent > 0 && sent == received)
		}'
}

# shellcheck disable=SC2016 # JavaScript expands it.
tcp_to_tres() {
	iperf "$1" | node -e "$READ_RESULT"'
		const { bits_per_second: rate } = end.sum_received;
		console.log(`${(rate / 1e9).toFixed(2)} Gbit/s`);
		process.exitCode = rate > 0 ? 0 : 1;'
}

# On a busy machine the receiver may be too late for some: 19 of 20 will do.
# shellcheck disable=SC2016
udp_to_tres() {
	iperf "$1" --udp --bitrate 10M --length 1200 | node -e "$READ_RESULT"'
		const { packets, lost_packets: lost } = end.sum;
		console.log(`${packets - lost} of ${packets} datagrams`);
		process.exitCode = packets > 0 && lost <= packets / 20 ? 0 : 1;'
}

READ_RESULT='
	const { end, error } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
	if (error) {
		console.log(error);
		process.exit(1);
	}'

# One second of iperf3, from uno to a server in tres that takes one client.
iperf() {
	local address=$1 server status=0
	shift
	ip netns exec tres iperf3 --server --one-off --port "$PORT" >/dev/null 2>&1 &
	server=$!
	until is_listening; do
		kill -0 "$server" || return # It has ended, and so cannot listen any more.
		sleep 0.02
	done
	timeout 10 ip netns exec uno iperf3 --client "$address" --port "$PORT" --time 1 --json "$@" || status=$?
	kill "$server" 2>/dev/null || true
	wait "$server" || true
	return "$status"
}

is_listening() {
	[[ -n $(ip netns exec tres ss -Hltn "sport = :$PORT") ]]
}

main
