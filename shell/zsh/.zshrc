# The user's own file, and then the namespace's name in front of the prompt, also of one that is made
# anew each time.
if [[ -v XDP_TOPOLOGY_ZDOTDIR ]]; then
	ZDOTDIR=$XDP_TOPOLOGY_ZDOTDIR
else
	unset ZDOTDIR
fi
unset XDP_TOPOLOGY_ZDOTDIR
if [[ -r ${ZDOTDIR:-$HOME}/.zshrc ]]; then
	source "${ZDOTDIR:-$HOME}/.zshrc"
fi

_xdp_topology_prompt() {
	local name="(${XDP_TOPOLOGY_NAMESPACE//\%/%%}) "
	# Where prompts are expanded, nothing in a name is special that way.
	[[ -o prompt_subst ]] && name='(${XDP_TOPOLOGY_NAMESPACE//\%/%%}) '
	[[ $PS1 == "$name"* ]] || PS1=$name$PS1
}
precmd_functions+=(_xdp_topology_prompt)
