"""The port of the pair: peers without the secret, and a node that misbehaves."""

import contextlib
import select
import socket
import struct
import threading
import time

import pytest
from harness.nodes import (
    FACTS, KEEPALIVE, LEAVE, NAMES, RECORDS, STREAM, VITALS, Pair, assignments, frame, hello, identified, s_client, text,
)  # fmt: skip
from harness.processes import memory
from harness.waiting import TIMEOUT, stays, wait_until

# Without it a connection is practically impossible.
OTHER = "0b" * 32


@pytest.fixture
def servers(testbed):
    return [testbed.server("view01")]


@pytest.fixture
def pair(testbed, servers):
    return Pair(testbed, servers).start().wait_until_joined()


@pytest.fixture
def lonely(testbed, servers):
    """lb1, to which the test connects in place of lb2."""
    return Pair(testbed, servers).start("lb1")


def connect(pair, source):
    return socket.create_connection((pair.addresses["lb1"], pair.port), TIMEOUT, source_address=(source, 0))


def ended(sock):
    """Whether the other side has closed the connection."""
    if not select.select([sock], [], [], 0)[0]:
        return False
    try:
        return sock.recv(65536) == b""
    except OSError:
        return True


def assert_joined(pair):
    for name in NAMES:
        assert "has left" not in pair[name].log
        assert pair[name].get().status == 200


def test_connections_from_other_addresses_are_closed_at_once(pair):
    """There is a log line a minute, and the nodes stay joined."""
    began = time.monotonic()
    words = "a connection from 127.0.0.1, where no node is to connect from, was closed"
    connect(pair, "127.0.0.1").close()
    pair["lb1"].wait_for_log(words)
    for _ in range(1000):
        with connect(pair, "127.0.0.1") as other:
            wait_until(lambda: ended(other), "an end")
    lines = [line for line in pair["lb1"].log.splitlines() if words in line]
    assert 1 <= len(lines) <= 1 + (time.monotonic() - began) / 60
    assert_joined(pair)
    pair["lb2"].restart()
    pair.wait_until_joined()


def test_silent_connections_are_bounded_and_closed(pair):
    """The oldest one is closed first, and all of them after a while."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connect(pair, pair.addresses["lb2"])) for _ in range(40)]

        def open_ones():
            flags = [ended(sock) for sock in reversed(held)]
            assert flags == sorted(flags), flags
            return flags.count(False)

        wait_until(lambda: open_ones() <= 8, "an end of the oldest")
        wait_until(lambda: open_ones() == 0, "an end of all")
    assert_joined(pair)


def test_oldest_connection_that_says_nothing_makes_room(lonely):
    """Before any of them is late."""
    node = lonely["lb1"]
    node.wait_for_log("pair: lb2 is away: it does not connect to this node")
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connect(lonely, lonely.addresses["lb2"]))
        node.wait_for_log("pair: lb2 is away: too many connections have not said hello")


def relay(source, target):
    """Passes bytes on until the source ends."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_node_that_has_proved_its_secret_is_not_evicted_by_others(lonely):
    """A slow node, while many others connect from its address between its ClientHello and its Finished."""
    with contextlib.ExitStack() as stack:
        between = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        endpoint = between.getsockname()
        client = s_client(endpoint, endpoint[0], "-tls1_3", "-quiet", *identified(lonely.secret))
        stack.callback(client.communicate)
        stack.callback(client.kill)
        client.stdin.write(hello("lb2"))
        client.stdin.flush()
        near, _ = between.accept()
        stack.enter_context(near)
        far = stack.enter_context(connect(lonely, lonely.addresses["lb2"]))
        far.sendall(near.recv(65536))
        answer = far.recv(65536)
        others = [stack.enter_context(connect(lonely, lonely.addresses["lb2"])) for _ in range(40)]
        wait_until(lambda: sum(ended(sock) for sock in others) >= 33, "an end of the others")
        near.sendall(answer)
        for pair in ((near, far), (far, near)):
            threading.Thread(target=relay, args=pair, daemon=True).start()
        lonely["lb1"].wait_for_log("pair: lb2 has joined, release test")


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(200), b"\x16\x03\x01\x40\x00\x01" + bytes(70_000)], ids=["http", "zeros", "hello"])
def test_garbage_closes_its_own_connection_only(pair, garbage):
    with connect(pair, pair.addresses["lb2"]) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(garbage)
        wait_until(lambda: ended(sock), "an end")
    assert_joined(pair)


@pytest.mark.parametrize(
    "options",
    [["-tls1_3"], ["-tls1_2"], ["-tls1_3", *identified(OTHER)], ["-tls1_3", "-psk", OTHER, "-psk_identity", "belvedere"]],
    ids=["no-secret", "tls-1.2", "other-secret", "other-identity"],
)
def test_client_without_the_secret_gets_no_handshake(pair, options):
    client = s_client((pair.addresses["lb1"], pair.port), pair.addresses["lb2"], *options)
    output = b"".join(client.communicate(timeout=TIMEOUT)).decode()
    assert client.returncode != 0 and "alert" in output, output
    assert_joined(pair)


