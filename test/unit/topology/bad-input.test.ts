import { describe, test } from "vitest";
import { expectMistakes, lab } from "./marked.js";

/** A title, a text whose wrong parts are «marked», and the words that each mistake must have. */
type Case = [title: string, marked: string, ...words: (string | string[])[]];

function table(title: string, cases: Case[]): void {
	describe(title, () => {
		test.each(cases)("%s", (_, marked, ...words) => {
			expectMistakes(marked, words);
		});
	});
}

table("the document", [
	["a file of comments is empty", "«#» nothing\n", "the file is empty"],
	["a list is refused", "«-» a\n", "the file is a list"],
	["a single word is refused", "«e»cho\n", "the file is one value"],
	["a name is required", "«n»amespaces: { uno: }\n", "`name` is missing"],
	["unknown keys are refused", "name: x\n«colour»: 1\n", ["unknown key `colour`", "expected `name`"]],
	["a misspelt key gives the nearest", "name: x\n«vets»: []\n", "did you mean `veths`?"],
	[
		"a key of the prototype is an unknown one",
		"name: x\n«constructor»: 1\n«__proto__»: 1\n",
		"`constructor`",
		"`__proto__`",
	],
	["a key of the prototype is unknown at any depth", lab({ uno: "«toString»: 1" }), "unknown key `toString`"],
	[
		"an item of the wrong kind names its list",
		"name: x\nveths: [«host:uno»]\n",
		"an item of `veths` must be a mapping",
	],
	["a list where a mapping belongs is refused", "name: x\nnamespaces: «[uno]»\n", ["a mapping", "is a list"]],
	[
		"a misspelt section makes no follow-up errors",
		"name: x\n«namespace»: { uno: }\nveths: [{ host:a: , uno:b: }]\n",
		"did you mean `namespaces`?",
	],
]);

table("YAML", [
	["a tab cannot indent", "name: x\nnamespaces:\n«\t»uno:\n", "a tab cannot indent"],
	["a quote that is not closed is told", 'name: «"»x\n', "missing closing quote"],
	["a second colon in a line is told", "name: «a»: b\n", "a second `: ` in one line"],
	["a duplicate key names the first", "name: x\n«name»: y\n", ["duplicate key `name`", "line 1"]],
	["a duplicate namespace is a duplicate key", "name: x\nnamespaces:\n  uno:\n  «uno»:\n", "line 3"],
	["an alias needs its anchor", "name: «*lab»\n", "no anchor `lab`"],
	[
		"a misspelt alias gives the nearest",
		"name: &echo x\nnamespaces: { uno: «*ehco» }\n",
		"did you mean `echo`?",
	],
	[
		"an alias cannot stand within its anchor",
		"name: x\nnamespaces: &a { uno: «*a» }\n",
		"within the value that it names",
	],
	["a tag is refused", "name: «!lab» x\n", "tags"],
	["only mappings are merged", "name: x\nnamespaces: { uno: { «<<»: [1] } }\n", "merges mappings only"],
	["a second document is refused", "name: x\n«---»\nname: y\n", "second document"],
	["a colon needs a space after it", "name: x\n«veths:[]»\n", ["without a value", "`key: value`"]],
	["a key must be a name", "name: x\n«[a]»: 1\n", "a key must be a name"],
	[
		"deep nesting is refused",
		`name: x\nnamespaces: { a: { «b»: ${"[".repeat(62)}«${"[]"}»${"]".repeat(62)} } }\n`,
		"unknown key `b`",
		"nested too deeply",
	],
]);

