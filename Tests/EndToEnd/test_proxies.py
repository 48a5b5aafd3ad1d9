"""Clients behind a load balancer or reverse proxy: each has its own server, share and log line."""

import socket
import ssl
import struct

import pytest
from harness.client import TLSClient, connect_plain, connect_socket
from harness.proxy import haproxy, nginx, nginx_stream
from harness.server import Held
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

PROXY, UNTRUSTED = "127.0.91.9", "127.0.91.10"
CLIENTS = [f"127.0.92.{number + 1}" for number in range(40)]
CLIENTS_V6 = [f"2001:db8:{number + 1:x}::7" for number in range(40)]


@pytest.fixture
def balancer(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02", "view03")]
    return testbed.balance(*servers, forwarded={"trusted-proxies": [PROXY]})


def address_of(line):
    """The client in a line of the access log."""
    return line.split(" ", 1)[0].rpartition(":")[0]


def check_spread(balancer, clients, ask):
    """Checks that each client keeps its server, and has its own log lines."""
    first = {client: ask(client, "first") for client in clients}
    assert set(first.values()) == {"view01", "view02", "view03"}
    assert {client: ask(client, "again") for client in reversed(clients)} == first
    for target in ("first", "again"):
        lines = balancer.wait_for_access(f"/whoami/{target} ", count=len(clients))
        assert sorted(address_of(line) for line in lines) == sorted(clients)
    # All of them are assigned, and none has a session, although the proxy keeps connections.
    def loads(member):
        return sum(balancer.load_of(name)[member] for name in ("view01", "view02", "view03"))

    wait_until(lambda: loads("clients") >= len(clients), lambda: f"{len(clients)} clients: {loads('clients')}")
    wait_until(lambda: loads("sessions") == 0, "no session")


@pytest.mark.parametrize("make", ["haproxy", "nginx"])
def test_clients_of_a_proxy_have_their_own_servers(testbed, balancer, make):
    proxy = (
        testbed.proxy(nginx, balancer, PROXY)
        if make == "nginx"
        else testbed.proxy(haproxy, balancer, PROXY, frontend="option forwardfor")
    )

    def ask(client, target):
        # An address forged by the client is to the left of the proxy's.
        return proxy.get("X-Forwarded-For: 203.0.113.9", client=client, target=f"/whoami/{target}")["X-Server"]

    check_spread(balancer, CLIENTS, ask)


def test_clients_of_a_proxy_with_ipv6_addresses_have_their_own_servers(testbed, balancer):
    set_source = "http-request set-src hdr(x-test-source)\n  option forwardfor"
    proxy = testbed.proxy(haproxy, balancer, PROXY, frontend=set_source)

    def ask(client, target):
        return proxy.get(f"X-Test-Source: {client}", target=f"/whoami/{target}")["X-Server"]

    check_spread(balancer, CLIENTS_V6, ask)


def test_requests_of_many_clients_on_one_connection_are_routed_separately(balancer):
    with balancer.connect(PROXY) as connection:

        def ask(client, target):
            text = f"[{client}]:50312" if ":" in client else client
            return connection.get(f"/whoami/{target}", f"X-Forwarded-For: {text}, {PROXY}")["X-Server"]

        check_spread(balancer, CLIENTS[:20] + CLIENTS_V6[:20], ask)


def test_forwarding_fields_of_an_untrusted_peer_are_ignored(testbed, balancer):
    proxy = testbed.proxy(haproxy, balancer, UNTRUSTED, frontend="option forwardfor")
    servers = {proxy.get(client=client, target="/whoami/forged")["X-Server"] for client in CLIENTS[:12]}
    with balancer.connect(UNTRUSTED) as connection:
        for client in CLIENTS[:12]:
            servers.add(connection.get("/whoami/forged", f"X-Forwarded-For: {client}")["X-Server"])
    assert len(servers) == 1
    lines = balancer.wait_for_access("/whoami/forged ", count=24)
    assert {address_of(line) for line in lines} == {UNTRUSTED}


def test_requests_of_each_client_behind_a_proxy_are_limited(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(
        server, forwarded={"trusted-proxies": [PROXY]}, limits={"connections-per-address": 3}
    )
    busy = [balancer.connect(PROXY) for _ in range(3)]
    try:
        for connection in busy:
            connection.send("GET /held HTTP/1.1\r\nHost: view.test\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
        server.wait_for_requests(3)
        with balancer.connect(PROXY) as connection:
            assert connection.get("/", "X-Forwarded-For: 192.0.2.8").status == 200
            answer = connection.get("/refused", "X-Forwarded-For: 192.0.2.7")
            assert answer.status == 503 and answer["Retry-After"]
        line = balancer.wait_for_access("/refused ")[0]
        assert " PR-- " in line and address_of(line) == "192.0.2.7"
        # The limit does not apply to the proxy's own requests and connections.
        for _ in range(5):
            busy.append(balancer.connect(PROXY))
            assert busy[-1].get("/").status == 200
        held.released.set()
        assert [connection.answer().status for connection in busy[:3]] == [200, 200, 200]

        def is_served():
            with balancer.connect(PROXY) as connection:
                return connection.get("/", "X-Forwarded-For: 192.0.2.7").status == 200

        wait_until(is_served, "a place for the client again")
    finally:
        held.released.set()
        for connection in busy:
            connection.close()


# The PROXY protocol

HEADERS = {"forwarded": {"trusted-proxies": [PROXY], "proxy-protocol": True}}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def line(client, port=50312):
    """A header of version 1."""
    family, end = ("TCP6", "::1") if ":" in client else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {client} {end} {port} 443\r\n".encode()


def block(client, port=50312, *, command=1, fields=b""):
    """A header of version 2."""
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    address = socket.inet_pton(family, client)
    rest = address * 2 + struct.pack("!HH", port, 443) + fields
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, 0x21 if ":" in client else 0x11, len(rest)) + rest


def introduce(balancer, header, *, source=PROXY, bytewise=False):
    """A client through a proxy that sends this header: together with the following bytes, or byte by byte."""
    client = TLSClient(connect_socket(balancer.endpoint, source), balancer.context(), server_name="view.test")
    try:
        if bytewise:
            for byte in header:
                client.socket.sendall(bytes([byte]))
        else:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            client.socket.sendall(header)
        return client.handshake()
    except BaseException:
        client.close()
        raise


def through(proxy, balancer, client):
    """A client whose TLS connection is forwarded by a proxy."""
    return TLSClient(
        connect_socket((proxy.address, proxy.port), client), balancer.context(), server_name="view.test"
    ).handshake()


@pytest.fixture
def expecting(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02", "view03")]
    return testbed.balance(*servers, **HEADERS)


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2", "nginx"])
def test_clients_of_a_proxy_that_sends_headers_have_their_own_servers(testbed, expecting, how):
    if how == "nginx":
        proxy = testbed.proxy(nginx_stream, expecting, PROXY)
    else:
        proxy = testbed.proxy(haproxy, expecting, PROXY, mode="tcp", server=how)

    def ask(client, target):
        with through(proxy, expecting, client) as connection:
            # The client itself is no trusted proxy: its forwarding fields are ignored.
            answer = connection.get(f"/whoami/{target}", "X-Forwarded-For: 203.0.113.9")
            assert connection.get("/head").text.count(f"X-Forwarded-For: {client}\r\n") == 1
            return answer["X-Server"]

    check_spread(expecting, CLIENTS, ask)


def test_headers_with_ipv6_addresses_are_accepted(testbed, expecting):
    proxy = testbed.proxy(
        haproxy, expecting, PROXY, frontend="http-request set-src hdr(x-test-source)", reuse="never",
        server="ssl verify none sni str(view.test) send-proxy-v2",
    )  # fmt: skip

    def ask(client, target):
        return proxy.get(f"X-Test-Source: {client}", target=f"/whoami/{target}")["X-Server"]

    check_spread(expecting, CLIENTS_V6, ask)


@pytest.mark.parametrize("make", [line, block])
@pytest.mark.parametrize("bytewise", [False, True], ids=["at-once", "bytewise"])
def test_header_may_be_split_and_bytes_after_it_are_kept(expecting, make, bytewise):
    for client in ("192.0.2.7", "2001:db8::7"):
        with introduce(expecting, make(client), bytewise=bytewise) as connection:
            for _ in range(2):
                assert connection.get(f"/whoami/{client}").status == 200
        assert address_of(expecting.wait_for_access(f"/whoami/{client} ")[0]) == client


def test_header_may_have_tlvs_or_no_address(expecting):
    fields = b"\x04\x00\x03abc" + b"\x02\x00\x09view.test" + b"\xe0\x0f\x00" + bytes(0xF00)
    with introduce(expecting, block("192.0.2.7", fields=fields)) as connection:
        assert connection.get("/whoami/fields").status == 200
    assert address_of(expecting.wait_for_access("/whoami/fields ")[0]) == "192.0.2.7"
    unix = SIGNATURE + b"\x21\x31" + struct.pack("!H", 216) + bytes(216)
    local = block("192.0.2.7", command=0)
    for number, header in enumerate([b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x21\x00\0\0", unix, local]):
        with introduce(expecting, header) as connection:
            assert connection.get(f"/whoami/unnamed{number}").status == 200
            assert connection.get(f"/whoami/other{number}", "X-Forwarded-For: 192.0.2.8").status == 200
        assert address_of(expecting.wait_for_access(f"/whoami/unnamed{number} ")[0]) == PROXY
        # The proxy itself is trusted, and may forward requests of others; a client named by its header is not.
        other = "192.0.2.8" if header is local else PROXY
        assert address_of(expecting.wait_for_access(f"/whoami/other{number} ")[0]) == other


def test_connection_of_a_trusted_proxy_without_a_header_is_closed_and_counted(expecting):
    def refused():
        return expecting.status["traffic"]["refused"]["connections"]

    before = refused()
    half = block("192.0.2.7")[:20]
    starts = [b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 192.0.2.7\r\n", half, b"\x16\x03\x01\x02\x00\x01"]
    for start in starts:
        with connect_plain(expecting.endpoint, PROXY) as connection:
            connection.send(start)
            # The others are closed at once, so that their direction can't be shut down.
            if start is half:
                connection.finish()
            assert connection.receive_to_end() == b"" and connection.ended
    with connect_plain(expecting.endpoint, PROXY) as check:
        check.finish()
        assert check.receive_to_end() == b"" and check.ended
    wait_until(lambda: refused() == before + len(starts), lambda: f"{len(starts)} more than {before}: {refused()}")
    expecting.wait_for_log(rf"client {PROXY}:\d+ is disconnected: a proxy has to begin with a PROXY protocol header")


def test_header_has_a_timeout_of_its_own(testbed):
    balancer = testbed.balance(testbed.server(), **HEADERS, timeouts={"proxy-header": "2s", "tls-handshake": "1h"})
    before = balancer.status["traffic"]["refused"]["connections"]
    with (
        connect_plain(balancer.endpoint, PROXY) as silent,
        connect_plain(balancer.endpoint, PROXY) as half,
        TLSClient(connect_socket(balancer.endpoint, PROXY), balancer.context(), server_name="view.test") as client,
    ):
        half.send(block("192.0.2.7")[:20])
        client.socket.sendall(line("192.0.2.7"))
        assert silent.receive_to_end() == b"" == half.receive_to_end()
        assert silent.ended and half.ended
        # That of a handshake begins after it.
        assert client.handshake().get("/whoami").status == 200
    cause = r"no complete PROXY protocol header within timeouts\.proxy-header"
    balancer.wait_for_log(rf"client {PROXY}:\d+ is disconnected: {cause}")
    wait_until(lambda: balancer.status["traffic"]["refused"]["connections"] == before + 2, "both to be counted")


def test_header_of_an_untrusted_peer_is_a_protocol_error(expecting):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        introduce(expecting, line("192.0.2.7"), source=UNTRUSTED)
    with expecting.connect_redirect(UNTRUSTED) as connection:
        connection.send(line("192.0.2.7") + b"GET /forged HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert connection.answer().status == 400
    with expecting.connect(UNTRUSTED) as connection:
        assert connection.get("/whoami/untrusted", "X-Forwarded-For: 192.0.2.7").status == 200
    assert address_of(expecting.wait_for_access("/whoami/untrusted ")[0]) == UNTRUSTED


def test_redirect_has_the_client_named_by_the_header(expecting):
    with expecting.connect_redirect(PROXY) as connection:
        connection.send(block("192.0.2.7") + b"GET /moved HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert connection.answer().status == 301
    assert address_of(expecting.wait_for_access("/moved ")[0]) == "192.0.2.7"


def test_passed_through_connections_may_have_a_header(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02", "view03")]
    balancer = testbed.balance(*servers, serving=False, mode="passthrough", tls=None, **HEADERS)
    for server in servers:
        balancer.wait_for_state(server.name, "up")
    proxy = testbed.proxy(haproxy, balancer, PROXY, mode="tcp", server="send-proxy-v2")

    def server_of(client):
        with through(proxy, balancer, client) as connection:
            answer = connection.get("/head")
            # The server has received neither the header nor added fields.
            assert answer.content == b"GET /head HTTP/1.1\r\nHost: view.test\r\n\r\n"
            return connection.get("/")["X-Server"]

    first = {client: server_of(client) for client in CLIENTS}
    assert set(first.values()) == {"view01", "view02", "view03"}
    assert {client: server_of(client) for client in reversed(CLIENTS)} == first
    lines = balancer.wait_for_access(r"^127\.0\.92\..* passthrough servers/", count=2 * len(CLIENTS))
    assert sorted(address_of(line) for line in lines) == sorted(CLIENTS * 2)
