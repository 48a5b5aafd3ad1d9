"""Routing: a client keeps its server; requests while that server is full, down, drained or has returned."""

import collections
import socket
import threading
import time

import pytest
from harness.server import Held, page
from harness.waiting import all_at_once, client_addresses, wait_until

HOST = "Host: view.test\r\n"
# Checks that find a change in a moment.
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


def test_client_keeps_its_server(testbed):
    balancer = testbed.balance(*(testbed.server(f"view{n:02}") for n in range(1, 5)))
    sources = client_addresses(40)
    first = balancer.servers_of(sources)
    assert balancer.servers_of(sources) == first
    assert balancer.servers_of(reversed(sources)) == first
    assert set(first.values()) == {"view01", "view02", "view03", "view04"}


def test_assignment_by_hash_is_the_same_after_a_restart(testbed):
    """And the same on the other node of a pair: the hash needs no shared state."""
    servers = [testbed.server(f"view{n:02}") for n in range(1, 4)]
    sources = client_addresses(30)
    first, second = testbed.balance(*servers), testbed.balance(*servers)
    assert first.servers_of(sources) == second.servers_of(sources)


def test_weights_are_shares_of_clients(testbed):
    servers = [testbed.server("light"), testbed.server("heavy")]
    balancer = testbed.balance(*servers, server_changes={"heavy": {"weight": 3}})
    counts = collections.Counter(balancer.servers_of(client_addresses(240)).values())
    # 180 expected; five standard deviations are 34.
    assert 146 <= counts["heavy"] <= 214, counts


def test_server_with_weight_zero_gets_no_new_clients(testbed):
    balancer = testbed.balance(testbed.server("view01"), testbed.server("view02"), server_changes={"view02": {"weight": 0}})
    assert set(balancer.servers_of(client_addresses(30)).values()) == {"view01"}


def test_backup_is_used_if_no_other_server_is_available(testbed):
    primary, backup = testbed.server("view01"), testbed.server("spare")
    balancer = testbed.balance(primary, backup, server_changes={"spare": {"backup": True}}, health=QUICK)
    sources = client_addresses(20)
    assert set(balancer.servers_of(sources).values()) == {"view01"}
    primary.die()
    balancer.wait_for_state("view01", "down")
    assert set(balancer.servers_of(sources).values()) == {"spare"}
    primary.start()
    balancer.wait_for_state("view01", "up")
    assert set(balancer.servers_of(client_addresses(20, start=100)).values()) == {"view01"}


def test_drain_keeps_known_clients_and_sends_new_ones_elsewhere(testbed):
    """503 from the health check is an administrator's command, not a failure."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    known = balancer.servers_of(client_addresses(30))
    servers["view01"].health = 503
    balancer.wait_for_state("view01", "drain")
    assert balancer.servers_of(known) == known
    assert "view01" in known.values()
    assert set(balancer.servers_of(client_addresses(30, start=100)).values()) == {"view02"}
    servers["view01"].health = 200
    balancer.wait_for_state("view01", "up")
    assert set(balancer.servers_of(client_addresses(30, start=200)).values()) == {"view01", "view02"}


def test_if_all_servers_drain_only_known_clients_are_served(testbed):
    server = testbed.server("view01")
    balancer = testbed.balance(server, health=QUICK)
    known = client_addresses(3)
    balancer.servers_of(known)
    server.health = 503
    balancer.wait_for_state("view01", "drain")
    assert set(balancer.servers_of(known).values()) == {"view01"}
    assert balancer.get("/", source="127.0.90.1").status == 503


def test_lost_server_moves_only_its_clients_and_its_return_moves_none(testbed):
    servers = {f"view{n:02}": testbed.server(f"view{n:02}") for n in range(1, 4)}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    sources = client_addresses(60)
    before = balancer.servers_of(sources)
    servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    during = balancer.servers_of(sources)
    for source in sources:
        if before[source] == "view02":
            assert during[source] in ("view01", "view03")
        else:
            assert during[source] == before[source]
    assert set(during[s] for s in sources if before[s] == "view02") == {"view01", "view03"}
    servers["view02"].start()
    balancer.wait_for_state("view02", "up")
    # Clients with a recent session keep their server; new ones get that of the hash.
    assert balancer.servers_of(sources) == during
    assert "view02" in balancer.servers_of(client_addresses(40, start=200)).values()


def test_client_silent_for_longer_than_hold_is_routed_by_hash(testbed):
    """The assignment survives silence for the hold time, and no longer."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK, affinity={"hold": "3s"})
    sources = client_addresses(16)
    before = balancer.servers_of(sources)
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    assert set(balancer.servers_of(sources).values()) == {"view02"}
    silent, lively, since = sources[:12], sources[12:], time.monotonic()
    servers["view01"].start()

    def is_over():
        """Keeps some clients active until the others have been silent for long enough."""
        assert set(balancer.servers_of(lively).values()) == {"view02"}
        return time.monotonic() > since + 3.1 and balancer.state_of("view01") == "up"

    wait_until(is_over, "view01")
    assert balancer.servers_of(silent) == {source: before[source] for source in silent}


