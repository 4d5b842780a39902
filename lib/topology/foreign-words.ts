/** Where a word of another tool is met: a mapping of a file, an option, or the command after `xdp-topology`. */
export type Place =
	| "file"
	| "namespace"
	| "veth"
	| "interface"
	| "route"
	| "program"
	| "expectation"
	| "traffic"
	| "option"
	| `option of xdp-${string}`
	| "command";

const PAIR = "`{ r1:eth0: 10.0.0.1/24, r2:eth0: 10.0.0.2/24 }`";
const IN_FILE =
	"the file says it: `xdp: PROGRAM` at an interface of `veths`, and the program under `programs`";

/**
 * Words of containerlab, netlab, netplan, Docker, Kubernetes, Terraform, Scapy, ip(8), xdp-tools and the xdp-project's
 * tutorial, and what is written here instead.
 */
// biome-ignore format: a row is a line
export const WORDS: readonly (readonly [place: Place, words: string, hint: string])[] = [
	["file", "topology", "`nodes` are `namespaces` here and `links` are `veths`, both at the top of the file"],
	["file", "links link connections edges cables endpoints", `a link is an item of \`veths\`: ${PAIR}`],
	["file", "nodes node hosts routers devices switches containers services", "a node is an entry of `namespaces`: `namespaces: { r1: }`"],
	["file", "network ethernets interfaces bridges bonds vlans tunnels networks", `interfaces are the ends of \`veths\`: ${PAIR}`],
	["file", "routes routing", "routes stand at their namespace: `namespaces: { r1: { routes: [{ to: default, via: 10.0.0.2 }] } }`"],
	["file", "gateway gateway4 gateway6", "a gateway stands at its namespace: `namespaces: { r1: { gateway: 10.0.0.2 } }`"],
	["file", "apiVersion kind metadata spec", "this is no Kubernetes manifest: a topology has `name`, `namespaces` and `veths`"],
	["file", "version renderer mgmt prefix provider defaults groups module plugin addressing tools volumes", "nothing stands for it here: leave it out"],
	["file", "validate tests checks assertions ping", "what traffic must do is an item of `expect`: `{ reach: { from: uno, to: dos:veth0 } }`"],
	["file", "maps globals", "maps and globals stand at their program: `programs: { NAME: { source: FILE.c, maps: … } }`"],

	["namespace", "kind image type model device role binds ports env", "a namespace runs on the kernel of this machine: leave it out"],
	["namespace", "exec cmd command commands run", "a command is started after the apply: `xdp-exec NAMESPACE -- COMMAND`"],
	["namespace", "interfaces links ethernets ip ipv4 ipv6 mtu", `interfaces and their addresses are ends of \`veths\`: ${PAIR}`],
	["namespace", "default default_gateway gw via", "the default route is `gateway: 10.0.0.2`"],
	["namespace", "ip_forward routing router", "`forwarding: fib` forwards in XDP, `forwarding: kernel` in the stack"],
	["namespace", "loopback lo", "addresses of `lo` are the namespace's `addresses`"],
	["namespace", "dhcp4 dhcp6 nameservers optional mgmt-ipv4", "nothing stands for it here: leave it out"],

	["veth", "endpoints ends interfaces", `the two ends are the keys: ${PAIR}`],
	["veth", "mtu", "an MTU stands at each end: `r1:eth0: { addresses: 10.0.0.1/24, mtu: 9000 }`"],
	["veth", "type prefix bandwidth name", "nothing stands for it here: leave it out"],

	["interface", "ip ipv4 ipv6 inet inet6 cidr", "write `addresses`"],
	["interface", "mac_address macaddress hwaddr lladdr ether", "write `mac`"],
	["interface", "prog program bpf obj object section sec source", "`xdp: NAME` runs the program of that name under `programs`"],
	["interface", "mode skb generic", "the mode stands at `xdp`: `xdp: { program: NAME, attach: generic }`"],
	["interface", "routes gateway gateway4 gateway6 via", "routes and gateways stand at the namespace, under `namespaces`"],
	["interface", "dhcp4 dhcp6 nameservers optional", "nothing stands for it here: leave it out"],

	["route", "destination dst prefix network subnet", "write `to`"],
	["route", "dev device oif iface", "write `interface`"],
	["route", "gateway gw nexthop next_hop", "write `via`"],
	["route", "table vrf", "all routes are of the main table: leave it out"],

	["program", "file path filename obj elf", "`source: FILE.c` is compiled, `object: FILE.o` is loaded as it is"],
	["program", "section sec progsec function prog_name", "`program: FUNCTION` names the function in C"],
	["program", "mode", "write `attach: native` or `attach: generic`"],
	["program", "pin_path pinning", "write `pin`"],
	["program", "cflags flags", "write `defines` and `include`"],
	["program", "rodata data bss", "write `globals`"],

	["expectation", "packet packets send sendp Ether IP IPv6 ARP Dot1Q VXLAN Raw", "packets are not written by hand: `ping`, `tcp`, `udp` and `reach` send them"],
	["expectation", "ICMP ICMPv6", "write `ping`"],
	["traffic", "src source client", "write `from`"],
	["traffic", "dst destination server target", "write `to`"],
	["traffic", "dport sport", "write `port`"],
	["traffic", "count", "write `packets`"],

	["option", "--dry-run --check --diff --plan", "xdp-plan FILE shows what xdp-apply would do, and does nothing"],
	["option", "--yes --auto-approve --force --reconfigure -y", "nothing is asked: leave it out"],
	["option", "--file --topo --filename -t", "a file is named without an option: xdp-apply FILE"],
	["option", "--name --lab", "a lab is named without an option: xdp-status LAB"],
	["option of xdp-stats", "-d --dev --interface", "an interface is named without an option: xdp-stats NAMESPACE:INTERFACE"],
	["option of xdp-stats", "-i --interval --follow -f", "--watch SECONDS goes on"],
	["option of xdp-stats", "--prometheus --metrics", "--openmetrics prints text for Prometheus"],
	["option of xdp-exec", "-it -ti -i", "the terminal is the command's in any case: leave it out"],
	["option of xdp-exec", "-n --netns --net", "a namespace is named without an option: xdp-exec NAMESPACE -- COMMAND"],
	["option", "-d --dev --interface --prog-name --progsec --section", IN_FILE],
	["option", "-m --mode --skb-mode --native-mode --auto-mode -S -N -A", "the file says it: `xdp: { program: NAME, attach: generic }` at an interface of `veths`"],
	["option", "-p --pin-path", "the file says it: `pin` at a program"],
	["option", "-U --unload --unload-all -a", "xdp-destroy removes a lab; without `xdp:` in the file, xdp-apply takes the program off an interface"],
	["option", "--destroy --cleanup", "xdp-destroy LAB removes a lab, and leaves nothing"],
	["option", "--output -o --format", "--json prints the result as JSON"],

	["command", "up create deploy start load attach install run add", "here it is `xdp-topology apply FILE`"],
	["command", "down delete del remove rm stop unload detach clean teardown", "here it is `xdp-topology destroy LAB`"],
	["command", "ls list show ps inspect get", "here it is `xdp-topology status`"],
	["command", "diff preview", "here it is `xdp-topology plan FILE`"],
	["command", "check lint", "here it is `xdp-topology validate FILE`"],
	["command", "test ping", "here it is `xdp-topology verify LAB`"],
	["command", "sh shell enter netns ssh attach-shell", "here it is `xdp-topology exec NAMESPACE`"],
	["command", "top monitor counters", "here it is `xdp-topology stats --watch`"],
	["command", "draw picture dot view", "here it is `xdp-topology graph FILE`"],
	["command", "version", "here it is `xdp-topology --version`"],
];

/** What is written here instead of a word of another tool, if that is known. @param places the first of them wins */
export function hintFor(word: string, ...places: Place[]): string | undefined {
	const rows = places.flatMap((place) => WORDS.filter(([where]) => where === place));
	return rows.find(([, words]) => words.split(" ").includes(word))?.[2];
}

/** The place of a mapping by a key that only this mapping has. */
const PLACES: readonly (readonly [key: string, place: Place])[] = [
	["veths", "file"],
	["forwarding", "namespace"],
	["mtu", "interface"],
	["metric", "route"],
	["globals", "program"],
	["reach", "expectation"],
	["from", "traffic"],
];

/** {@link hintFor} a key of a file. @param known the keys that the mapping may have; none for a veth pair */
export function hintForKey(key: string, known: readonly string[]): string | undefined {
	const place = known.length === 0 ? "veth" : PLACES.find(([mark]) => known.includes(mark))?.[1];
	return place && hintFor(key, place);
}
