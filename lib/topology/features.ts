/**
 * Offload features by the names that ethtool(8) takes.
 *
 * Short and long names of ethtool's own groups: off_flag_def in ethtool.c. The features themselves:
 * netdev_features_strings in net/ethtool/common.c.
 */
const groups: readonly (readonly [short: string, long: string])[] = [
	["rx", "rx-checksumming"],
	["tx", "tx-checksumming"],
	["sg", "scatter-gather"],
	["tso", "tcp-segmentation-offload"],
	["gso", "generic-segmentation-offload"],
	["gro", "generic-receive-offload"],
	["lro", "large-receive-offload"],
	["ufo", "udp-fragmentation-offload"],
	["rxvlan", "rx-vlan-offload"],
	["txvlan", "tx-vlan-offload"],
	["ntuple", "ntuple-filters"],
	["rxhash", "receive-hashing"],
];

const single = `
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
	hsr-dup-offload`;

/** Each name a feature can be called by, with the one that all names of it share. */
const features: ReadonlyMap<string, string> = new Map([
	...groups.flatMap(([short, long]): [string, string][] => [
		[short, long],
		[long, long],
	]),
	...single
		.trim()
		.split(/\s+/)
		.map((name): [string, string] => [name, name]),
]);

export const featureNames: readonly string[] = [...features.keys()];

/** The long name of a feature; undefined if there is none of this name. */
export function longFeatureName(name: string): string | undefined {
	return features.get(name);
}
