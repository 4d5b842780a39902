import { closeSync } from "node:fs";
import type { KernelFeature, KernelNeed } from "../declare/kernel-needs.js";
import { NetlinkError } from "../errors.js";
import { Libbpf } from "../ffi/libbpf.js";
import { getFamily } from "../netlink/generic.js";
import { NETLINK_GENERIC, NetlinkSocket } from "./socket.js";
import { Sysctls } from "./sysctl.js";

interface FeatureRow {
	/** Linux version that brought the feature. */
	since: string;
	/** Tries whether the kernel has the feature. A version would not show what a distribution has ported back. */
	isThere(): boolean;
}

/**
 * Features that the product uses and that not every kernel has. README.md has the same table for users.
 * A lab without the first cannot be brought up; without one of the others, parts of a lab do not work.
 */
export const KERNEL_FEATURES: Readonly<Record<KernelFeature, FeatureRow>> = {
	"xdp.frags": { since: "5.18", isThere: () => loadSmallestProgram() !== -EINVAL },
	"multi-buffer redirect": { since: "6.3", isThere: hasXdpFeatures },
	force_forwarding: { since: "6.17", isThere: forwardsIpv6OfInterfaces },
};

/** The needs that the kernel does not fulfil. Tries only what is needed, in the namespace of this thread. */
export function unfulfilled(needs: readonly KernelNeed[]): KernelNeed[] {
	const features = new Set(needs.map(({ feature }) => feature));
	const lacking = new Set([...features].filter((feature) => !KERNEL_FEATURES[feature].isThere()));
	return needs.filter(({ feature }) => lacking.has(feature));
}

/** Warning about a need that the kernel does not fulfil. */
export function warningOf({ feature, without, or }: KernelNeed): string {
	const remedy = `use Linux ${KERNEL_FEATURES[feature].since} or newer`;
	return `${without}: ${remedy}${or === undefined ? "" : `, or ${or}`}`;
}

/**
 * Loads the smallest XDP program, with BPF_F_XDP_HAS_FRAGS: EINVAL before Linux 5.18.
 * @returns 0, or the negative errno
 */
export function loadSmallestProgram(): number {
	const BPF_PROG_TYPE_XDP = 6;
	const BPF_XDP = 37;
	const BPF_F_XDP_HAS_FRAGS = 1 << 5;
	const returnPass = Buffer.from("b700000002000000" + "9500000000000000", "hex");
	// struct bpf_prog_load_opts: sz, attempts, expected_attach_type, prog_btf_fd, prog_flags.
	const options = Buffer.from(new Uint32Array([24, 0, 0, BPF_XDP, 0, BPF_F_XDP_HAS_FRAGS]).buffer);
	const fd = Libbpf.get().call.progLoad(BPF_PROG_TYPE_XDP, "probe", "GPL", returnPass, 2, options);
	if (fd < 0) return fd;
	closeSync(fd);
	return 0;
}

/**
 * Whether the kernel tells the XDP features of devices (generic netlink family `netdev`). xdp_do_redirect()
 * has taken frames in several buffers since those features say which devices do (NETDEV_XDP_ACT_NDO_XMIT_SG).
 */
function hasXdpFeatures(): boolean {
	const socket = new NetlinkSocket(NETLINK_GENERIC);
	try {
		return socket.get(getFamily("netdev"), () => true);
	} catch (error) {
		if (!(error instanceof NetlinkError)) throw error;
		// Another errno says nothing about the feature.
		return error.errno !== ENOENT;
	} finally {
		socket.close();
	}
}

/** Whether IPv6 is forwarded between the interfaces that say so: by their own switch, or by the machine's. */
function forwardsIpv6OfInterfaces(): boolean {
	const sysctls = new Sysctls();
	try {
		const all = (setting: string) => sysctls.read(`net.ipv6.conf.all.${setting}`);
		return all("force_forwarding") !== undefined || all("forwarding") === "1";
	} finally {
		sysctls.close();
	}
}

const ENOENT = 2;
const EINVAL = 22;
