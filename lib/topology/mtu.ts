/** In bytes; below it the kernel removes IPv6 from a link. IPV6_MIN_MTU of <net/ipv6.h>, RFC 8200 section 5. */
export const IPV6_MIN_MTU = 1280;

/** In bytes: the greatest of a peer's that a native program can take which is not `xdp.frags`: veth_xdp_set(). */
export const MAX_PEER_MTU = 3506;