table("values that YAML reads as something else", [
	["a number as a name is to be quoted", "name: «123»\n", ["must be a string", 'put it in quotes: "123"']],
	["an octal number keeps its digits", "name: «007»\n", '"007"'],
	["a boolean as a name is to be quoted", "name: «true»\n", '"true"'],
	[
		"an address ending in :: is to be quoted in a list",
		lab({ b: "[«fc00:1::»]" }),
		["mapping", '"fc00:1::"'],
	],
	[
		"an address ending in :: is to be quoted in braces",
		lab({ uno: "gateway: «fc00:1::» , sysctls: {}" }),
		'"fc00:1::"',
	],
	[
		"an address ending in :: is to be quoted in a block",
		"name: x\nnamespaces:\n  uno:\n    gateway: «fc00:1::»\n",
		'"fc00:1::"',
	],
	[":: alone is to be quoted", "name: x\nnamespaces:\n  uno:\n    routes:\n      - to: «::»\n", '"::"'],
	[
		"a quoted number where one belongs is to be unquoted",
		lab({ b: '{ mtu: «"9000"» }' }),
		["a whole number", "without quotes"],
	],
	["a key without a value is told", lab({ b: "{ «mtu»: }" }), "has no value"],
]);

table("names", [
	["a lab's name has no capitals", "name: «Echo»\n", ["`Echo` cannot be the name of a lab", "lower-case"]],
	["a lab's name ends in no dash", "name: «echo-»\n", "letter or digit first and last"],
	["a lab's name has at most 32 characters", `name: «${"x".repeat(33)}»\n`, ["33 characters", "at most 32"]],
	["a namespace's name has no slash", "name: x\nnamespaces: { «a/b»: }\n", "holds `/`"],
	["a namespace's name has no two dots", "name: x\nnamespaces: { «..»: , «a..b»: }\n", "`..`", "`..`"],
	["a namespace is no folder", "name: x\nnamespaces: { «.»: }\n", "names a folder"],
	["a namespace's name has no white space", "name: x\nnamespaces: { «a b»: }\n", "white space"],
	[
		"a namespace's name has no control character",
		'name: x\nnamespaces: { «"a\\e[0m"»: }\n',
		"control character",
	],
	["a namespace's name has no colon", 'name: x\nnamespaces: { «"a:b"»: }\n', "holds `:`"],
	["a namespace's name is no option", "name: x\nnamespaces: { «-all»: }\n", "option"],
	["a namespace's name is not empty", 'name: x\nnamespaces: { «""»: }\n', "is empty"],
	[
		"a namespace's name has at most 255 bytes",
		`name: x\nnamespaces: { «${"ä".repeat(128)}»: }\n`,
		"256 bytes, at most 255",
	],
	[
		"an interface's name has at most 15 bytes",
		lab({ more: "  - host:«a23456789012345x»:\n    uno:«ääääääää»:" }),
		"16 bytes, at most 15",
		"16 bytes",
	],
	["an interface is not lo", lab({ more: "  - host:«lo»:\n    uno:b:" }), ["loopback", "`addresses`"]],
	[
		"an interface is not all or default",
		lab({ more: "  - host:«all»:\n    uno:«default»:" }),
		"sysctl",
		"sysctl",
	],
	[
		"an interface's name has no slash, no two dots, no per cent",
		lab({ more: "  - host:«a/b»:\n    uno:«..»:\n  - host:«v%d»:\n    uno:c:" }),
		"`/`",
		"`..`",
		"`%`",
	],
	[
		"an interface's name has no white space",
		lab({ more: "  - host:«a b»:\n    uno:«à»:" }),
		"white space",
		"white space",
	],
	[
		"an end has two parts",
		lab({ more: "  - «host»:\n    uno:b:\n  - «a:b:c»:\n    uno:d:" }),
		"does not name an end",
		"NAMESPACE:INTERFACE",
	],
]);

