"""Clients behind a load balancer or reverse proxy: each has its own server, share and line in the log."""

import pytest
from harness.proxy import haproxy, nginx
from harness.server import Held
from harness.waiting import wait_until

PROXY, STRANGER = "127.0.91.9", "127.0.91.10"
CLIENTS = [f"127.0.92.{number + 1}" for number in range(40)]
CLIENTS_V6 = [f"2001:db8:{number + 1:x}::7" for number in range(40)]


@pytest.fixture
def balancer(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02", "view03")]
    return testbed.balance(*servers, forwarded={"trusted-proxies": [PROXY]})


def address_of(line):
    """The client that a line of the access log names."""
    return line.split(" ", 1)[0].rpartition(":")[0]


def check_spread(balancer, clients, ask):
    """Each client has a server, which stays its own, and its own lines in the log."""
    first = {client: ask(client, "first") for client in clients}
    assert set(first.values()) == {"view01", "view02", "view03"}
    assert {client: ask(client, "again") for client in reversed(clients)} == first
    for target in ("first", "again"):
        lines = balancer.wait_for_access(f"/whoami/{target} ", count=len(clients))
        assert sorted(address_of(line) for line in lines) == sorted(clients)
    # All of them are remembered, and whatever connections the proxy keeps, none of them is there any more.
    loads = [balancer.load_of(name) for name in ("view01", "view02", "view03")]
    assert sum(load["clients"] for load in loads) >= len(clients)
    wait_until(lambda: not any(balancer.load_of(name)["sessions"] for name in set(first.values())), "no session")


@pytest.mark.parametrize("make", ["haproxy", "nginx"])
def test_clients_of_a_proxy_have_their_own_servers(testbed, balancer, make):
    proxy = (
        testbed.proxy(nginx, balancer, PROXY)
        if make == "nginx"
        else testbed.proxy(haproxy, balancer, PROXY, frontend="option forwardfor")
    )

    def ask(client, target):
        # What the client itself says of where it comes from stands to the left of what its proxy says.
        return proxy.get("X-Forwarded-For: 203.0.113.9", client=client, target=f"/whoami/{target}")["X-Server"]

    check_spread(balancer, CLIENTS, ask)


def test_clients_of_a_proxy_with_ipv6_addresses_have_their_own_servers(testbed, balancer):
    set_source = "http-request set-src hdr(x-test-source)\n  option forwardfor"
    proxy = testbed.proxy(haproxy, balancer, PROXY, frontend=set_source)

    def ask(client, target):
        return proxy.get(f"X-Test-Source: {client}", target=f"/whoami/{target}")["X-Server"]

    check_spread(balancer, CLIENTS_V6, ask)


def test_requests_of_many_clients_on_one_connection_go_each_to_its_own_server(balancer):
    with balancer.connect(PROXY) as connection:

        def ask(client, target):
            text = f"[{client}]:50312" if ":" in client else client
            return connection.get(f"/whoami/{target}", f"X-Forwarded-For: {text}, {PROXY}")["X-Server"]

        check_spread(balancer, CLIENTS[:20] + CLIENTS_V6[:20], ask)


def test_who_is_not_trusted_can_pose_as_nobody(testbed, balancer):
    proxy = testbed.proxy(haproxy, balancer, STRANGER, frontend="option forwardfor")
    servers = {proxy.get(client=client, target="/whoami/forged")["X-Server"] for client in CLIENTS[:12]}
    with balancer.connect(STRANGER) as connection:
        for client in CLIENTS[:12]:
            servers.add(connection.get("/whoami/forged", f"X-Forwarded-For: {client}")["X-Server"])
    assert len(servers) == 1
    lines = balancer.wait_for_access("/whoami/forged ", count=24)
    assert {address_of(line) for line in lines} == {STRANGER}


def test_a_client_behind_a_proxy_has_so_many_requests_at_once_and_others_go_on(testbed):
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
        # The proxy's own requests, and its connections, have no such limit.
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
