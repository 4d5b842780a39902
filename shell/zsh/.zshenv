# zsh looks here where xdp-exec starts it (ZDOTDIR): the user's own file, and once more here for .zshrc.
if [[ -v XDP_TOPOLOGY_ZDOTDIR ]]; then
	ZDOTDIR=$XDP_TOPOLOGY_ZDOTDIR
else
	unset ZDOTDIR
fi
if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then
	source "${ZDOTDIR:-$HOME}/.zshenv"
fi
if [[ -o interactive ]]; then
	# It may have set ZDOTDIR itself.
	if [[ -v ZDOTDIR ]]; then
		XDP_TOPOLOGY_ZDOTDIR=$ZDOTDIR
	fi
	ZDOTDIR=${${(%):-%x}:h}
else
	unset XDP_TOPOLOGY_ZDOTDIR
fi
