"""Several services on one pair (`services`): each has its names, listeners, mode, certificates and servers."""

import re
import ssl
import subprocess
from contextlib import suppress

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_plain, connect_socket, connect_tls
from harness.service import server_entry
from harness.waiting import client_addresses, free_port, wait_until

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


class Pair:
    """A balancer with a service `view`, which terminates TLS, and a service `cards` in pass-through mode."""

    def __init__(self, testbed, certificates, **changes):
        self.certificates = certificates
        self.own = certificates.authority.issue("cards.test")
        self.view = [testbed.server("first"), testbed.server("second")]
        self.cards = [testbed.server("third", certificate=self.own)]
        nothing = dict.fromkeys(["service", "tls", "servers", "health", "listen", "redirect", "timeouts"])
        self.balancer = testbed.balance(start=False, serving=False, **nothing, **changes)
        self.cards_port = free_port(self.balancer.address)
        self.context = self.balancer.context()

    def place(self, port):
        return endpoint_text(self.balancer.address, port)

    def service(self, name, servers, port, **changes):
        """One service of the file; its servers are view01, view02 and so on."""
        entries = {
            f"view{index:02}": server_entry(server, self.certificates.authority.certificate)
            for index, server in enumerate(servers, 1)
        }
        redirect = {"listen": self.place(self.balancer.redirect_port)}
        return {"service": name, "listen": self.place(port), "redirect": redirect, "servers": entries, "health": QUICK} | changes

    def view_service(self, **changes):
        front = self.certificates.front
        tls = {"certificate": str(front.chain), "key": str(front.key)}
        return self.service("view.test", self.view, self.balancer.port, tls=tls, **changes)

    def cards_service(self, port=None, **changes):
        return self.service("cards.test", self.cards, port or self.cards_port, mode="passthrough", **changes)

    def start(self, **services):
        self.balancer.write({"services": services}).start()
        self.wait_for(*services)
        return self

    def wait_for(self, *services):
        """Waits until a worker serves, and every server of these services is up."""
        self.balancer.wait_for_log("worker is ready", since=self.balancer._began)

        def are_up():
            states = {server["name"]: server["state"] for server in self.balancer.status["servers"]}
            return all(any(n.startswith(s + "/") for n in states) for s in services) and set(states.values()) == {"up"}

        wait_until(are_up, lambda: f"servers to be up:\n{self.balancer.log}")

    def connect(self, port, name, source=None):
        return connect_tls((self.balancer.address, port), self.context, server_name=name, source=source)

    def get(self, port, name, host=None, source=None):
        with self.connect(port, name, source) as client:
            return client.get("/whoami", "Connection: close", host=host or name)


@pytest.fixture
def pair(testbed, certificates):
    return Pair(testbed, certificates)


def test_each_service_has_its_mode_certificate_servers_and_log(pair):
    pair.start(view=pair.view_service(), cards=pair.cards_service())
    balancer = pair.balancer
    names = {pair.get(balancer.port, "view.test", source=source)["X-Server"] for source in client_addresses(24)}
    assert names == {"first", "second"}
    assert pair.get(pair.cards_port, "cards.test")["X-Server"] == "third"
    # The name of another service.
    assert pair.get(balancer.port, "view.test", host="cards.test").status == 421
    balancer.wait_for_access(r" https~ view/view0[12] .* 200 ", count=24)
    balancer.wait_for_access(r" passthrough cards/view01 ")
    balancer.wait_for_access(r" https~ https/<NOSRV> .* 421 ")
    status = balancer.status
    assert (status["mode"], status["service"]) == ("mixed", ["view.test", "cards.test"])
    assert [(s["name"], s["mode"], s["names"]) for s in status["services"]] == [
        ("view", "http", ["view.test"]), ("cards", "passthrough", ["cards.test"]),
    ]  # fmt: skip
    assert [server["name"] for server in status["servers"]] == ["view/view01", "view/view02", "cards/view01"]
    for server in status["servers"]:
        wait_until(lambda: balancer.load_of(server["name"])["clients"], lambda: f"clients of {server}")
    checked = balancer.call_plainly("check", "--configuration", balancer.file).stdout
    assert re.search(r"(?m)^ *service cards +cards.test\n *passed through on .*$", checked), checked
    assert re.search(r"(?m)^ *cards/view01 +127\.", checked), checked
    text = balancer.call("status").stdout
    assert re.search(rf"^ *cards +cards.test, passthrough, on {re.escape(pair.place(pair.cards_port))}", text, re.M), text


