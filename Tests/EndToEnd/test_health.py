"""Health checks: the states of servers, and how soon a change is noticed."""

import itertools
import threading
import time

import pytest
from harness.server import Held, page
from harness.view import Tunnel, WebSocket, echo_stream, half, hang, view
from harness.waiting import TIMEOUT, client_addresses, stays, wait_until

QUICK = {"interval": "200ms", "timeout": "5s", "rise": 2, "fall": 3, "jitter": "0s"}
# For servers that hang. Even on a busy machine three consecutive checks take less than that.
IMPATIENT = {**QUICK, "timeout": "500ms"}
# The interval is too long to notice anything, and so are consecutive checks.
RARE = {"interval": "1h", "timeout": "60s", "rise": 2, "fall": 3, "jitter": "0s"}


def transitions(balancer, name="view01"):
    return [line for line in balancer.log.splitlines() if f"server {name} is " in line]


def test_each_transition_is_one_log_line_with_its_reason(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health=QUICK)
    balancer.wait_for_state("view01", "up")
    server.health = 503
    balancer.wait_for_state("view01", "drain")
    server.health = 500
    balancer.wait_for_state("view01", "down")
    server.health = 200
    balancer.wait_for_state("view01", "up")
    server.die()
    balancer.wait_for_state("view01", "down")
    lines = transitions(balancer)
    assert len(lines) == 5, lines
    up, drain, status, back, refused = lines
    assert "503" in drain and "disabled" in drain
    assert "500" in status and "was drain" in status
    assert "was down" in back and "2 health checks" in back
    assert "refused" in refused and "3 health checks" in refused


@pytest.mark.parametrize("status", [404, 401, 302, 500, 204])
def test_unexpected_status_is_down(testbed, status):
    server = testbed.server(health=status)
    balancer = testbed.balance(server, serving=False, health=QUICK)
    balancer.wait_for_state("view01", "down")
    assert str(status) in transitions(balancer)[0]


def test_expected_statuses_are_up(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health={**QUICK, "expect": [200, 302]})
    server.health = 503
    balancer.wait_for_state("view01", "drain")
    server.health = 302
    balancer.wait_for_state("view01", "up")
    server.health = 204
    balancer.wait_for_state("view01", "down")


def garbage(request):
    request.send("nonsense\r\n\r\n")
    request.stream.close()


def cut(request):
    request.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    request.stream.close()


def gone(request):
    request.stream.close()


@pytest.mark.parametrize("health", [hang, half, garbage, cut, gone], ids=lambda f: f.__name__)
def test_check_fails_without_a_complete_and_valid_answer_in_time(testbed, health):
    server = testbed.server()
    balancer = testbed.balance(server, health=IMPATIENT)
    server.health = health
    balancer.wait_for_state("view01", "down")
    server.health = 200
    balancer.wait_for_state("view01", "up")
    assert balancer.get("/").status == 200


def without_end(piece, head=b""):
    """Answers with `head`, and then with `piece` repeatedly until the connection ends."""

    def answer(request):
        try:
            request.send(head)
            while True:
                request.send(piece)
        except OSError:
            request.stream.close()

    return answer


