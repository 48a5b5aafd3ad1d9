"""Pass-through mode: TLS is terminated by the Connection Servers."""

import os

import pytest
from harness.client import connect_tls
from harness.waiting import client_addresses, wait_until

pytestmark = pytest.mark.memory

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


@pytest.fixture
def pair(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), serving=False, mode="passthrough", tls=None, health=QUICK)
    for name in servers:
        balancer.wait_for_state(name, "up")
    return balancer, servers


def server_of(balancer, source):
    with balancer.connect(source) as client:
        return client.get("/")["X-Server"]


def test_client_speaks_tls_with_the_server(pair):
    balancer, servers = pair
    with balancer.connect("127.0.80.1", server_name="view.test") as client:
        answer = client.get("/head")
        assert answer.status == 200
        # The bytes are unchanged: nothing was added.
        assert answer.content == b"GET /head HTTP/1.1\r\nHost: view.test\r\n\r\n"


def test_connections_are_routed_by_client_address(pair):
    balancer, servers = pair
    sources = client_addresses(24)
    first = {source: server_of(balancer, source) for source in sources}
    assert set(first.values()) == {"view01", "view02"}
    assert {source: server_of(balancer, source) for source in sources} == first


def test_bytes_are_relayed_both_ways_unchanged(pair):
    balancer, servers = pair
    content = os.urandom(3_000_000)
    with balancer.connect("127.0.80.2") as client:
        assert client.post("/echo", content).content == content


def test_half_close_is_forwarded(pair):
    balancer, servers = pair

    def script(request):
        request.send("HTTP/1.1 200 OK\r\n\r\n")
        request.stream.receive_to_end()
        request.send("good bye")
        request.stream.finish()
        request.stream.close()

    for server in servers.values():
        server.script = script
    with balancer.connect("127.0.80.3") as client:
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        client.finish()
        assert client.receive_to_end().endswith(b"good bye") and client.ended == "clean"


@pytest.mark.parametrize("early", [False, True], ids=["later", "before-the-server-is-connected"])
def test_tcp_half_close_is_forwarded(testbed, early):
    """Without TLS, by FIN."""
    server = testbed.server(tls=False)
    ended = []

    def script(request):
        request.send(b"go on")
        everything = request.stream.receive_to_end()
        ended.append((everything, request.stream.ended))
        request.send(b"seen it all")
        request.stream.finish()

    server.script = script
    balancer = testbed.balance(server, serving=False, mode="passthrough", tls=None, health={**QUICK, "check": "tcp"})
    balancer.wait_for_state("view01", "up")
    with balancer.connect_plain() as client:
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\nand more")
        if not early:
            assert client.receive_exactly(5) == b"go on"
        client.finish()
        assert client.receive_to_end() == (b"go onseen it all" if early else b"seen it all")
    assert ended == [(b"and more", "clean")]


def test_reset_is_forwarded(pair):
    balancer, servers = pair
    client = balancer.connect("127.0.80.4")
    client.send("POST /x HTTP/1.1\r\nHost: view.test\r\nContent-Length: 100\r\n\r\n")
    wait_until(lambda: any(s.requests for s in servers.values()), "the request")
    request = next(s.requests[0] for s in servers.values() if s.requests)
    client.reset()
    wait_until(lambda: request.stream.closed, "the server's connection to end")


def test_connection_refused_by_a_server_is_sent_to_another(pair):
    balancer, servers = pair
    sources = client_addresses(16)
    servers["view01"].die()
    assert {server_of(balancer, source) for source in sources} == {"view02"}


def test_connection_without_an_available_server_is_closed(pair):
    balancer, servers = pair
    for name, server in servers.items():
        server.die()
        balancer.wait_for_state(name, "down")
    with balancer.connect_plain() as client:
        assert client.receive_to_end() == b"" and client.ended


def test_drain_keeps_known_clients(pair):
    balancer, servers = pair
    known = {source: server_of(balancer, source) for source in client_addresses(20)}
    servers["view01"].health = 503
    balancer.wait_for_state("view01", "drain")
    assert {source: server_of(balancer, source) for source in known} == known
    assert {server_of(balancer, source) for source in client_addresses(20, start=100)} == {"view02"}


def test_connection_beyond_the_limit_is_queued(testbed):
    server = testbed.server()
    balancer = testbed.balance(
        server, serving=False, mode="passthrough", tls=None, health=QUICK,
        server_changes={"view01": {"connections": 1}}, timeouts={"queue": "2s"},
    )  # fmt: skip
    balancer.wait_for_state("view01", "up")
    # The connection that checked the port may hold the place for a moment longer.
    with balancer.connect() as first:
        assert first.get("/").status == 200
        with balancer.connect_plain() as second:
            # It waits until its time-out, and is closed.
            assert second.receive_to_end() == b"" and second.ended
        assert first.get("/").status == 200
    wait_until(lambda: connects(balancer), "a free place")


def connects(balancer):
    try:
        with connect_tls(balancer.endpoint, balancer.context()) as client:
            return client.get("/").status == 200
    except OSError:
        return False


def test_tunnel_ends_after_the_idle_timeout(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, serving=False, mode="passthrough", tls=None, health=QUICK, timeouts={"tunnel": "2s"})
    balancer.wait_for_state("view01", "up")
    with balancer.connect() as client:
        assert client.get("/").status == 200
        client.receive_to_end()
        assert client.ended


def test_access_log_has_a_line_for_each_connection(pair):
    balancer, servers = pair
    with balancer.connect("127.0.80.9") as client:
        assert client.get("/").status == 200
    balancer.wait_for_access(r"^127\.0\.80\.9:")