table("veth pairs", [
	["a pair has two ends", lab({ more: "  - «host:b»:" }).replace("«host:b»:", "«host:b:»"), "this one has 1"],
	["a pair has no third end", lab({ more: "  - «host:b:»\n    host:c:\n    uno:d:" }), "this one has 3"],
	["an end is used once", lab({ more: "  - «host:uno»:\n    uno:b:" }), ["used twice", "line 6"]],
	[
		"a namespace must be declared",
		lab({ more: "  - host:b:\n    «dos»:c:" }),
		["`dos` is not declared", "`dos:`"],
	],
	[
		"a misspelt namespace gives the nearest",
		lab({ more: "  - host:b:\n    «unno»:c:" }),
		"did you mean `uno`?",
	],
	[
		"a namespace that is not declared is told once",
		lab({ more: "  - host:b:\n    «dos»:c:\n  - host:d:\n    dos:e:" }),
		"`dos`",
	],
	["an end is no number", lab({ b: "«5»" }), "must be a string, a list or a mapping"],
	[
		"an end's keys are known",
		lab({ b: "{ «adresses»: [10.1.0.2/24] }", uno: "gateway: 10.1.0.1" }),
		"did you mean `addresses`?",
	],
	[
		"the ends of a pair have different MACs",
		lab({ a: '{ mac: "02:00:00:00:00:01" }', b: '{ mac: «"02:00:00:00:00:01"» }' }),
		"both ends",
	],
	["a MAC is a MAC", lab({ b: "{ mac: «02:00:00:00:00» }" }), ["is no MAC", "`02:00:00:00:00:01`"]],
	["a MAC has colons", lab({ b: "{ mac: «02-00-00-00-00-0A» }" }), "`02:00:00:00:00:0a`"],
	["a MAC is not multicast", lab({ b: "{ mac: «03:00:00:00:00:01» }" }), "multicast"],
	["a MAC is not all zero", lab({ b: "{ mac: «00:00:00:00:00:00» }" }), "no interface's MAC"],
	["an MTU is a number", lab({ b: "{ mtu: «big» }" }), "a whole number"],
	["an MTU is at least 68", lab({ b: "{ mtu: «67» }" }), "at least 68"],
	["an MTU is at most 65535", lab({ b: "{ mtu: «65536» }" }), "at most 65535"],
	[
		"an MTU is at least 1280 with IPv6",
		lab({ b: '{ mtu: «1279», addresses: "fc00::2/64" }' }),
		"at least 1280",
	],
	[
		"a program must be there",
		lab({ b: "{ xdp: «icmp-ecko» }" }),
		["no program", "did you mean `icmp-echo`?"],
	],
	[
		"a program in a mapping must be there",
		lab({ b: "{ xdp: { program: «foo» } }" }),
		"expected `none`, `pass`, `drop` or `icmp-echo`",
	],
	["no program cannot be attached", lab({ b: "{ xdp: { program: «none» } }" }), "write `xdp: none`"],
	[
		"a mode of attaching is native or generic",
		lab({ b: "{ xdp: { program: pass, attach: «genric» } }" }),
		"did you mean `generic`?",
	],
	["an offload feature must be known", lab({ b: "{ offloads: { «gor»: true } }" }), "did you mean `gro`?"],
	[
		"an offload feature is named once",
		lab({ b: "{ offloads: { tx: true, «tx-checksumming»: true } }" }),
		"one feature",
	],
	["an offload feature is true or false", lab({ b: "{ offloads: { tx: «off» } }" }), "true or false"],
]);

