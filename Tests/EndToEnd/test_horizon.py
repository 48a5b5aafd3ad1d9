"""The configurations of docs/horizon.md, each with servers, certificates and addresses of the test in place of the
page's."""

import re

import pytest
import yaml
from harness import ROOT
from harness.client import connect_tls
from harness.relayed import relayed_ports, servers_on
from harness.view import Tunnel, view
from harness.waiting import client_addresses, free_port

NAMES = ["view.domain.local", "cards.domain.local", "view01.domain.local", "view02.domain.local"]


def configurations(title):
    """The configurations of one section."""
    page = (ROOT / "docs/horizon.md").read_text()
    section = re.search(rf"(?ms)^## {title}$(.*?)(?=^## |\Z)", page)[1]
    return [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]


class Site:
    """A configuration of the page in use. All its servers have one certificate, as the page says."""

    def __init__(self, testbed, certificates, configuration):
        self.certificate = certificates.authority.issue(NAMES[0], names=NAMES)
        self.servers = {n: testbed.server(n, script=view, certificate=self.certificate) for n in ("view01", "view02")}
        self.authority = certificates.authority.certificate
        nothing = dict.fromkeys(["service", "tls", "servers", "health", "timeouts", "limits"])
        self.balancer = testbed.balance(start=False, **nothing)
        self.gateways = client_addresses(2, start=700)
        services = configuration.get("services", {"": configuration})
        for service in services.values():
            self.place(service)
        self.balancer.configuration = configuration | {"threads": 2}
        self.balancer.start()
        for name in services:
            for server in self.servers:
                self.balancer.wait_for_state(f"{name}/{server}" if name else server, "up")

    def place(self, service):
        """Replaces the page's addresses and files by the test's."""
        address, port = self.balancer.endpoint
        service["listen"] = f"{address}:{port}"
        service["redirect"] = {"listen": f"{address}:{free_port(address)}"}
        for name, entry in service["servers"].items():
            server = self.servers[name]
            entry = entry if isinstance(entry, dict) else {}
            service["servers"][name] = entry | {"address": server.address, "port": server.port}
        if "tls" in service:
            service["tls"] = {"certificate": str(self.certificate.chain), "key": str(self.certificate.key)}
        if "trust" in service:
            service["trust"] = {"ca": str(self.authority)}
        if "forwarded" in service:
            service["forwarded"]["trusted-proxies"] = self.gateways

    def connect(self, source=None, name=NAMES[0]):
        return connect_tls(self.balancer.endpoint, self.balancer.context(), server_name=name, source=source)

    def server_of(self, source, name=NAMES[0]):
        with self.connect(source, name) as client:
            return client.get("/whoami", host=name)["X-Server"]

    def servers_of(self, sources):
        found = {source: self.server_of(source) for source in sources}
        assert set(found.values()) == {"view01", "view02"}
        assert {source: self.server_of(source) for source in sources} == found
        return found


@pytest.fixture
def site(testbed, certificates):
    return lambda title, number=0: Site(testbed, certificates, configurations(title)[number])


def test_everything_through_443(site):
    site = site("Everything through 443")
    site.servers_of(client_addresses(16))
    with site.connect() as client:
        tunnel = Tunnel(client, host="view.domain.local:443")
        tunnel.say(3)


def test_gateway_in_front(site):
    site = site("A gateway in front")
    users = [f"203.0.113.{number}" for number in range(1, 41)]

    def servers(gateway):
        with site.connect(gateway) as client:
            return {
                user: client.get("/whoami", f"X-Forwarded-For: {user}", host=NAMES[0])["X-Server"] for user in users
            }

    first = servers(site.gateways[0])
    assert set(first.values()) == {"view01", "view02"}
    assert servers(site.gateways[1]) == first
    for user in users:
        site.balancer.wait_for_access(rf"^(?:.* )?{re.escape(user)}:")
    # The same fields from another client are ignored.
    assert len(set(servers(client_addresses(1)[0]).values())) == 1


def test_blast_and_pcoip_through_the_balancer(testbed, site):
    """A client has one server on every port, even if other servers fail."""
    here = site("Blast and PCoIP through the balancer")
    ports = here.balancer.configuration["relay"]["tcp"]
    for server in here.servers.values():
        testbed.others.extend(relayed_ports(server, ports))

    def check(homes):
        assert {source: here.server_of(source) for source in homes} == homes
        for source, server in homes.items():
            assert servers_on(here.balancer.address, ports, source) == dict.fromkeys(
                [(port, kind) for port in ports for kind in ("TCP", "UDP")], server
            )

    homes = here.servers_of(client_addresses(12))
    check(homes)
    here.balancer.reload({"threads": 1})
    check(homes)
    here.balancer.server("view01", "drain")
    here.balancer.wait_for_state("view01", "drain")
    check(homes)
    here.balancer.server("view01", "ready")
    here.servers["view01"].die()
    here.balancer.wait_for_state("view01", "down")
    moved = dict.fromkeys(homes, "view02")
    check(moved)
    here.servers["view01"].start()
    here.balancer.wait_for_state("view01", "up")
    check(moved)


def test_name_for_each_server(site):
    here = site("Blast and PCoIP through the balancer", 1)
    for source in client_addresses(4):
        assert here.server_of(source, "view01.domain.local") == "view01"
        assert here.server_of(source, "view02.domain.local") == "view02"
    here.servers_of(client_addresses(16))


def test_smart_cards_for_some_users(site):
    here = site("Smart cards for some")
    sources = client_addresses(16)
    here.servers_of(sources)
    cards = {source: here.server_of(source, "cards.domain.local") for source in sources}
    assert set(cards.values()) == {"view01", "view02"}
    # Passed through: the server receives exactly the client's bytes.
    with here.connect(sources[0], "cards.domain.local") as client:
        assert "X-Forwarded-For" not in client.get("/head", host="cards.domain.local").text
    with here.connect(sources[0]) as client:
        assert "X-Forwarded-For" in client.get("/head", host=NAMES[0]).text
