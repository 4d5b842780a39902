# The commands of a checkout, in the fish that reads this file: on PATH, also behind sudo, and completed.
#   source shell/activate.fish

set --local root (realpath (status dirname)/..)
if not test -e $root/dist/commands/xdp-topology
	echo "xdp-topology: $root is not built: run `npm start` there, or `npm ci && npm run build`" >&2
	exit 1
end
contains $root/dist/commands $PATH; or set --global --export PATH $root/dist/commands $PATH
# sudo has a PATH of its own, with neither the commands nor, as often, Node.js.
if test (id -u) != 0
	function sudo --wraps sudo
		if string match --quiet 'xdp-*' -- $argv[1]
			command sudo env "PATH="(string join : $PATH) $argv
		else
			command sudo $argv
		end
	end
end
xdp-topology completion fish | source
