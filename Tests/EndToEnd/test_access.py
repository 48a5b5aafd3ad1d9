"""Rules for client networks (`access`): who may use a service, and which of its paths."""

import json
import re
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_plain, connect_tls
from harness.datagrams import Client
from harness.service import belvedere, server_entry
from harness.view import Tunnel, pair
from harness.waiting import free_port

INSIDE, OUTSIDE, PROXY = "127.0.81.1", "127.0.82.1", "127.0.83.1"
ONLY_INSIDE = {"allow": ["127.0.81.0/24"]}
PATHS = {"paths": {"/admin": ONLY_INSIDE, "/rest": ONLY_INSIDE, "/admin/public": {}}}
# The test itself asks from here.
OPEN = {"deny": ["127.0.82.0/24"]}
# In the status.
COUNTS = "services.0.counts.access"


def handshake_fails(balancer, source):
    with pytest.raises(OSError):
        with balancer.connect(source) as client:
            client.get("/")
    return True


def test_paths_are_refused_from_outside_in_every_spelling(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, access=PATHS, log={"access": {"format": "json"}})
    before = len(server.requests)
    refused = ["/admin", "/admin/", "/ADMIN/x", "/%61dmin", "/admin//x", "/admin;a=1/x", "/;x/admin", "/admin.", "/admin%20",
               "/rest/v1/login?x=/admin/public", "/admin/publicity", "/admin/public:x", "/admin/PUBLIC", "/admin/public;x/y",
               "https://view.test/admin", "https://view.test/%61dmin?x"]  # fmt: skip
    ambiguous = ["//x/admin", "https://view.test//x/admin", "/admin~%31", "/x/../admin", "/x/%2e%2e/admin", "/x/..;/admin", "/x%2fadmin", "/%2561dmin", "/x%5cadmin", "/adm%C4%B1n"]
    for target in refused:
        assert balancer.get(target, source=OUTSIDE).status == 403, target
    for target in ambiguous:
        assert balancer.get(target, source=OUTSIDE).status == 400, target
    assert len(server.requests) == before
    balancer.wait_for_counts(COUNTS, service=0, path=len(refused), ambiguous=len(ambiguous))
    assert balancer.status["traffic"]["refused"]["requests"] == 0
    for target in ["/", "/portal", "/administrator", "/admin/public/x", "/portal?x=/admin", "/portal?../admin"]:
        assert balancer.get(target, source=OUTSIDE).status == 200, target
    for target in refused + ambiguous:
        assert balancer.get(target, source=INSIDE).status == 200, target
    lines = [json.loads(line) for line in balancer.access_lines]
    assert {line["rule"] for line in lines if line["status"] == 403} == {"/admin", "/rest"}
    assert {line["rule"] for line in lines if line["status"] == 400} == {"ambiguous path"}
    assert {line["termination"] for line in lines if "rule" in line} == {"PR"}
    assert not [line for line in lines if line["status"] == 200 and "rule" in line]


def test_curl_is_refused_and_admitted(testbed, certificates):
    balancer = testbed.balance(testbed.server(), access=PATHS)

    def curl(source, target, *options):
        place = f"view.test:443:{balancer.address}:{balancer.port}"
        words = ["curl", "-s", "--path-as-is", "--cacert", str(certificates.authority.certificate), "--connect-to", place,
                 "--interface", source, "-o", "/dev/null", "-w", "%{http_code}", *options, f"https://view.test{target}"]  # fmt: skip
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout

    assert curl(OUTSIDE, "/admin/") == "403" and curl(INSIDE, "/admin/") == "200"
    assert curl(OUTSIDE, "/portal/../admin/") == "400" and curl(OUTSIDE, "/portal") == "200"
    assert curl(OUTSIDE, "/admin/", "-X", "POST", "-d", "x=1") == "403"