def test_server_may_be_named_without_its_service_if_unambiguous(pair):
    pair.start(view=pair.view_service(), cards=pair.cards_service())
    balancer = pair.balancer
    assert balancer.server("view02", "drain").startswith("view/view02: drain")
    refused = balancer.call("server", "view01", "drain")
    assert refused.returncode == 1
    assert "several services have a server `view01`: view/view01, cards/view01" in refused.stderr
    run = balancer.call("server", "cards/view01", "maintenance")
    assert run.stdout.startswith("cards/view01: maintenance")
    assert "no server of service cards takes new clients now" in run.stderr
    assert pair.get(balancer.port, "view.test").status == 200
    # A command is kept over a reload.
    balancer.reload()
    assert {s["name"]: s["state"] for s in balancer.status["servers"]} == {
        "view/view01": "up", "view/view02": "drain", "cards/view01": "maintenance",
    }  # fmt: skip


@pytest.mark.threads
def test_command_is_kept_when_the_service_is_renamed(pair):
    """No name, a name, another one, and none again; and over a restart."""
    balancer = pair.balancer
    balancer.configuration["server-state-file"] = str(balancer.directory / "servers")
    balancer.write(pair.view_service()).start()
    balancer.wait_until_serving()
    balancer.server("view01", "maintenance")
    keys = dict.fromkeys(pair.view_service())

    def check(name):
        wait_until(lambda: balancer.status_of(name)["state"] == "maintenance", lambda: f"{name}\n{balancer.log}")
        answers = {pair.get(balancer.port, "view.test", source=source)["X-Server"] for source in client_addresses(12)}
        assert answers == {"second"}

    balancer.reload(keys | {"services": {"view": pair.view_service()}})
    check("view/view01")
    balancer.wait_for_log("notice supervisor: server state: view01 is called view/view01 now, and keeps maintenance")
    balancer.reload({"services": {"view": None, "portal": pair.view_service()}})
    check("portal/view01")
    balancer.reload(pair.view_service() | {"services": None})
    check("view01")
    balancer.write(keys | {"services": {"view": pair.view_service()}})
    balancer.stop()
    balancer.start()
    balancer.wait_for_log("worker is ready", since=balancer._began)
    check("view/view01")
    # The name is ambiguous.
    others = {name: pair.service(f"{name}.test", pair.cards, port, mode="passthrough") for name, port in
              [("cards", pair.cards_port), ("portal", balancer.port)]}  # fmt: skip
    balancer.write({"services": {"view": None, **others}})
    told = balancer.call("reload")
    words = "server state: view/view01 maintenance is dropped: it is not clear which server this is now (cards/view01, portal/view01)"
    assert told.returncode == 0 and f"warning: {words}" in told.stderr, told.stderr
    balancer.wait_for_log(re.escape(f"warning supervisor: {words}"))


@pytest.mark.threads
def test_reload_adds_and_removes_a_service(pair):
    pair.start(view=pair.view_service())
    balancer = pair.balancer
    with pair.connect(balancer.port, "view.test") as client:
        assert client.get("/", host="view.test").status == 200
        balancer.reload({"services": {"cards": pair.cards_service()}})
        pair.wait_for("view", "cards")
        assert pair.get(pair.cards_port, "cards.test")["X-Server"] == "third"
        # The other service is not affected.
        assert client.get("/", host="view.test").status == 200
        tunnel = pair.connect(pair.cards_port, "cards.test")
        assert tunnel.get("/", host="cards.test").status == 200
        front = pair.certificates.front
        other = pair.service("other.test", pair.view, balancer.port, tls={"certificate": str(front.chain), "key": str(front.key)})
        balancer.reload({"services": {"view": None, "cards": None, "other": other}})
        # A removed service answers one more request on an open connection, and keeps passed-through connections.
        answer = client.get("/", host="view.test")
        assert (answer.status, answer["Connection"]) == (200, "close")
        assert tunnel.get("/", host="cards.test").status == 200
        tunnel.close()
        with pytest.raises(OSError):
            connect_plain((balancer.address, pair.cards_port))


@pytest.mark.threads
def test_reload_changes_a_single_service_into_several(pair):
    balancer = pair.balancer
    balancer.write(pair.view_service()).start()
    balancer.wait_until_serving()
    sources = client_addresses(24)
    before = balancer.servers_of(sources)
    with pair.connect(balancer.port, "view.test") as client:
        assert client.get("/", host="view.test").status == 200
        services = {"view": pair.view_service(), "cards": pair.cards_service()}
        balancer.reload(dict.fromkeys(pair.view_service()) | {"services": services})
        pair.wait_for("view", "cards")
        assert balancer.servers_of(sources) == before
        # The servers of the unnamed service have no connections: they are dropped, and their client is assigned again.
        wait_until(lambda: len(balancer.status["servers"]) == 3, lambda: balancer.status["servers"])
        answer = client.get("/", host="view.test")
        assert (answer.status, answer["Connection"]) == (200, None)
    balancer.reload(pair.view_service() | {"services": None})
    assert balancer.servers_of(sources) == before


