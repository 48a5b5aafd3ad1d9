"""A regular stop of the Active, and streams that can't continue without the address."""

import signal
import threading
import time

import pytest
from harness.client import client_context, connect_tls
from harness.pair.lan import Lan
from harness.server import ConnectionServer
from harness.waiting import TIMEOUT, wait_until

KINDS = ["length", "chunks", "to-the-end"]


class Streams:
    """A server that starts its answers, and continues them only on the test's request."""

    def __init__(self):
        self.begun, self.over, self.lock = 0, threading.Event(), threading.Lock()

    def __call__(self, request):
        kind = request.target.strip("/")
        if kind not in KINDS:
            return request.respond(200, b"done")
        framing = {"length": "Content-Length: 100000000", "chunks": "Transfer-Encoding: chunked", "to-the-end": "Connection: close"}
        request.send(f"HTTP/1.1 200 OK\r\n{framing[kind]}\r\n\r\n".encode())
        request.send(b"10000\r\n" if kind == "chunks" else b"")
        request.send(b"x" * 65_536)
        with self.lock:
            self.begun += 1
        self.over.wait(TIMEOUT)


@pytest.fixture
def streams(testbed, certificates):
    script = Streams()
    testbed.servers.append(ConnectionServer("view01", certificates.front, script=script, address=Lan.SERVERS[0]))
    yield script
    script.over.set()


def begin(testbed, kind):
    """A download whose first bytes have arrived; the client waits for more."""
    client = connect_tls((testbed.ADDRESS, 443), client_context(testbed.certificates.authority.certificate), server_name="view.test")
    client.send(f"GET /{kind} HTTP/1.1\r\nHost: view.test\r\n\r\n".encode())
    return client


def end_of(client):
    """The time at which the client saw the end, or None."""
    try:
        client.receive_to_end()
    except TimeoutError:
        return None
    return time.monotonic()


@pytest.mark.parametrize("way", ["stop", "failover"])
def test_streams_are_closed_before_the_address_is_removed(testbed, streams, way):
    first, second = testbed.pair(timeouts={"stop": "60s"})
    clients = [begin(testbed, kind) for kind in KINDS for _ in range(4)]
    # A client that has sent nothing yet, and one that is idle between two requests.
    silent = begin(testbed, "other")
    wait_until(lambda: streams.begun == len(clients), "the streams")
    clients.append(silent)
    ends = [None] * len(clients)
    readers = [threading.Thread(target=lambda index=index: ends.__setitem__(index, end_of(clients[index]))) for index in range(len(clients))]
    for reader in readers:
        reader.start()
    time.sleep(0.2)
    began = time.monotonic()
    if way == "stop":
        first.stop()
        ended = time.monotonic()
        # `timeouts.stop` does not apply to them.
        assert ended - began < 15, f"{ended - began:.1f} s"
        print(f"stop: {(ended - began) * 1000:.0f} ms")
    else:
        assert first.call("failover").returncode == 0
    for reader in readers:
        reader.join(TIMEOUT)
    assert None not in ends, ends
    print(f"{way}: the last client knew after {(max(ends) - began) * 1000:.0f} ms")
    assert max(ends) - began < 15
    second.wait_until("active")
    assert testbed.get(target="/page").status == 200


def test_second_signal_does_not_skip_the_handover(testbed):
    # In version 2 the skew time of a low priority is almost a second.
    first, second = testbed.pair({"version": 2, "priority": {"lb2": 2}})
    probe = testbed.probe()
    since = time.monotonic()
    probe.settle(0.1)
    for count in (1, 2):
        first.signal(signal.SIGTERM)
        wait_until(lambda count=count: first.log.count("SIGTERM") == count, "the signal")
    assert first.wait() == 0
    second.wait_until("active")
    probe.settle()
    print(f"gap: {probe.gap(since) * 1000:.0f} ms")
    assert "192.0.2.12 took over" in first.log, first.log
    assert probe.gap(since) < 0.3
