"""Ports beside 443 that are relayed unread to the client's server (`relay`)."""

import os
import re
import socket
import threading

import pytest
from harness.relayed import Named
from harness.waiting import client_addresses, free_port

pytestmark = pytest.mark.memory

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


class Site:
    def __init__(self, testbed, ports=1, **options):
        self.testbed = testbed
        self.servers = [testbed.server(name) for name in ("view01", "view02")]
        self.balancer = testbed.balance(*self.servers, start=False, health=QUICK)
        self.ports = []
        while len(self.ports) < ports:
            port = free_port(self.balancer.address)
            if port not in self.ports:
                self.ports.append(port)
        self.others = {(s.name, p): Named(s, p) for s in self.servers for p in self.ports}
        testbed.others.extend(self.others.values())
        self.balancer.configuration |= {"relay": {"tcp": self.ports}, **options}
        self.balancer.write().start()
        self.balancer.wait_until_serving()
        for server in self.servers:
            self.balancer.wait_for_state(server.name, "up")

    @property
    def port(self):
        return self.ports[0]

    def close(self, name, port):
        other = self.others.pop((name, port))
        self.testbed.others.remove(other)
        other.stop()

    def connect(self, source, port=None):
        return socket.create_connection((self.balancer.address, port or self.port), timeout=30, source_address=(source, 0))

    def server_of(self, source, port=None):
        """The server that answers there; empty if the connection ends without a byte."""
        try:
            with self.connect(source, port) as client:
                return client.makefile().readline().strip()
        except ConnectionResetError:
            return ""


@pytest.fixture
def site(testbed):
    return Site(testbed)


def test_client_reaches_the_same_server_on_every_port(testbed):
    site = Site(testbed, ports=3)
    sources = client_addresses(24)
    # Half of them use the other ports first.
    first = {source: site.server_of(source, site.ports[1]) for source in sources[::2]}
    https = site.balancer.servers_of(sources)
    assert set(https.values()) == {"view01", "view02"}
    assert all(https[source] == server for source, server in first.items())
    for port in site.ports:
        assert {source: site.server_of(source, port) for source in sources} == https


def test_bytes_and_ends_are_relayed_both_ways(site):
    content = os.urandom(3_000_000)
    with site.connect("127.0.80.3") as client:
        reader = client.makefile("rb")
        assert reader.readline().strip() in (b"view01", b"view02")
        threading.Thread(target=lambda: (client.sendall(content), client.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert reader.read() == content
    answer = len(content) + len("view01\n")
    site.balancer.wait_for_access(rf"127\.0\.80\.3:.* relay servers/view0\d .* {answer} ")


def test_first_connection_assigns_its_client(site):
    sources = client_addresses(16)
    first = {source: site.server_of(source) for source in sources}
    assert set(first.values()) == {"view01", "view02"}
    # Clients without an assignment get the other server now.
    site.balancer.server("view01", "drain")
    site.balancer.wait_for_state("view01", "drain")
    assert site.balancer.servers_of(sources) == first


def test_other_node_sends_a_client_to_the_same_server(site):
    other = site.testbed.balance(*site.servers, start=False, health=QUICK)
    other.configuration |= {"relay": {"tcp": site.ports}}
    other.start().wait_until_serving()
    for server in site.servers:
        other.wait_for_state(server.name, "up")
    sources = client_addresses(16)
    here = {source: site.server_of(source) for source in sources}
    assert set(here.values()) == {"view01", "view02"}
    site.balancer.stop()
    site.balancer = other
    assert {source: site.server_of(source) for source in sources} == here == other.servers_of(sources)


def test_reload_keeps_connections_and_assignments(site):
    sources = client_addresses(12)
    https = site.balancer.servers_of(sources)
    with site.connect(sources[0]) as client:
        reader = client.makefile("rb")
        assert reader.readline().strip().decode() == https[sources[0]]
        site.balancer.configuration["timeouts"] = {"tunnel": "2h"}
        site.balancer.reload()
        client.sendall(b"still here\n")
        assert reader.readline() == b"still here\n"
    assert {source: site.server_of(source) for source in sources} == https
    # A removed port is closed, a new one is open.
    other = free_port(site.balancer.address)
    for server in site.servers:
        site.others[server.name, other] = Named(server, other)
        site.testbed.others.append(site.others[server.name, other])
    site.balancer.configuration["relay"] = {"tcp": other}
    site.balancer.reload()
    assert {source: site.server_of(source, other) for source in sources} == https
    with pytest.raises(ConnectionError):
        site.connect(sources[0])


def test_drain_keeps_assigned_clients(site):
    sources = client_addresses(16)
    https = site.balancer.servers_of(sources)
    site.balancer.server("view01", "drain")
    site.balancer.wait_for_state("view01", "drain")
    assert {source: site.server_of(source) for source in sources} == https
    newcomers = client_addresses(16, start=200)
    assert {site.server_of(source) for source in newcomers} == {"view02"}
    assert set(site.balancer.servers_of(newcomers).values()) == {"view02"}


def test_refused_port_does_not_move_its_client(site):
    sources = client_addresses(16)
    https = site.balancer.servers_of(sources)
    site.close("view01", site.port)
    mine = [source for source in sources if https[source] == "view01"]
    assert mine
    assert {site.server_of(source) for source in mine} == {""}
    site.balancer.wait_for_log(rf"server view01, port {site.port}: connect: Connection refused")
    # No client has moved, neither there nor on 443, and the server is up.
    assert site.balancer.servers_of(sources) == https
    assert site.balancer.state_of("view01") == "up"
    assert {site.server_of(s) for s in sources if s not in mine} == {"view02"}


def test_clients_of_a_server_that_is_down_move_on_every_port(site):
    sources = client_addresses(12)
    site.balancer.servers_of(sources)
    site.servers[0].stop()
    site.balancer.wait_for_state("view01", "down")
    assert {site.server_of(source) for source in sources} == {"view02"}
    assert set(site.balancer.servers_of(sources).values()) == {"view02"}


def test_status_and_check_list_the_ports(site):
    place = f"{site.balancer.address}:{site.port}"
    assert f"{place} (relay)" in site.balancer.status["listeners"]
    run = site.balancer.call_plainly("check", "--configuration", site.balancer.file)
    assert re.search(rf"relayed on +{re.escape(place)}\n", run.stdout), run.stdout + run.stderr