ENDLESS = {
    "interim-answers": without_end(b"HTTP/1.1 100\r\n\r\n" * 1000),
    "chunks-of-one-byte": without_end(b"1\r\nx\r\n" * 2500, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "body": without_end(bytes(16_384), b"HTTP/1.1 200 OK\r\n\r\n"),
    "head": without_end(b"X: y\r\n" * 2500, b"HTTP/1.1 200 OK\r\n"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_server_that_answers_without_end_is_down_and_affects_no_other(testbed, kind):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    worker = balancer.worker
    source = next(a for a in client_addresses(64) if balancer.server_of(a) == "view02")
    servers["view02"].script = echo_stream
    with balancer.connect(source) as client:
        stream = WebSocket(client)
        servers["view01"].health = ENDLESS[kind]
        balancer.wait_for_state("view01", "down")
        seen = len(servers["view01"].checks)
        wait_until(lambda: len(servers["view01"].checks) >= seen + 3, "three more of its answers")
        stream.say()
    assert balancer.worker == worker
    servers["view01"].health = 200
    balancer.wait_for_state("view01", "up")


@pytest.mark.parametrize("where", ["after-accept", "in-the-handshake"])
def test_server_that_accepts_and_hangs_is_down(testbed, where):
    """A TCP check does not detect it."""
    server = testbed.server()
    balancer = testbed.balance(server, health=IMPATIENT)

    def hang(sock):
        if where == "in-the-handshake":
            threading.Thread(target=sock.recv, args=(100,), daemon=True).start()
        return True

    server.on_accept = hang
    balancer.wait_for_state("view01", "down")
    assert "time-out" in transitions(balancer)[-1], transitions(balancer)
    server.on_accept = None
    balancer.wait_for_state("view01", "up")


def test_server_that_hangs_passes_a_tcp_check(testbed):
    """The limitation of `check: tcp`, as described in the reference."""
    server = testbed.server()
    server.on_accept = lambda sock: True
    balancer = testbed.balance(server, serving=False, health={**QUICK, "check": "tcp"})
    balancer.wait_for_state("view01", "up")
    server.die()
    balancer.wait_for_state("view01", "down")


def test_tls_check_is_a_complete_handshake(testbed):
    server = testbed.server()
    server.health = 500
    balancer = testbed.balance(server, serving=False, health={**IMPATIENT, "check": "tls"})
    balancer.wait_for_state("view01", "up")
    assert server.checks == [] or all(r.target == "/" for r in server.requests)
    server.on_accept = lambda sock: True
    balancer.wait_for_state("view01", "down")


def test_check_sends_the_configured_request(testbed):
    server = testbed.server(health_path="/portal/info")
    balancer = testbed.balance(
        server, serving=False, health={**QUICK, "path": "/portal/info", "method": "HEAD", "host": "view01.test"}
    )
    balancer.wait_for_state("view01", "up")
    check = server.checks[0]
    assert check.head.start == "HEAD /portal/info HTTP/1.1"
    assert check.head.get("Host") == "view01.test"
    assert check.head.get("Connection").lower() == "close"


def test_single_failed_check_does_not_change_the_state(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health=QUICK)
    failures = iter([500, 500])

    def sometimes(request):
        request.respond(next(failures, 200), b"", "Connection: close")

    server.health = sometimes
    before = len(server.checks)
    wait_until(lambda: len(server.checks) > before + 5, "five more checks")
    assert len(transitions(balancer)) == 1
    assert balancer.state_of("view01") == "up"


def test_checks_keep_their_interval(testbed):
    """One prober per worker, not per thread."""
    server = testbed.server()
    testbed.balance(server, health={"interval": "500ms", "timeout": "400ms", "jitter": "0s"}, threads=4)
    before = len(server.checks)
    wait_until(lambda: len(server.checks) >= before + 6, "six more checks")
    opened = [c.opened for c in server.connections if not c.requests][-6:]
    # Five intervals. A lower bound only, with tolerance for a first one that was noticed late: a slow machine makes
    # them longer, and with four probers they would take a quarter.
    assert opened[-1] - opened[0] > 1.25, opened


def test_failures_of_requests_bring_the_next_check_forward(testbed):
    """The interval is an hour; failed requests to a dead server trigger checks at once, and no request is lost."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health={"interval": "1h", "jitter": "0s", "fall": 3})
    sources = client_addresses(16)
    assigned = balancer.servers_of(sources)
    assert "view01" in assigned.values()
    servers["view01"].die()
    asked = 0
    while balancer.state_of("view01") != "down":
        assert balancer.server_of(sources[asked % len(sources)]) == "view02"
        asked += 1
        assert asked < 5000, balancer.log
    assert len(transitions(balancer)) == 2


def test_unanswered_requests_bring_the_next_check_forward(testbed):
    """For a server that hangs."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health={"interval": "1h", "jitter": "0s", "fall": 3})
    sources = client_addresses(16)
    assigned = balancer.servers_of(sources)
    balancer.reload({"timeouts": {"server": "1s", "connect": "1s"}, "health": {"timeout": "1s"}})
    victim = next(source for source in sources if assigned[source] == "view01")
    servers["view01"].script = servers["view01"].health = hang
    assert balancer.get("/", source=victim).status == 504
    balancer.wait_for_state("view01", "down")
    assert balancer.server_of(victim) == "view02"


def test_server_that_answers_only_its_checks_gets_no_new_clients(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health={**QUICK, "passive": True})
    sources = iter(client_addresses(5000))
    assigned = balancer.servers_of([next(sources) for _ in range(16)])
    known = next(source for source, server in assigned.items() if server == "view01")
    servers["view01"].script = gone
    # Each of them is a new client, which is redispatched to the other server.
    wait_until(
        lambda: balancer.server_of(next(sources)) == "view02" and "server view01: suspected" in balancer.log,
        lambda: balancer.log,
    )
    servers["view01"].forget()
    assert set(balancer.servers_of([next(sources) for _ in range(32)]).values()) == {"view02"}
    assert servers["view01"].requests == []
    assert balancer.state_of("view01") == "up" and len(transitions(balancer)) == 1
    wait_until(lambda: "suspected: no new clients" in balancer.call("status").stdout, lambda: balancer.status)
    servers["view01"].script = page
    assert balancer.server_of(known) == "view01"
    # Never the last one.
    servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    assert balancer.server_of(next(sources)) == "view01"


def test_failing_requests_of_one_client_raise_no_suspicion(testbed):
    server = testbed.server(script=gone)
    balancer = testbed.balance(server, testbed.server("view02", script=gone), health={**QUICK, "passive": True})
    ends = time.monotonic() + 7
    while time.monotonic() < ends:
        assert balancer.get("/").status == 502
    assert len(server.requests) > 5 and "suspected" not in balancer.log


def test_returning_server_gets_new_clients_gradually_and_known_ones_at_once(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    # The share stays at 1/256 throughout.
    balancer = testbed.balance(*servers.values(), health={**QUICK, "slow-start": "24h"})
    sources = client_addresses(80)
    assigned = balancer.servers_of(sources[:40])
    assert set(assigned.values()) == {"view01", "view02"}, "there is no slow start at the start of the process"
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert balancer.servers_of(sources[:40]) == assigned
    assert list(balancer.servers_of(sources[40:]).values()).count("view01") <= 2

    def percents():
        loads = [server["load"] for server in balancer.status["servers"]]
        return [load and load["weight_percent"] for load in loads]

    wait_until(lambda: percents() == [1, 100], percents)
    assert "slow start: 1 % of its weight" in balancer.call("status").stdout
    servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    assert set(balancer.servers_of(sources).values()) == {"view01"}, "the only server gets all clients"
    balancer.reload({"health": {"slow-start": "0s"}})
    wait_until(lambda: percents()[0] == 100, percents)


def test_returning_server_is_found_without_traffic(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health=QUICK)
    server.die()
    balancer.wait_for_state("view01", "down")
    server.start()
    balancer.wait_for_state("view01", "up")
    assert balancer.get("/").status == 200


def test_flapping_server_needs_rise_checks_to_return(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health={**QUICK, "rise": 4})
    server.health = 500
    balancer.wait_for_state("view01", "down")
    answers = iter([200, 200, 200, 500, 200, 200, 200, 500])

    def flapping(request):
        request.respond(next(answers, 500), b"", "Connection: close")

    server.health = flapping
    before = len(server.checks)
    stays(lambda: balancer.state_of("view01") == "down" and len(server.checks) < before + 9 or len(server.checks) >= before + 9, "down", 1.5)
    assert balancer.state_of("view01") == "down"
    assert len(transitions(balancer)) == 2


def pair_of_servers(testbed, health):
    """A balancer, its servers by name, and a client of view01. All time-outs except that of checks are long."""
    servers = {name: testbed.server(name, script=view) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=health, timeouts={"connect": "60s", "connect-total": "60s"})
    return balancer, servers, next(a for a in client_addresses(64) if balancer.server_of(a) == "view01")


def test_vanished_server_is_down_before_its_clients_time_out(testbed):
    balancer, servers, client = pair_of_servers(testbed, RARE)
    servers["view01"].die()
    servers["view01"].start()
    servers["view01"].vanish()
    # Within one request: its connection is abandoned when the server is down.
    assert balancer.server_of(client) == "view02"
    balancer.wait_for_state("view01", "down")
    assert "no complete connection" in transitions(balancer)[-1]


def test_server_that_hangs_is_down_one_check_timeout_after_the_first_slow_request(testbed):
    balancer, servers, client = pair_of_servers(testbed, {**RARE, "timeout": "5s", "fall": 5})
    servers["view01"].die()
    servers["view01"].on_accept = lambda sock: True
    servers["view01"].start()
    # Consecutive checks would take five time-outs, longer than the client waits; all five overlap.
    assert balancer.server_of(client) == "view02"
    balancer.wait_for_state("view01", "down")
    assert "5 health checks in a row failed" in transitions(balancer)[-1]


def test_check_without_an_answer_is_given_up_when_a_later_one_is_answered(testbed):
    """It would take the place of another one if the server hung again."""
    given_up, numbers = threading.Event(), itertools.count()

    def first_hangs(request):
        if next(numbers) > 0:
            return request.respond(200, b"icon", "Connection: close")
        hang(request)
        given_up.set()

    server = testbed.server()
    balancer = testbed.balance(server, health={**RARE, "interval": "200ms", "timeout": f"{10 * TIMEOUT:.0f}s"})
    server.health = first_hangs
    assert given_up.wait(TIMEOUT)
    assert len(transitions(balancer)) == 1


def test_server_that_fails_its_first_check_only_is_soon_up(testbed):
    server = testbed.server(health=500)
    balancer = testbed.balance(server, serving=False, health=RARE)
    balancer.wait_for_state("view01", "down")
    server.health = 200
    balancer.wait_for_state("view01", "up")


def test_tunnel_survives_a_pause_of_its_server(testbed):
    balancer, servers, source = pair_of_servers(testbed, {**RARE, "interval": "200ms"})
    with balancer.connect(source) as client:
        tunnel = Tunnel(client)
        servers["view01"].vanish()
        balancer.wait_for_state("view01", "down")
        tunnel.say()
        servers["view01"].reappear()
        balancer.wait_for_state("view01", "up")
        tunnel.say()


def test_request_waits_for_a_silent_server_if_no_other_is_available(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, health={**RARE, "interval": "200ms"})
    with balancer.connect() as client:
        client.send("GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert held.arrived.wait(60)
        server.vanish()
        balancer.wait_for_state("view01", "down")
        held.released.set()
        assert client.answer().status == 200