table("addresses", [
	["an address has a prefix length", lab({ b: "«10.1.0.2»" }), ["no prefix length", "10.1.0.2/24", "/32"]],
	[
		"an address is an address",
		lab({ b: "[«10.1.0.300/24», «10.1/24», «010.1.0.1/24», «fc00::g/64»]" }),
		"is no IPv4 or IPv6 address",
		"no",
		"no",
		"no",
	],
	["an address has no zone", lab({ b: '«"fe80::1%eth0/64"»' }), "is no IPv4 or IPv6 address"],
	[
		"a prefix length is in range",
		lab({ b: "[«10.1.0.2/33», «fc00::2/129», «10.1.0.2/024», «10.1.0.3/0»]" }),
		"`33`",
		"`129`",
		"`024`",
		"prefix length 0",
	],
	[
		"an address is not the network's",
		lab({ b: "[«10.1.0.0/24», «fc00::/64»]" }),
		"network address of 10.1.0.0/24",
		"anycast",
	],
	["an address is not the broadcast's", lab({ b: "«10.1.0.255/24»" }), "broadcast address of 10.1.0.0/24"],
	[
		"an address is one machine's",
		lab({ b: "[«224.0.0.1/24», «127.0.0.1/8», «0.0.0.0/24», «255.255.255.255/32», «::1/128»]" }),
		"multicast",
		"loopback",
		"no address",
		"broadcast",
		"loopback",
	],
	[
		"an IPv4 address is not written as IPv6",
		lab({ b: '«"::ffff:10.1.0.2/96"»' }),
		"IPv4 address written as IPv6",
	],
	[
		"an address stands once in a namespace",
		lab({ more: "  - host:b: «10.1.0.1/16»\n    uno:c:" }),
		["twice on the host", "line 6", "`/32` on each"],
	],
	[
		"an address stands once on an interface, also alone",
		lab({ b: "[10.1.0.2/32, «10.1.0.2/32»]" }),
		["`10.1.0.2` stands twice", "it is on `veth0` already, in line 7)"],
	],
	[
		"interfaces share an address only where each has it alone",
		lab({
			b: '[10.1.0.2/32, "fc00::2/64"]',
			more: '  - host:b:\n    uno:c: [«10.1.0.2/31», «"fc00::2/128"»]',
		}),
		["`10.1.0.2` stands twice", "`/32` on each"],
		["`fc00::2` stands twice", "`/128` on each"],
	],
	[
		"an interface shares an address with lo only where each has it alone",
		lab({ uno: "addresses: 10.1.0.2/32", b: "«10.1.0.2/24»" }),
		["twice in namespace `uno`", "on `lo` already"],
	],
	["lo of the host is the machine's own", lab({ host: "«addresses»: 10.9.0.1/32" }), "machine's own"],
	[
		"an address on lo is one that an interface can have",
		lab({ uno: 'addresses: [«127.0.0.2/8», «"::1/128"», «10.9.0.1», «224.0.0.5/32», «10.9.0.0/24», «x»]' }),
		"loopback",
		"loopback",
		"no prefix length",
		"multicast",
		"network address",
		"no IPv4 or IPv6 address",
	],
	["an address on lo is on no link", lab({ uno: 'addresses: «"fe80::1/64"»' }), ["link-local", "no link"]],
	[
		"an address stands once on lo",
		lab({ uno: "addresses: [10.9.0.1/32, «10.9.0.1/32»]" }),
		"on `lo` already, in line 4)",
	],
	[
		"an address stands once however it is written",
		lab({ b: "[fc00::2/64, «FC00:0::2/64»]" }),
		["`fc00::2` stands twice", "namespace `uno`"],
	],
]);