def test_refused_client_gets_no_handshake_and_no_redirect(testbed):
    balancer = testbed.balance(testbed.server(), access=OPEN)
    # The harness has made one.
    balancer.wait_for_counts("handshakes", full=1)
    assert balancer.connect_plain(OUTSIDE).gets_nothing() and balancer.connect_redirect(OUTSIDE).gets_nothing()
    command = ["openssl", "s_client", "-connect", endpoint_text(*balancer.endpoint), "-bind", f"{OUTSIDE}:0", "-brief"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode != 0
    balancer.wait_for_counts(COUNTS, service=3)
    balancer.wait_for_log(rf"client {OUTSIDE}:\d+ is refused by `access`: deny has 127\.0\.82\.0/24")
    # What access refuses is counted there and nowhere else.
    assert balancer.status["traffic"]["refused"]["connections"] == 0
    assert re.search(r"^ +refused .*\b3 by access$", balancer.call("status").stdout, re.M)
    assert balancer.counts("handshakes")["full"] == 1
    assert balancer.get("/", source=INSIDE).status == 200
    with balancer.connect_redirect(INSIDE) as client:
        assert client.get("/").status == 301


def test_reload_decides_new_requests_on_open_connections_and_tunnels_go_on(testbed):
    balancer = pair(testbed)
    tunnel, pages = Tunnel(balancer.connect(OUTSIDE)), balancer.connect(OUTSIDE)
    assert pages.get("/").status == 200
    balancer.reload({"access": OPEN})
    tunnel.say()
    answer = pages.get("/")
    assert answer.status == 403 and answer["Connection"] == "close"
    assert handshake_fails(balancer, OUTSIDE)
    balancer.reload({"access": None})
    assert balancer.get("/", source=OUTSIDE).status == 200
    tunnel.say()
    tunnel.end()


def test_clients_behind_a_trusted_proxy_are_decided_and_not_the_proxy(testbed):
    rules = {"allow": ["192.0.2.0/24", "127.0.0.0/16"], "paths": {"/admin": {"allow": ["192.0.2.7"]}}}
    balancer = testbed.balance(testbed.server(), access=rules, forwarded={"trusted-proxies": [PROXY]})

    def status(target, *fields, source=PROXY):
        return balancer.get(target, *fields, source=source).status

    assert status("/", "X-Forwarded-For: 192.0.2.8") == 200
    assert status("/", "X-Forwarded-For: 198.51.100.1") == 403
    # What a client claims is left of what the proxy appends.
    assert status("/", "X-Forwarded-For: 192.0.2.8, 198.51.100.1") == 403
    assert status("/admin", "X-Forwarded-For: 192.0.2.8") == 403
    assert status("/admin", "X-Forwarded-For: 192.0.2.7") == 200
    # A proxy that does not say who its client is has none that is admitted, although its own network is.
    assert status("/") == 403
    for unknown in ("unknown", "198.51.100.1, unknown", "2001:db8::1%eth0", f"client.example:1, {PROXY}"):
        assert status("/", f"X-Forwarded-For: {unknown}") == 403, unknown
    # No other peer may claim an address.
    assert status("/admin", "X-Forwarded-For: 192.0.2.7", source="127.0.0.1") == 403
    with balancer.connect(PROXY) as client:
        assert client.get("/", "X-Forwarded-For: 192.0.2.8").status == 200
        assert client.get("/", "X-Forwarded-For: 198.51.100.1").status == 403


def test_log_says_which_network_decided_and_that_a_proxy_has_not_named_its_client(testbed):
    settings = {"mode": "passthrough", "tls": None, "access": {"allow": ["127.0.0.0/24"]}}
    balancer = testbed.balance(testbed.server(), serving=False, forwarded={"trusted-proxies": [PROXY]}, **settings)
    assert balancer.connect_plain(OUTSIDE).gets_nothing()
    balancer.wait_for_log(rf"client {OUTSIDE}:\d+ is refused by `access`: allow does not have {OUTSIDE}")
    balancer = testbed.balance(testbed.server(), serving=False, forwarded={"trusted-proxies": [PROXY]}, **settings)
    assert balancer.connect_plain(PROXY).gets_nothing()
    balancer.wait_for_log(rf"client {PROXY}:\d+ is refused by `access`: this is a trusted proxy, which does not say who its client is")


def test_source_of_a_proxy_header_is_decided_before_the_handshake(testbed):
    balancer = testbed.balance(
        testbed.server(), access=OPEN | {"allow": ["127.0.0.0/24", "192.0.2.0/24"]},
        forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True},
    )  # fmt: skip

    def introduce(client):
        stream = balancer.connect_plain(PROXY)
        stream.send(f"PROXY TCP4 {client} 192.0.2.250 50000 443\r\n")
        return stream

    assert introduce("198.51.100.1").gets_nothing()
    assert introduce("127.0.82.9").gets_nothing()
    with balancer.connect_plain(PROXY) as stream:
        stream.send("PROXY UNKNOWN\r\n")
        assert stream.receive_to_end() == b""
    balancer.wait_for_counts(COUNTS, service=3)
    with introduce("192.0.2.8") as stream:
        tls = balancer.context().wrap_socket(stream.socket, server_hostname="view.test")
        tls.sendall(b"GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 ")


def test_trusted_proxy_names_no_other_path_where_paths_have_rules(testbed):
    fields = ["X-Original-URL: /admin", "X_Rewrite_URL: /admin", "X-Forwarded-Request-URL: /admin", "X-Scheme: https",
              "X-Forwarded-Port: 443"]  # fmt: skip
    server = testbed.server()
    balancer = testbed.balance(server, forwarded={"trusted-proxies": [PROXY]})
    for rules, names in (None, 5), (OPEN, 5), (PATHS, 2):
        balancer.reload({"access": rules})
        assert balancer.get("/", "X-Forwarded-For: 192.0.2.8", *fields, source=PROXY).status == 200
        sent = server.requests[-1]
        assert [field for field in fields if field.encode() in sent.head.raw] == fields[-names:], sent.head.raw