def test_invalid_service_refuses_the_whole_reload(pair):
    pair.start(view=pair.view_service(), cards=pair.cards_service())
    balancer = pair.balancer
    for changes, words in [
        ({"servers": {"view01": {"address": "unresolvable.test"}}}, "service cards: `unresolvable.test` is a name"),
        ({"mode": "http", "tls": {"certificate": "/missing.pem"}}, "service cards: /missing.pem: can't be read"),
        ({"limits": {"connections": 5}}, "service cards: unknown key `connections` in `services.NAME.limits`"),
        ({"listen": pair.place(balancer.redirect_port)}, "is taken by `redirect` of service view"),
        ({"vrrp": {}}, "service cards: unknown key `vrrp`"),
    ]:
        before = balancer.configuration
        balancer.write({"services": {"cards": changes, "view": {"retries": 1}}})
        run = balancer.call("reload")
        assert run.returncode == 1 and words in run.stderr, run.stderr
        balancer.configuration = before
    assert pair.get(pair.cards_port, "cards.test")["X-Server"] == "third"
    assert pair.get(balancer.port, "view.test").status == 200
    assert balancer.status["configuration"]["number"] == 1


def test_shared_redirect_depends_on_the_host(pair):
    pair.start(view=pair.view_service(), cards=pair.cards_service())
    for host, target in [
        ("view.test", f"view.test:{pair.balancer.port}"), ("cards.test", f"cards.test:{pair.cards_port}"),
        ("unknown.test", f"view.test:{pair.balancer.port}"),
    ]:  # fmt: skip
        with pair.balancer.connect_redirect() as client:
            assert client.get("/portal", host=host)["Location"] == f"https://{target}/portal"


def test_each_service_has_its_own_affinity_file(pair, tmp_path):
    folders = {name: tmp_path / name for name in ("view", "cards")}
    for folder in folders.values():
        folder.mkdir()
    files = {name: {"file": str(folder / "affinity")} for name, folder in folders.items()}
    pair.start(view=pair.view_service(affinity=files["view"]), cards=pair.cards_service(affinity=files["cards"]))
    balancer = pair.balancer
    sources = client_addresses(12)
    before = {source: pair.get(balancer.port, "view.test", source=source)["X-Server"] for source in sources}
    pair.get(pair.cards_port, "cards.test", source=sources[0])
    balancer.stop()
    balancer.start()
    pair.wait_for("view", "cards")
    wait_until(lambda: balancer.load_of("cards/view01")["clients"] == 1, lambda: balancer.log)
    assert sum(balancer.load_of(f"view/view0{n}")["clients"] for n in (1, 2)) == len(sources)
    assert {source: pair.get(balancer.port, "view.test", source=source)["X-Server"] for source in sources} == before


# Services on one address and port


@pytest.fixture
def shared(testbed, certificates):
    """Three services on one port: TLS is terminated for `view` and `portal` and passed through for `cards`."""
    pair = Pair(testbed, certificates)
    pair.portal = [testbed.server("fourth", certificate=certificates.second)]
    tls = {"certificate": str(certificates.second.chain), "key": str(certificates.second.key)}
    port = pair.balancer.port
    portal = pair.service("other.test", pair.portal, port, tls=tls)
    return pair.start(view=pair.view_service(), cards=pair.cards_service(port), portal=portal)


EXPECTED = {"view.test": {"first", "second"}, "cards.test": {"third"}, "other.test": {"fourth"}}