table("gateways and routes", [
	["a gateway is an address", lab({ uno: "gateway: «10.1.0.1/24»" }), ["prefix length", "`10.1.0.1`"]],
	["a family has one gateway", lab({ uno: "gateway: [10.1.0.1, «10.1.0.3»]" }), "second gateway for IPv4"],
	[
		"a gateway is in a subnet",
		lab({ uno: "gateway: «10.2.0.1»" }),
		["gateway `10.2.0.1`", "outside every subnet", "10.1.0.0/24"],
	],
	["a gateway of a family needs an address of it", lab({ uno: 'gateway: «"fc00::1"»' }), "no IPv6 address"],
	["a link-local gateway is written as a route", lab({ uno: 'gateway: «"fe80::1"»' }), "needs an interface"],
	["host has no gateway", lab({ host: "gateway: «10.1.0.2»" }), "the machine's own"],
	[
		"host has no default route",
		lab({ host: "routes: [{ to: «default», via: 10.1.0.2 }, { to: «0.0.0.0/0», via: 10.1.0.2 }]" }),
		"machine's own",
		"machine's own",
	],
	["host drops nothing", lab({ host: "routes: [{ to: 10.9.0.0/16, type: «blackhole» }]" }), "machine's own"],
	["a route has a destination", lab({ uno: "routes: [«{ via: 10.1.0.1 }»]" }), "`to` is missing"],
	[
		"a destination is a prefix",
		lab({ uno: "routes: [{ to: «10.2.0.1», via: 10.1.0.1 }]" }),
		["no prefix length", "/32"],
	],
	[
		"a route goes somewhere",
		lab({ uno: "routes: [«{ to: 10.2.0.0/24 }»]" }),
		"neither `via` nor `interface`",
	],
	[
		"a next hop is in a subnet",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: «10.3.0.1» }]" }),
		"next hop `10.3.0.1` is outside",
	],
	[
		"a next hop is in a subnet of the interface given",
		lab({
			uno: "routes: [{ to: 10.2.0.0/24, via: «10.1.0.1», interface: c }]",
			more: "  - host:b: 10.4.0.1/24\n    uno:c: 10.4.0.2/24",
		}),
		["every subnet of `uno:c`", "10.4.0.0/24"],
	],
	[
		"a next hop is not the namespace itself",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: «10.1.0.2» }]" }),
		"own address",
	],
	[
		"a next hop is not a broadcast address",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: «10.1.0.255» }]" }),
		"broadcast address",
	],
	[
		"a next hop has the route's family",
		lab({ uno: 'routes: [{ to: "fc00:2::/64", via: «10.1.0.1» }]' }),
		"is IPv4, and the route to fc00:2::/64 is IPv6",
	],
	[
		"next hops of both families cannot be mixed",
		lab({ b: "[10.1.0.2/24, fc00::2/64]", uno: 'routes: [{ to: default, via: [10.1.0.1, «"fc00::1"»] }]' }),
		["is IPv6, and the default route is IPv4", "write a route for each family"],
	],
	[
		"a next hop stands once",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: [10.1.0.1, «10.1.0.1»] }]" }),
		"twice",
	],
	[
		"a list of next hops is not empty",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, «via»: [] }]" }),
		"`via` is empty",
	],
	[
		"a link-local next hop needs an interface",
		lab({ uno: 'routes: [{ to: "fc00:2::/64", via: «"fe80::1"» }]' }),
		"needs an interface",
	],
	[
		"an interface must be there",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, interface: «veth1» }]" }),
		["no interface `veth1`", "did you mean `veth0`?"],
	],
	[
		"an interface is one of the namespace",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, interface: «host:uno» }]" }),
		["not an interface of namespace `uno`", "`veth0`"],
	],
	[
		"a blackhole goes nowhere",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, type: blackhole, «via»: 10.1.0.1, «interface»: veth0 }]" }),
		"takes no `via`",
		"takes no `interface`",
	],
	[
		"a default route has a family",
		lab({ uno: "routes: [{ to: «default», interface: veth0 }]" }),
		"`0.0.0.0/0` or `::/0`",
	],
	[
		"a route stands once",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: 10.1.0.1 }, { to: «10.2.0.0/24», via: 10.1.0.3 }]" }),
		["a second route", "via: [A, B]"],
	],
	[
		"a gateway is a route as well",
		lab({ uno: "gateway: 10.1.0.1, routes: [{ to: «default», via: 10.1.0.3 }]" }),
		"a second default route",
	],
	[
		"the metric of an IPv6 route is 1024 by default",
		lab({
			b: "fc00::2/64",
			uno: 'routes: [{ to: "fc00:2::/64", via: "fc00::1" }, { to: «"fc00:2::/64"», via: "fc00::1", metric: 1024 }]',
		}),
		"same metric",
	],
	[
		"a metric is not negative",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: 10.1.0.1, metric: «-1» }]" }),
		"at least 0",
	],
	[
		"a type is one of four",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, type: «blakhole» }]" }),
		"did you mean `blackhole`?",
	],
	[
		"a source is an address of the namespace",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: 10.1.0.1, source: «10.1.0.9» }]" }),
		"no address of namespace `uno`",
	],
]);

