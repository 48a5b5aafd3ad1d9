"""Peers that flood with TLS messages without application data."""

import threading
import time

import pytest
from harness.flood import Flooder
from harness.processes import cpu_seconds
from harness.waiting import TIMEOUT, wait_until

pytestmark = pytest.mark.memory

CUT = r"hardly any application data"
MANY = 100_000


def slowest_of(count, client):
    """The time of the slowest of this many requests, in seconds."""

    def seconds():
        began = time.monotonic()
        assert client.get("/").status == 200
        return time.monotonic() - began

    return max(seconds() for _ in range(count))


@pytest.fixture(scope="module")
def cost_of_flood(certificates):
    """The processor time that one message costs the one who reads it, times MANY: of OpenSSL against itself."""
    import socket

    left, right = socket.socketpair()
    accepted = []
    thread = threading.Thread(target=lambda: accepted.append(Flooder(left, certificates.front)))
    thread.start()
    with Flooder(right) as client:
        thread.join()
        client.key_updates(MANY // 10)
        client.write("x")
        threading.Thread(target=client.flush).start()
        began = time.thread_time()
        assert accepted[0].read() == b"x"
        cost = (time.thread_time() - began) * 10
        accepted[0].close()
    return cost


@pytest.mark.parametrize("requested", [False, True], ids=["", "and-asks-for-ours"])
def test_client_that_floods_with_key_updates_is_disconnected(testbed, cost_of_flood, requested):
    # It takes a while to create this many.
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer = testbed.balance(testbed.server(), threads=1, timeouts=timeouts)
    with balancer.connect() as other, Flooder.connect(balancer.endpoint) as flooder:
        quiet = slowest_of(20, other)
        flooder.key_updates(MANY, requested=requested)
        before = cpu_seconds(balancer.worker)
        sending = threading.Thread(target=flooder.flush)
        sending.start()
        beside = slowest_of(20, other)
        sending.join()
        assert flooder.has_been_cut()
        used = cpu_seconds(balancer.worker) - before
    assert used < cost_of_flood / 2, f"{used} s for what costs {cost_of_flood} s to read to its end"
    print(f"the slowest request: {quiet * 1000:.1f} ms quiet, {beside * 1000:.1f} ms beside {MANY} key updates")
    # Only a request that waited for all of them takes that long.
    assert beside < 10 * quiet + TIMEOUT / 10
    balancer.wait_for_log(rf"client .* is disconnected: .*{CUT}")
    wait_until(lambda: balancer.status["traffic"]["refused"]["connections"] == 1, "one counted flood")


def test_many_flooding_clients_are_disconnected_with_few_log_lines(testbed):
    balancer = testbed.balance(testbed.server(), threads=1)
    for _ in range(20):
        with Flooder.connect(balancer.endpoint) as flooder:
            flooder.key_updates(100)
            flooder.flush()
            assert flooder.has_been_cut()
    assert balancer.get("/").status == 200
    wait_until(lambda: balancer.status["traffic"]["refused"]["connections"] == 20, "all counted floods")
    assert 1 <= len([line for line in balancer.log.splitlines() if "hardly any application data" in line]) < 20


def test_ordinary_key_updates_are_accepted(testbed):
    """Many more of them than usual clients send, with data between them."""
    balancer = testbed.balance(testbed.server())
    with Flooder.connect(balancer.endpoint) as client:
        for round in range(60):
            client.key_updates(1, requested=round % 2 == 0)
            client.write("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
            assert client.flush()
            assert client.read().startswith(b"HTTP/1.1 200")


def test_flood_during_a_request_ends_it(testbed):
    balancer = testbed.balance(testbed.server())
    with Flooder.connect(balancer.endpoint) as client:
        client.write("POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 5\r\n\r\n")
        client.key_updates(100)
        client.flush()
        assert client.has_been_cut()
    assert " P" in balancer.wait_for_access("POST /echo")[0]
    assert balancer.get("/").status == 200


@pytest.mark.parametrize("kind", ["key_updates", "tickets"])
@pytest.mark.parametrize("begun", [False, True], ids=["before-its-answer", "inside-its-answer"])
def test_flooding_server_is_disconnected(testbed, cost_of_flood, kind, begun):
    server = testbed.server()
    balancer = testbed.balance(server, threads=1, pool={"idle-connections": 0}, timeouts={"server": "5m"})
    cut = threading.Event()

    def flood(sock):
        try:
            with Flooder(sock, testbed.certificates.front) as flooder:
                if not flooder.read():
                    return
                if begun:
                    flooder.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegin")
                getattr(flooder, kind)(MANY if begun and kind == "key_updates" else 2_000)
                flooder.flush()
                if flooder.has_been_cut():
                    cut.set()
        except OSError:
            pass  # A completed health check.

    server.on_accept = lambda sock: threading.Thread(target=flood, args=(sock,), daemon=True).start() or True
    before = cpu_seconds(balancer.worker)
    with balancer.connect() as victim:
        # The flood is created by this process, which takes a while on a busy machine.
        victim.socket.settimeout(6 * TIMEOUT)
        victim.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        if begun:
            victim.receive_to_end()
        else:
            # The retry ends in the same way.
            assert victim.answer().status in (502, 503)
    assert cut.wait(6 * TIMEOUT)
    used = cpu_seconds(balancer.worker) - before
    server.on_accept = None
    assert used < cost_of_flood * 2
    balancer.wait_for_log(rf"server {server.name}: .*{CUT}")