def test_client_with_the_psk_identity_only_gets_no_handshake(pair):
    """The identity is sent in the clear."""
    identity, key = identified(pair.secret), identified(OTHER)
    client = s_client((pair.addresses["lb1"], pair.port), pair.addresses["lb2"], "-tls1_3", *identity[:2], *key[2:])
    output = b"".join(client.communicate(timeout=TIMEOUT)).decode()
    assert client.returncode != 0 and "alert" in output, output
    assert_joined(pair)


class Peer:
    """A peer with the secret, in place of lb2."""

    def __init__(self, pair, *data):
        self.process = s_client(
            (pair.addresses["lb1"], pair.port), pair.addresses["lb2"], "-tls1_3", "-quiet", *identified(pair.secret)
        )
        self.say(*data)

    def say(self, *data):
        self.process.stdin.write(b"".join(data))
        self.process.stdin.flush()

    def answer(self):
        """All bytes received until the end."""
        try:
            return self.process.stdout.read()
        finally:
            self.process.kill()
            self.process.communicate()


@pytest.mark.parametrize(
    "data, reason",
    [
        ([b"\xff" * 100], "invalid message: a message has 4294967295 bytes"),
        ([frame(1, b"BELVPAIR")], "invalid message: a message is cut short"),
        ([frame(KEEPALIVE, bytes(8))], "invalid message: the message “keepalive” came at the wrong time"),
        ([hello("lb3")], "the node at this address has the name lb3"),
        ([hello("lb2", (7, 9))], "speaks versions 7 to 9"),
        ([hello("lb2"), hello("lb2")], "invalid message: the message “hello” came at the wrong time"),
    ],
    ids=["not-a-frame", "cut", "no-hello", "name", "version", "second-hello"],
)
def test_node_that_violates_the_protocol_is_disconnected_with_the_reason(lonely, data, reason):
    answer = Peer(lonely, *data).answer()
    assert reason.encode() in answer, answer
    assert lonely["lb1"].get().status == 200


def test_silent_node_is_considered_gone(lonely):
    peer = Peer(lonely, hello("lb2"))
    lonely["lb1"].wait_for_log("pair: lb2 has joined, release test")
    lonely["lb1"].wait_for_log("pair: lb2 has left: nothing was heard of it for 5 s")
    peer.answer()


def test_node_that_floods_uses_bounded_memory_and_delays_no_client(testbed, servers):
    """It sends a million clients for a table of a thousand."""
    pair = Pair(testbed, servers, affinity={"entries": 1000}).start("lb1")
    node = pair["lb1"]
    before = memory(node.worker)
    peer = Peer(pair, hello("lb2"))
    for first in range(0, 1_000_000, RECORDS):
        peer.say(assignments(first, "view01"))
        if first % 100_000 == 0:
            assert node.get().status == 200
    wait_until(lambda: node.load_of("view01")["clients"] >= 900, lambda: f"clients: {node.load_of('view01')}")
    assert node.load_of("view01")["clients"] <= 1000
    if before is not None:
        assert memory(node.worker) < before + 20_000
    # Its messages are still processed.
    assert "has left" not in node.log
    peer.process.kill()
    peer.process.communicate()


def test_facts_of_a_node_are_passed_to_the_supervisor_once_a_second_at_most(lonely):
    began = time.monotonic()
    peer = Peer(lonely, hello("lb2"))
    releases = {None}

    def are_four():
        facts = text(f"release {time.time_ns()}") + struct.pack(">QHHH", 1_800_000_000_000, 0, 0, 0)
        peer.say(frame(FACTS, b"\x03" + facts))
        releases.add(lonely["lb1"].status["pair"]["nodes"][1]["version"])
        return len(releases) == 5

    wait_until(are_four, lambda: f"four reports: {releases}\n{lonely['lb1'].log}")
    # The first one may be passed on at once.
    assert time.monotonic() - began >= 3
    peer.process.kill()
    peer.process.communicate()


def test_node_that_reports_too_often_does_not_load_the_supervisor(lonely):
    """Thousands of times in a second what a node tells once, and what is not readable."""
    node = lonely["lb1"]
    worker, before = node.worker, memory(node.process.pid)
    peer = Peer(lonely, hello("lb2"))
    piece = frame(FACTS, b"\x03" + bytes(8192))
    for _ in range(50):
        peer.say(*[frame(VITALS, bytes(10_240)), piece] * 50)
    stays(lambda: node.worker == worker, "the worker", 2)
    assert "has left" not in node.log and node.get().status == 200
    if before is not None:
        assert memory(node.process.pid) < before + 20_000
    peer.process.kill()
    peer.process.communicate()


def test_node_that_opens_streams_without_end_is_refused_and_the_worker_stays(lonely):
    """As many as would have the worker replaced, if the supervisor heard of each."""
    node = lonely["lb1"]
    worker = node.worker
    peer = Peer(lonely, hello("lb2"))
    for number in range(3000):
        # Opened, and closed without a reason.
        peer.say(*[frame(STREAM, struct.pack(">QBB", number, 1, kind) + rest) for kind, rest in ((1, b""), (4, bytes(2)))])
    peer.say(frame(LEAVE, text("enough")))
    assert b"too many requests; try again" in peer.answer()
    node.wait_for_log("pair: lb2 has left: it says: enough")
    assert node.worker == worker and node.get().status == 200
    # Ten at once, and five in each second after that.
    assert 1 <= node.log.count("apply: lb2 has opened a stream") < 300
