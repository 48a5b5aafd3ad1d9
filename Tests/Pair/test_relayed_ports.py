"""Ports beside 443 (`relay`) at the nodes of a pair. A client meets one server on all of them at either node: by the
hash of its address, which both nodes compute alike."""

import re

from harness.client import client_context, connect_tls
from harness.commands import ip
from harness.datagrams import Client
from harness.pair.balancer import Balancer
from harness.relayed import relayed_ports, servers_on

PORTS = [8443, 4172]
SOURCES = [f"192.0.2.{number}" for number in range(30, 42)]


def test_client_reaches_the_same_server_on_every_port_after_a_failover(testbed):
    for source in SOURCES:
        ip("addr", "replace", f"{source}/24", "dev", "lan")
    for name in ("view01", "view02"):
        testbed.others.extend(relayed_ports(testbed.server(name), PORTS))
    first, second = testbed.pair(relay={"tcp": PORTS, "udp": PORTS})
    for node in (first, second):
        for name in ("view01", "view02"):
            node.wait_for_log(f"server {name} is up")
    context = client_context(testbed.certificates.authority.certificate)

    def met(source):
        with connect_tls((testbed.ADDRESS, Balancer.PORT), context, source=source) as client:
            https = client.get("/whoami")["X-Server"]
        return {(Balancer.PORT, "TCP"): https} | servers_on(testbed.ADDRESS, PORTS, source)

    def check():
        assert {source: set(met(source).values()) for source in SOURCES} == {source: {homes[source]} for source in SOURCES}
        # A client that continues to send from its port, as PCoIP clients do.
        assert session.ask() == homes[SOURCES[0]]

    homes = {source: met(source)[Balancer.PORT, "TCP"] for source in SOURCES}
    assert set(homes.values()) == {"view01", "view02"}
    with Client(None, SOURCES[0], PORTS[0], address=testbed.ADDRESS) as session:
        check()
        assert first.call("failover").returncode == 0
        assert second.node.holds(testbed.ADDRESS)
        check()
        assert first.call("failover", "--back").returncode == 0
        check()
        said = len(second.log)
        first.kill()
        second.wait_until("active", since=said)
        check()


def test_link_local_client_is_answered(testbed):
    testbed.others.extend(relayed_ports(testbed.server(), PORTS))
    node = testbed.node("lb1")
    testbed.balancer(node, vrrp=[], relay={"udp": PORTS}).wait_for_log("server view01 is up")
    address = re.search(r"fe80:[0-9a-f:]+", node.run("ip", "-6", "addr", "show", "dev", "eth0"))[0]
    with Client(None, port=PORTS[0], address=f"{address}%lan") as client:
        assert client.ask() == client.ask() == "view01"
