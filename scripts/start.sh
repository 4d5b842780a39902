#!/usr/bin/env bash
# `npm start`: three routers that forward in XDP, up and proven, on a machine with nothing but Node.js.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
source scripts/setup.sh

LAB=topologies/three-routers.yaml

main() {
	setup start
	apply
	as_root bash scripts/prove.sh
	what_next
}

apply() {
	local status=0
	as_root node dist/bin/xdp-apply.js "$LAB" || status=$?
	((status == 0)) && return
	# Where not even `ip` can attach an XDP program, it is the machine, and the error above says how.
	((status == 77)) || can_attach ||
		cannot "" "This machine does not let root attach XDP programs to veth pairs. That takes Linux 6.1 or newer," \
			"with BPF and veth, as in Debian 12; a container has to be started with --privileged."
	exit "$status"
}

# In a network namespace without a name, which ends with the command.
can_attach() {
	as_root unshare --net sh -c '
		ip link add name a type veth peer name b &&
		ip link set dev a xdp object dist/bpf/pass.bpf.o section xdp.frags' >/dev/null 2>&1
}

what_next() {
	local root=""
	((EUID == 0)) || root="sudo "
	cat <<-END

		The lab is up. In bash or zsh, this puts the commands on your PATH and completes them
		(fish: source shell/activate.fish):
		  source shell/activate
		What to try next:
		  ${root}ip netns exec uno ping 10.0.3.2
		  ${root}npx xdp-verify three-routers
		  ${root}npx xdp-stats three-routers --watch
		  ${root}npx xdp-graph three-routers -o three-routers.svg
		  ${root}npx xdp-plan $LAB
		Edit that file, say \`forwarding: kernel\` for r1, and see what would change before you apply it:
		  ${root}npx xdp-apply $LAB
		Nothing stays behind after:
		  ${root}npx xdp-destroy three-routers
		Then try the lessons of the courses (topologies/packet03-*.yaml, topologies/case04-*.yaml), which have
		namespaces of the same names:
		  ${root}npx xdp-apply topologies/packet03-4-router.yaml
		Or one of three programs to start your own from (rate-limiter, port-filter, load-balancer.yaml):
		  ${root}npx xdp-apply topologies/port-filter.yaml
		All labs that are up go by:
		  ${root}npx xdp-destroy --all
	END
}

main