table("neighbours", [
	[
		"a neighbour's address has no prefix length",
		lab({ uno: 'neighbors: [{ ip: «10.1.0.9/24», mac: "02:00:00:00:00:09", interface: veth0 }]' }),
		"`10.1.0.9`",
	],
	[
		"a neighbour's interface must be there",
		lab({ uno: 'neighbors: [{ ip: 10.1.0.9, mac: "02:00:00:00:00:09", interface: «r2» }]' }),
		"no interface `r2`",
	],
	[
		"a neighbour's MAC is unicast",
		lab({ uno: 'neighbors: [{ ip: 10.1.0.9, mac: «"01:00:00:00:00:09"», interface: veth0 }]' }),
		"multicast",
	],
	[
		"the end of a neighbour must be there",
		lab({ uno: "neighbors: [{ ip: 10.1.0.9, mac: «host:unno», interface: veth0 }]" }),
		"did you mean `uno`?",
	],
	[
		"a neighbour has all three",
		lab({ uno: "neighbors: [«{ ip: 10.1.0.9, interface: veth0 }»]" }),
		"`mac` is missing",
	],
	[
		"a neighbour stands once",
		lab({
			uno: "neighbors: [{ ip: 10.1.0.9, mac: host:uno, interface: veth0 }, «{ ip: 10.1.0.9, mac: host:uno, interface: uno:veth0 }»]",
		}),
		"stands twice",
	],
	["neighbours are listed or learned", lab({ uno: "neighbors: «lerned»" }), "did you mean `learned`?"],
]);

table("sysctls", [
	["a sysctl is under net.", lab({ uno: "sysctls: { «kernel.panic»: 1 }" }), "not under `net.`"],
	[
		"a sysctl has no two dots",
		lab({ uno: "sysctls: { «net..ipv4.ip_forward»: 1, «net/../kernel/panic»: 1 }" }),
		"`..`",
		"`..`",
	],
	[
		"a dot of an interface cannot make a way up",
		lab({ uno: "sysctls: { «net.//.kernel.panic»: 1 }" }),
		"`..`",
	],
	[
		"two names of one value are one",
		lab({ uno: "sysctls: { net.ipv4.ip_forward: 1, «net.ipv4.conf.all.forwarding»: 1 }" }),
		["the same value as `net.ipv4.ip_forward`", "line 4"],
	],
	[
		"slashes and dots are one",
		lab({ uno: "sysctls: { net.ipv4.ip_forward: 1, «net/ipv4/ip_forward»: 1 }" }),
		"the same value",
	],
	[
		"the interface of a sysctl must be there",
		lab({ uno: "sysctls: { «net.ipv4.conf.veth1.rp_filter»: 0 }" }),
		"did you mean `veth0`?",
	],
	["a value is one line", lab({ uno: 'sysctls: { net.ipv4.ip_forward: «"1\\n2"» }' }), "one line"],
	["a value is no list", lab({ uno: "sysctls: { net.ipv4.ip_forward: «[1]» }" }), "is a list"],
	[
		"host's own are left alone",
		lab({
			host: "sysctls: { «net.ipv4.ip_forward»: 1, «net.ipv4.conf.all.rp_filter»: 0, net.ipv4.conf.uno.rp_filter: 0 }",
		}),
		"the machine itself",
		"the machine itself",
	],
]);