def test_clients_of_ipv6_are_decided(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    port = free_port("::1")
    access = {"deny": ["::1"], "paths": {"/admin": {"deny": ["127.0.0.0/8"]}}}
    balancer.write({"listen": [endpoint_text(balancer.address, balancer.port), port], "access": access})
    balancer.start().wait_until_serving()
    assert connect_plain(("::1", port)).gets_nothing()
    # A socket for both families sees IPv4 addresses mapped into IPv6.
    with connect_tls(("127.0.0.1", port), balancer.context()) as client:
        assert client.get("/").status == 200
        assert client.get("/admin").status == 403
    balancer.reload({"access": {"deny": None, "paths": None, "allow": ["::1", "127.0.0.0/24"]}})
    with connect_tls(("::1", port), balancer.context()) as client:
        assert client.get("/admin").status == 200


def test_relayed_connections_and_datagrams_are_decided(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    port, datagrams = free_port(balancer.address), free_port(balancer.address)
    balancer.write({"relay": {"tcp": [port], "udp": [datagrams]}, "access": OPEN}).start().wait_until_serving()
    assert connect_plain((balancer.address, port), OUTSIDE).gets_nothing()
    with Client(balancer, OUTSIDE, port=datagrams) as client:
        client.send(b"x")
        balancer.wait_for_counts(COUNTS, service=2)
    assert balancer.status["traffic"]["flows"] == 0


def test_services_that_share_a_port_have_their_own_rules(testbed, certificates):
    front, own = certificates.front, certificates.authority.issue("cards.test")
    servers = [testbed.server("first"), testbed.server("second", certificate=own)]
    nothing = dict.fromkeys(["service", "tls", "servers", "health", "listen", "redirect", "timeouts"])
    balancer = testbed.balance(start=False, **nothing)
    listen = endpoint_text(*balancer.endpoint)
    redirect = {"listen": endpoint_text(balancer.address, balancer.redirect_port)}

    def service(name, server, **changes):
        entry = server_entry(server, certificates.authority.certificate)
        return {"service": name, "listen": listen, "redirect": redirect, "servers": {"view01": entry}} | changes

    view = service("view.test", servers[0], tls={"certificate": str(front.chain), "key": str(front.key)})
    cards = service("cards.test", servers[1], mode="passthrough", access={"allow": ["127.0.81.0/24"]})
    balancer.write({"services": {"view": view, "cards": cards}}).start()
    balancer.wait_for_log("worker is ready")
    assert balancer.get("/", source=OUTSIDE).status == 200
    with pytest.raises(OSError):
        balancer.connect(OUTSIDE, server_name="cards.test")
    with balancer.connect(INSIDE, server_name="cards.test") as client:
        assert client.get("/whoami", host="cards.test")["X-Server"] == "second"
    for source, expected in ((OUTSIDE, 403), (INSIDE, 301)):
        with balancer.connect_redirect(source) as client:
            assert client.get("/", host="cards.test").status == expected


def test_check_shows_the_rules_and_warns_of_what_they_leave_open(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    access = {"deny": ["0.0.0.0/0"], "paths": {"/Admin/": ONLY_INSIDE, "/admin/public": {}}}
    balancer.write({"access": access, "relay": {"tcp": [free_port(balancer.address)]}})
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 0
    assert "clients are still admitted by IPv6" in check.stderr
    assert "these rules don't apply to ports of `relay`" in check.stderr
    shown = [line.split(maxsplit=0)[0].strip() for line in check.stdout.splitlines()]
    assert [line.removeprefix("access").strip() for line in shown if "all" in line or "only" in line] == [
        "all, but not 0.0.0.0/0", "/admin: only 127.0.81.0/24", "/admin/public: all"]  # fmt: skip
    for deny in (["0.0.0.0/0", "::/0"], ["192.0.2.0/24"]):
        balancer.write({"access": {"deny": deny, "paths": None}})
        assert "still admitted" not in belvedere("check", "-c", balancer.file).stderr


@pytest.mark.parametrize("access, message", [
    ({"allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/8"]}, "`10.0.0.0/8` is in `allow` and in `deny`"),
    ({"paths": {"/Admin": ONLY_INSIDE, "/admin/": ONLY_INSIDE}}, "`/admin` is given twice"),
    ({"paths": {"/": ONLY_INSIDE}}, "`/` is the whole service"),
    ({"paths": {"/a/../b": ONLY_INSIDE}}, "`/a/../b` is not a path for a rule"),
    ({"paths": {"/%61dmin": ONLY_INSIDE}}, "`/%61dmin` is not a path for a rule"),
    ({"paths": {"/rest/*": ONLY_INSIDE}}, "`/rest/*` is not a path for a rule"),
    ({"paths": {"/rest?x": ONLY_INSIDE}}, "`/rest?x` is not a path for a rule"),
    ({"paths": {"/a,/b": ONLY_INSIDE}}, "`/a,/b` is not a path for a rule"),
    ({"paths": {"admin": ONLY_INSIDE}}, "`admin` is not a path for a rule"),
    ({"paths": {"/admin": {"allow": ["10.0.0.0/8"], "deny": ["10.0.0.0/8"]}}}, "is in `allow` and in `deny`"),
])  # fmt: skip
def test_check_refuses_rules_without_one_meaning(testbed, access, message):
    balancer = testbed.balance(testbed.server(), access=access, start=False)
    balancer.write()
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1 and message in check.stderr, check.stderr