def subject_shown(balancer, *options):
    """The common name of the certificate that `openssl s_client` receives."""
    run = subprocess.run(
        ["openssl", "s_client", "-connect", endpoint_text(balancer.address, balancer.port), *options],
        input="", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return re.search(r"subject=CN ?= ?(\S+)", run.stdout)[1]


def test_each_name_has_its_certificate_and_servers_on_a_shared_port(shared):
    balancer = shared.balancer
    for version in ("-tls1_2", "-tls1_3"):
        for name in EXPECTED:
            assert subject_shown(balancer, version, "-servername", name) == name
    for name, servers in EXPECTED.items():
        assert {shared.get(balancer.port, name, source=source)["X-Server"] for source in client_addresses(24)} == servers
    assert subject_shown(balancer, "-servername", "CARDS.Test") == "cards.test"
    balancer.wait_for_access(r" passthrough cards/view01 ", count=24)
    balancer.wait_for_access(r" https~ portal/view01 ", count=24)


def test_first_service_answers_unknown_names(shared):
    balancer = shared.balancer
    assert subject_shown(balancer, "-noservername") == "view.test"
    for name in ("unknown.test", "view.test.cards.test", "test"):
        assert subject_shown(balancer, "-servername", name) == "view.test"
    with connect_tls(balancer.endpoint, unverified(), server_name="unknown.test") as client:
        assert client.get("/", host="unknown.test").status == 421
    # The server name of the connection decides, and Host has to belong to that service.
    for name, host in [("view.test", "other.test"), ("other.test", "view.test"), ("other.test", "cards.test")]:
        assert shared.get(balancer.port, name, host=host).status == 421


def test_service_of_a_trusted_proxys_connection_depends_on_the_name(shared):
    gateway = client_addresses(1, start=700)[0]
    trusting = {"forwarded": {"trusted-proxies": [gateway]}}
    shared.balancer.reload({"services": {name: trusting for name in ("view", "cards", "portal")}})
    for name, host, status in [
        ("view.test", "view.test", 200), ("view.test", "other.test", 421), ("view.test", "unknown.test", 421),
        ("other.test", "other.test", 200), ("other.test", "view.test", 421),
    ]:  # fmt: skip
        assert shared.get(shared.balancer.port, name, host=host, source=gateway).status == status
    assert subject_shown(shared.balancer, "-servername", "cards.test.") == "cards.test"


def unverified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def handshake(sock, name, resend):
    """The certificate's common name after a handshake in which `resend` sends the ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = unverified()
    # A hello of several segments.
    context.set_alpn_protocols(["http/1.1", *(f"x{number:0200}" for number in range(30))])
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    while True:
        try:
            tls.do_handshake()
            sock.sendall(outgoing.read())
            break
        except ssl.SSLWantReadError:
            flight = outgoing.read()
            resend(flight) if flight[5:6] == b"\1" and resend else sock.sendall(flight)
            received = sock.recv(65536)
            assert received, "the connection ended"
            incoming.write(received)
    pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))
    run = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True, check=True)
    return re.search(r"CN ?= ?(\S+)", run.stdout)[1]


@pytest.mark.parametrize("size", [7, 100, 4000])
def test_split_client_hello_is_accepted(shared, size):
    for name in EXPECTED:
        with connect_socket(shared.balancer.endpoint) as sock:

            def resend(flight, sock=sock):
                for start in range(5, len(flight), size):
                    part = flight[start : start + size]
                    # In two segments each, the header by itself.
                    sock.sendall(b"\x16\x03\x01" + len(part).to_bytes(2, "big"))
                    sock.sendall(part)

            assert handshake(sock, name, resend) == name


def test_incomplete_or_invalid_client_hello_is_closed_in_time(shared):
    balancer = shared.balancer
    balancer.reload({"services": {"view": {"timeouts": {"tls-handshake": "500ms"}}}})
    for start in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\x16\x03\x01\x00\x01\x01" * 50):
        with connect_plain(balancer.endpoint) as client:
            client.send(start)
            client.receive_to_end()
            assert client.ended
    balancer.reload({"services": {"view": {"timeouts": None}}})
    # The first service terminates TLS, and refuses other bytes.
    for start in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x40\x00" + b"\x01\x00\xff\xff" * 4096):
        with connect_plain(balancer.endpoint) as client:
            with suppress(ConnectionError):
                client.send(start)
            with suppress(ConnectionError):
                client.receive_to_end()
            assert client.ended
    assert not [line for line in balancer.access_lines if " passthrough cards/" in line]
    assert shared.get(balancer.port, "cards.test")["X-Server"] == "third"


@pytest.mark.threads
def test_reload_changes_the_services_of_a_port_without_closing_connections(shared):
    balancer = shared.balancer
    tunnel = shared.connect(balancer.port, "cards.test")
    kept = shared.connect(balancer.port, "other.test")
    assert [c.get("/whoami", host=name)["X-Server"] for c, name in [(tunnel, "cards.test"), (kept, "other.test")]] == ["third", "fourth"]
    balancer.reload({"services": {"cards": None}})
    assert [c.get("/whoami", host=name)["X-Server"] for c, name in [(tunnel, "cards.test"), (kept, "other.test")]] == ["third", "fourth"]
    assert subject_shown(balancer, "-servername", "cards.test") == "view.test"
    balancer.reload({"services": {"cards": shared.cards_service(balancer.port)}})
    shared.wait_for("view", "cards", "portal")
    assert shared.get(balancer.port, "cards.test")["X-Server"] == "third"
    # With a single service names do not matter any more.
    balancer.reload({"services": {"view": None, "portal": None}})
    assert subject_shown(balancer, "-servername", "view.test") == "cards.test"
    tunnel.close()
    kept.close()