table("forwarding", [
	["a mode is one of four", lab({ uno: "forwarding: «fibb»" }), "did you mean `fib`?"],
	["a mode in a mapping is one of four", lab({ uno: "forwarding: { mode: «fibb» }" }), "did you mean `fib`?"],
	["a mapping has a mode", lab({ uno: "«forwarding»: { cache: true }" }), "`mode` is missing"],
	[
		"a mode has its own keys",
		lab({
			uno: "forwarding: { mode: map, redirect: { veth0: c }, «cache»: true }",
			more: "  - host:b:\n    uno:c:",
		}),
		"unknown key `cache`",
	],
	[
		"hardcoded and map alone have nothing to redirect",
		lab({ host: "forwarding: «hardcoded»", uno: "forwarding: «map»" }),
		["nothing to redirect", "mode: hardcoded"],
		"mode: map",
	],
	[
		"a redirect is not empty",
		lab({ uno: "forwarding: { mode: map, «redirect»: {} }" }),
		"`redirect` is empty",
	],
	["a redirect is required", lab({ uno: "«forwarding»: { mode: map }" }), "`redirect` is missing"],
	[
		"both sides of a redirect must be there",
		lab({ host: "forwarding: { mode: map, redirect: { «unno»: «dos» } }" }),
		"did you mean `uno`?",
		"no interface `dos`",
	],
	[
		"an interface is not redirected to itself",
		lab({ host: "forwarding: { mode: map, redirect: { uno: «uno» } }" }),
		["to itself", "XDP_TX"],
	],
	[
		"an interface is redirected once",
		lab({
			host: "forwarding: { mode: map, redirect: { uno: b, «host:uno»: b } }",
			more: "  - host:b:\n    uno:c:",
		}),
		"redirected twice",
	],
	[
		"listed interfaces must be there, once",
		lab({ host: "forwarding: { mode: fib, interfaces: [uno, «uno», «unno»] }" }),
		"twice",
		"did you mean `uno`?",
	],
	[
		"an end that a mode attaches to has no program",
		lab({ host: "forwarding: fib", a: "{ xdp: «pass» }" }),
		["takes no `xdp`", "`fib` in namespace `host`"],
	],
	[
		"nor has it none",
		lab({
			host: "forwarding: { mode: map, redirect: { uno: b } }",
			a: "{ xdp: «none» }",
			more: "  - host:b: { xdp: drop }\n    uno:c:",
		}),
		"takes no `xdp`",
	],
]);

