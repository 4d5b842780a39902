/**
 * A lab with something of every kind: an end in `host`, a program of its own, one by maps and the one
 * that its peers need, addresses on `lo`, routes of every type and next hops of every form, a setting, explicit neighbours.
 *
 *     host ─── uno ─── r1 ═══ dos
 */
export const RICH = `name: rich
namespaces:
  r1:
    addresses: [10.255.0.1/32, "fc00:ff::1/128"]
    forwarding: { mode: map, redirect: { uno: a, a: uno } }
    routes:
      - { to: 10.77.0.0/16, type: blackhole }
      - { to: "fc00:77::/64", via: "fc00:2::2" }
      - { to: 10.66.0.0/16, via: 10.2.0.3, interface: b }
      - { to: 10.2.0.3/32, interface: b }
      - { to: 10.67.0.0/16, via: "fc00:3::2" }
      - { to: 10.68.0.0/16, via: 10.2.0.3, interface: b, onlink: true }
      - to: 10.69.0.0/16
        via: [{ address: "fc00:2::2", interface: a }, { address: 10.3.0.2, interface: b, weight: 3 }]
  uno:
    gateway: [10.1.0.1, "fc00:1::1"]
    sysctls: { net.ipv4.conf.all.log_martians: 1, net.ipv4.conf.veth0.arp_ignore: 2 }
  dos:
    routes:
      - { to: 10.99.0.0/16, via: [10.2.0.1, 10.3.0.1] }
      - { to: "fc00:99::/64", via: ["fc00:2::1", "fc00:3::1"] }
    neighbors: [{ ip: 10.2.0.9, mac: "02:00:00:00:00:09", interface: a }]
veths:
  - host:uno: [10.11.0.1/24, "fc00:11::1/64"]
    uno:up: { addresses: [10.11.0.2/24, "fc00:11::2/64"], xdp: icmp-echo }
  - r1:uno: [10.1.0.1/24, "fc00:1::1/64"]
    uno:veth0: { addresses: [10.1.0.2/24, "fc00:1::2/64"], offloads: { gro: true } }
  - r1:a: [10.2.0.1/24, "fc00:2::1/64"]
    dos:a: { addresses: [10.2.0.2/24, 10.2.0.3/24, "fc00:2::2/64"], mac: "02:00:00:00:00:0a" }
  - r1:b: [10.3.0.1/24, "fc00:3::1/64"]
    dos:b: { addresses: [10.3.0.2/24, "fc00:3::2/64"], mtu: 1400 }
`;
