/** A group of features as ethtool(8) names it: off_flag_def of ethtool.c, ETH_FLAG_* of <linux/ethtool.h>. */
interface Group {
	/** As `ethtool -K` takes it. */
	short: string;
	/** As `ethtool -k` prints it. */
	long: string;
	/** The features in it. */
	pattern: RegExp;
}

const GROUPS: readonly Group[] = [
	{ short: "rx", long: "rx-checksumming", pattern: /^rx-checksum$/ },
	{ short: "tx", long: "tx-checksumming", pattern: /^tx-checksum-/ },
	{ short: "sg", long: "scatter-gather", pattern: /^tx-scatter-gather/ },
	{ short: "tso", long: "tcp-segmentation-offload", pattern: /^tx-tcp.*-segmentation$/ },
	{ short: "gso", long: "generic-segmentation-offload", pattern: /^tx-generic-segmentation$/ },
	{ short: "gro", long: "generic-receive-offload", pattern: /^rx-gro$/ },
	{ short: "lro", long: "large-receive-offload", pattern: /^rx-lro$/ },
	{ short: "rxvlan", long: "rx-vlan-offload", pattern: /^rx-vlan-hw-parse$/ },
	{ short: "txvlan", long: "tx-vlan-offload", pattern: /^tx-vlan-hw-insert$/ },
	{ short: "ntuple", long: "ntuple-filters", pattern: /^rx-ntuple-filter$/ },
	{ short: "rxhash", long: "receive-hashing", pattern: /^rx-hashing$/ },
];

/** The features themselves: netdev_features_strings of net/ethtool/common.c. */
const FEATURES = `
	tx-scatter-gather tx-checksum-ipv4 tx-checksum-ip-generic tx-checksum-ipv6 highdma
	tx-scatter-gather-fraglist tx-vlan-hw-insert rx-vlan-hw-parse rx-vlan-filter tx-vlan-stag-hw-insert
	rx-vlan-stag-hw-parse rx-vlan-stag-filter vlan-challenged tx-generic-segmentation tx-lockless
	netns-local rx-gro rx-gro-hw rx-lro tx-tcp-segmentation tx-gso-robust tx-tcp-ecn-segmentation
	tx-tcp-mangleid-segmentation tx-tcp6-segmentation tx-tcp-accecn-segmentation tx-fcoe-segmentation
	tx-gre-segmentation tx-gre-csum-segmentation tx-ipxip4-segmentation tx-ipxip6-segmentation
	tx-udp_tnl-segmentation tx-udp_tnl-csum-segmentation tx-gso-partial tx-tunnel-remcsum-segmentation
	tx-sctp-segmentation tx-esp-segmentation tx-udp-segmentation tx-gso-list tx-checksum-fcoe-crc
	tx-checksum-sctp fcoe-mtu rx-ntuple-filter rx-hashing rx-checksum tx-nocache-copy loopback rx-fcs
	rx-all l2-fwd-offload hw-tc-offload esp-hw-offload esp-tx-csum-hw-offload
	rx-udp_tunnel-port-offload tls-hw-tx-offload tls-hw-rx-offload tls-hw-record rx-gro-list
	macsec-hw-offload rx-udp-gro-forwarding hsr-tag-ins-offload hsr-tag-rm-offload hsr-fwd-offload
	hsr-dup-offload`
	.trim()
	.split(/\s+/);

/** Every name by which a feature or a group can be called, with the one that stands for all of them. */
const CANONICAL: ReadonlyMap<string, string> = new Map([
	...FEATURES.map((name): [string, string] => [name, name]),
	...GROUPS.flatMap(({ short, long, pattern }) => {
		const members = FEATURES.filter((name) => pattern.test(name));
		return [short, long, ...(members.length === 1 ? members : [])].map((name): [string, string] => [
			name,
			short,
		]);
	}),
]);

/** Every name that a topology may use. */
export const FEATURE_NAMES: readonly string[] = [...CANONICAL.keys()];

/**
 * The one name of a feature or a group: the short one where it has one, so that `rx-gro`,
 * `generic-receive-offload` and `gro` are `gro`. Undefined where there is none of this name.
 */
export function canonicalFeature(name: string): string | undefined {
	return CANONICAL.get(name);
}

/** The features that a canonical name stands for, of those that a device or a kernel has. */
export function expandFeature(name: string, available: Iterable<string>): string[] {
	const group = GROUPS.find(({ short }) => short === name);
	return [...available].filter((feature) => (group ? group.pattern.test(feature) : feature === name));
}

/** Whether two canonical names have a feature in common. */
export function overlap(a: string, b: string): boolean {
	const left = expandFeature(a, FEATURES);
	return expandFeature(b, left).length > 0;
}