def test_open_connection_keeps_its_assignment(testbed):
    """An open tunnel counts as a session, however long it is silent."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK, affinity={"hold": "1s"}, timeouts={"keep-alive": "1m"})
    sources = client_addresses(16)
    before = balancer.servers_of(sources)
    moved = next(source for source in sources if before[source] == "view01")
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    with balancer.connect(moved) as client:
        assert client.get("/")["X-Server"] == "view02"
        servers["view01"].start()
        balancer.wait_for_state("view01", "up")
        threading.Event().wait(1.6)
        assert balancer.server_of(moved) == "view02"


def test_clients_of_one_prefix_are_one_client(testbed):
    balancer = testbed.balance(
        *(testbed.server(f"view{n:02}") for n in range(1, 4)), affinity={"ipv4-prefix": 24}
    )
    for net in range(1, 9):
        assert len(set(balancer.servers_of([f"127.9.{net}.{host}" for host in (1, 77, 254)]).values())) == 1


# Failures of connections


def test_refused_connection_is_retried_on_another_server(testbed):
    """No request is lost to a dead server, before a health check has noticed it."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values())
    sources = client_addresses(20)
    before = balancer.servers_of(sources)
    servers["view01"].die()
    after = balancer.servers_of(sources)
    assert set(after.values()) == {"view02"}
    assert "view01" in before.values()


def test_request_with_a_body_is_redispatched_if_nothing_was_sent(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values())
    sources = [s for s, server in balancer.servers_of(client_addresses(20)).items() if server == "view01"]
    servers["view01"].die()
    for source in sources:
        with balancer.connect(source) as client:
            assert client.post("/echo", b"hello" * 1000).content == b"hello" * 1000


@pytest.mark.parametrize("manner", ["closes-after-accept", "resets-after-accept"])
def test_broken_handshake_is_retried_on_another_server(testbed, manner):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), pool={"idle-connections": 0})
    sources = client_addresses(12)
    balancer.servers_of(sources)

    def hook(sock):
        if manner == "resets-after-accept":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
        return True

    servers["view01"].on_accept = hook
    assert set(balancer.servers_of(sources).values()) == {"view02"}


def test_handshake_that_never_completes_ends_with_the_connect_timeout(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), pool={"idle-connections": 0}, timeouts={"connect": "2s"}, retries=1)
    source = next(s for s, server in balancer.servers_of(client_addresses(10)).items() if server == "view01")
    servers["view01"].on_accept = lambda sock: True
    assert balancer.server_of(source) == "view02"


def test_request_without_an_available_server_is_503_with_retry_after(testbed):
    server = testbed.server()
    balancer = testbed.balance(server)
    server.die()
    answer = balancer.get("/")
    assert answer.status == 503 and int(answer["Retry-After"]) > 0
    balancer.wait_for_state("view01", "down")
    answer = balancer.get("/")
    assert answer.status == 503 and int(answer["Retry-After"]) > 0


def test_server_dead_from_the_start_is_503_until_it_is_up(testbed):
    server = testbed.server()
    server.die()
    balancer = testbed.balance(server, serving=False, health=QUICK)
    balancer.wait_for_state("view01", "down")
    assert balancer.get("/").status == 503
    server.start()
    balancer.wait_for_state("view01", "up")
    assert balancer.get("/").status == 200


# Limits and queue


def ask(client, target="/held"):
    client.send(f"GET {target} HTTP/1.1\r\n{HOST}\r\n")