table("programs and expectations", [
	[
		"a program does not take the name of a built-in one",
		lab({ more: "programs: { «pass»: { object: ./mine.bpf.o }, «fib»: { object: ./mine.bpf.o } }" }),
		"built in",
		"is the program of a forwarding mode",
	],
	[
		"a program has an object or a source",
		lab({ more: "programs: { «a»: {}, «b»: { object: b.o, source: b.c } }" }),
		"either",
		"not both",
	],
	[
		"no two expectations have the same name, and a name is a line of text",
		lab({
			more: "expect: [{ name: a, ping: { from: uno, to: host:uno } }, { name: «a», tcp: { from: uno, to: host:uno } }, { name: «' '», udp: { from: uno, to: host:uno } }]",
		}),
		"is named `a` as well",
		"name",
	],
	[
		"an expectation names one protocol",
		lab({
			more: "expect: [«{ reachable: true }», { ping: { from: uno, to: host:uno }, «tcp»: { from: uno, to: host:uno } }]",
		}),
		"needs one of ping, tcp, udp or reach",
		"not several",
	],
	[
		"what an expectation names must be there",
		lab({
			more: "expect: [{ ping: { from: «unno», to: «host:unno» }, actions: { «uno:veth1»: XDP_PASS } }]",
		}),
		"did you mean `uno`?",
		"did you mean `uno`?",
		"did you mean `veth0`?",
	],
	[
		"the kernel makes the routes to the subnets itself",
		lab({
			b: '[10.1.0.2/24, "fc00:1::2/64"]',
			uno: 'routes: [{ to: «10.1.0.0/24», interface: veth0 }, { to: «"fc00:1::/64"», via: "fc00:1::1", metric: 256 }, { to: «"fe80::/64"», type: blackhole, metric: 256 }]',
		}),
		["the subnet of `uno:veth0` has its route from the kernel already", "another `metric`"],
		"the subnet of `uno:veth0` has its route from the kernel already",
		"the subnet of `uno:veth0` has its route from the kernel already",
	],
	[
		"an IPv6 route has no IPv4 next hop",
		lab({ uno: 'routes: [{ to: "fc00:2::/64", via: «10.1.0.1» }]' }),
		["`10.1.0.1` is IPv4, and the route to fc00:2::/64 is IPv6", "RFC 8950"],
	],
	[
		"a link-local next hop of a list needs an interface of its own",
		lab({
			uno: 'routes: [{ to: 10.2.0.0/24, via: [{ address: "fe80::2", interface: veth0 }, { address: «"fe80::3"» }] }]',
		}),
		["is link-local and needs an interface", "in each next hop of a list"],
	],
	[
		"one interface of a next hop is enough",
		lab({
			uno: "routes: [{ to: 10.2.0.0/24, interface: veth0, via: { address: 10.1.0.1, «interface»: veth0 } }]",
		}),
		"both the route and its next hop name an `interface`",
	],
	[
		"a next hop has a known interface and a weight within bounds",
		lab({
			uno: "routes: [{ to: 10.2.0.0/24, via: [{ address: 10.1.0.1, interface: «veth1», weight: 2 }, { address: 10.1.0.1, weight: «0» }] }]",
		}),
		"did you mean `veth0`?",
		"`weight` must be at least 1",
	],
	[
		"onlink is about a next hop, and needs an interface where no subnet has it",
		lab({
			uno: "routes: [{ to: 10.2.0.0/24, via: «10.9.0.1», onlink: true }, { to: 10.3.0.0/24, interface: veth0, «onlink»: true }, { to: 10.4.0.0/24, type: blackhole, «onlink»: true }]",
		}),
		["is `onlink` and needs an interface", "interface: eth0"],
		"the route has none",
		"a blackhole route takes no `onlink`",
	],
	[
		"a next hop that a route by another next hop has is not reachable",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: 10.1.0.1 }, { to: 10.3.0.0/24, via: «10.2.0.1» }]" }),
		"outside every subnet",
	],
	[
		"routes are of the main table",
		lab({ uno: "routes: [{ to: 10.2.0.0/24, via: 10.1.0.1, «table»: 100 }]" }),
		"unknown key `table`",
	],
	[
		"lo is a place where it has addresses",
		lab({ more: "expect: [{ ping: { from: «uno:lo», to: «host:lo» } }]" }),
		["no addresses on `lo`", "uno: { addresses:"],
		"namespace `host` has no interface `lo`",
	],
	[
		"lo does nothing but have addresses",
		lab({
			uno: "addresses: 10.9.0.1/32, routes: [{ to: 10.8.0.0/24, interface: «lo» }]",
			more: "expect: [{ ping: { from: uno, to: host:uno }, actions: { «uno:lo»: XDP_PASS } }]",
		}),
		"addresses alone",
		"addresses alone",
	],
	[
		"a mistake in what is on lo makes no follow-up errors",
		lab({
			uno: "addresses: «10.9.0.1», routes: [{ to: 10.8.0.0/24, via: 10.1.0.1, source: 10.9.0.1 }]",
			more: "expect: [{ ping: { from: host, to: uno:lo } }]",
		}),
		"no prefix length",
	],
	[
		"an expectation ends at an end",
		lab({ more: "expect: [{ ping: { from: uno, to: «host» } }]" }),
		"does not name an end",
	],
	[
		"an action is an XDP action",
		lab({ more: "expect: [{ ping: { from: uno, to: host:uno }, actions: { host:uno: «REDIRECT» } }]" }),
		["expected `XDP_ABORTED`", "XDP_REDIRECT"],
	],
]);

describe("several mistakes", () => {
	test("of the schema and of the meaning are told in one go, in the order of the file", () => {
		expectMistakes(
			`name: «Lab»
namespaces:
  uno: { gateway: «10.9.0.1», «forwrding»: fib }
veths:
  - host:uno: [10.1.0.1/24, «10.1.0.0/24»]
    uno:veth0: { addresses: [10.1.0.2/24], mtu: «12», «xpd»: pass }
  - host:uno2: { mac: «nonsense» }
    «dos»:veth0:
expect:
  - ping: { from: uno, to: «uno:veth9» }
`,
			[
				"Lab",
				"outside",
				"`forwarding`",
				"network address",
				"at least 68",
				"`xdp`",
				"no MAC",
				"`dos`",
				"`veth0`",
			],
		);
	});
});
