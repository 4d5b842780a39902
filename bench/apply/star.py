"""The same star in mininet, without XDP, IPv6 and neighbours; prints the seconds it takes to build.

star.py NAMESPACES
"""

import sys
import time

started = time.monotonic()

from mininet.link import Link
from mininet.net import Mininet

hosts = int(sys.argv[1]) - 1
net = Mininet(controller=None, link=Link)
router = net.addHost("r", ip=None)
for i in range(hosts):
    host = net.addHost(f"h{i}", ip=f"10.{i >> 8}.{i & 255}.2/24", defaultRoute=f"via 10.{i >> 8}.{i & 255}.1")
    net.addLink(router, host, intfName1=f"r-eth{i}", params1={"ip": f"10.{i >> 8}.{i & 255}.1/24"})
net.start()
router.cmd("sysctl -w net.ipv4.ip_forward=1")
print(time.monotonic() - started, flush=True)
net.stop()