def test_request_waits_for_a_full_server(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}})
    with balancer.connect("127.0.91.1") as first, balancer.connect("127.0.91.2") as second:
        ask(first)
        server.wait_for_requests(1)
        ask(second, "/second")
        # Another request, through the other listener, proves that the balancer had time to forward the second one.
        for _ in range(20):
            assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        assert [r.target for r in server.requests] == ["/held"]
        held.released.set()
        assert first.answer().status == 200
        assert second.answer().status == 200
    assert [r.target for r in server.requests] == ["/held", "/second"]


def test_queue_is_served_in_order(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}}, threads=1)
    clients = [balancer.connect(f"127.0.92.{n + 1}") for n in range(8)]
    try:
        ask(clients[0])
        server.wait_for_requests(1)
        for number, client in enumerate(clients[1:], 1):
            ask(client, f"/{number}")
            # They enter the queue one after the other.
            assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        held.released.set()
        for client in clients:
            assert client.answer().status == 200
    finally:
        for client in clients:
            client.close()
    assert [r.target for r in server.requests] == ["/held", *(f"/{n}" for n in range(1, 8))]


def test_queue_timeout_is_503_with_retry_after(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}}, timeouts={"queue": "300ms"})
    with balancer.connect("127.0.91.1") as first, balancer.connect("127.0.91.2") as second:
        ask(first)
        server.wait_for_requests(1)
        ask(second, "/second")
        answer = second.answer()
        assert answer.status == 503 and int(answer["Retry-After"]) > 0
        held.released.set()
        assert first.answer().status == 200
    assert [r.target for r in server.requests] == ["/held"]


def test_full_queue_is_503_at_once(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}}, limits={"queue": 1})
    with balancer.connect() as first, balancer.connect() as second, balancer.connect() as third:
        ask(first)
        server.wait_for_requests(1)
        ask(second, "/second")
        assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        ask(third, "/third")
        # One of the two is refused while the server is busy: the queue has one place.
        outcome = []

        def read(client):
            outcome.append(client.answer())

        readers = [threading.Thread(target=read, args=(client,), daemon=True) for client in (second, third)]
        for reader in readers:
            reader.start()
        wait_until(lambda: outcome, "a refusal")
        assert outcome[0].status == 503 and int(outcome[0]["Retry-After"]) > 0
        held.released.set()
        for reader in readers:
            reader.join(30)
        assert [answer.status for answer in outcome] == [503, 200]
        assert first.answer().status == 200


def test_client_that_disconnects_in_the_queue_is_not_served(testbed):
    held = Held()
    server = testbed.server(script=held)
    # With one loop, earlier bytes are handled before the redirect is requested.
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 1}}, threads=1)
    with balancer.connect() as first, balancer.connect() as third:
        ask(first)
        server.wait_for_requests(1)
        with balancer.connect() as second:
            ask(second, "/gone")
            assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        ask(third, "/third")
        assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        held.released.set()
        assert first.answer().status == 200
        assert third.answer().status == 200
    assert [r.target for r in server.requests] == ["/held", "/third"]


def test_connection_limit_is_never_exceeded(testbed):
    most, now, lock = [0], [0], threading.Lock()

    def script(request):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.005)
        with lock:
            now[0] -= 1
        page(request)

    server = testbed.server(script=script)
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 3}})

    def client(number):
        with balancer.connect(f"127.0.93.{number + 1}") as stream:
            for _ in range(15):
                assert stream.get("/").status == 200

    all_at_once(client, range(16))
    assert most[0] == 3


def test_outage_of_all_servers_moves_no_client(testbed):
    """Requests during the outage are redispatched, and answered by no server: each client keeps its own."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    # The first failures occur while both are considered up, and each request then tries both.
    balancer = testbed.balance(*servers.values(), health={**QUICK, "fall": 8}, retries=1)
    sources = client_addresses(12)
    first = balancer.servers_of(sources)
    assert set(first.values()) == set(servers)
    others = client_addresses(12, start=500)
    for server in servers.values():
        server.die()
    for source in sources + others:
        assert balancer.get("/", source=source).status == 503
    for name in servers:
        balancer.wait_for_state(name, "down")
    # 503 assigns no client.
    known = sum(server["load"]["clients"] for server in balancer.status["servers"])
    assert known <= len(sources) + 1
    for name, server in servers.items():
        server.start()
        balancer.wait_for_state(name, "up")
    assert balancer.servers_of(sources) == first
