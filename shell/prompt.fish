# Read after the user's configuration where xdp-exec starts fish: the namespace's name before the prompt.
functions --copy fish_prompt _xdp_topology_prompt
function fish_prompt
	printf '(%s) ' $XDP_TOPOLOGY_NAMESPACE
	_xdp_topology_prompt
end
