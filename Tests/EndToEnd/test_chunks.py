"""The secure tunnel: one endless request and one endless answer, both chunked, each chunk one message.
Every chunk arrives unchanged and without delay, in both directions."""

import os
import random
import threading
import time

import pytest
from harness.http import LAST_CHUNK, Head, chunk, read_chunk
from harness.view import ANSWER, echo_chunks
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

# How long the long stream runs; BELVEDERE_TEST_STREAM=300 for minutes.
SECONDS = float(os.environ.get("BELVEDERE_TEST_STREAM", "8"))

TUNNEL = (
    "POST /ice/tunnel?3F2504E0 HTTP/1.1\r\nHost: view.test:443\r\nAccept: text/*, application/octet-stream\r\n"
    "User-agent: Mozilla/4.0 (compatible; MSIE 6.0)\r\nPragma: no-cache\r\nConnection: Keep-Alive\r\n"
    "Transfer-Encoding: chunked\r\nContent-Type: application/octet-stream\r\n\r\n"
)
HELLO = chunk(b"M;1;;17;messageType=S:aW5pdA==|;30;type=S:Qw==|v1=I:3|v2=I:1|v3=I:4|cid=S:MTIzNA==|;")


@pytest.fixture(scope="module")
def balanced(shared_testbed):
    server = shared_testbed.server(script=echo_chunks)
    return shared_testbed.balance(server), server


def open_tunnel(client, first=HELLO):
    client.send(TUNNEL.encode() + first)
    head = Head.read(client)
    assert head.start == "HTTP/1.1 200 OK"
    assert head.get("Transfer-Encoding") == "chunked" and head.get("Content-Length") is None
    if first:
        assert read_chunk(client)[0] == first
    return head


def test_answer_begins_before_the_first_chunk_of_the_request(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        open_tunnel(client, first=b"")
        client.send(HELLO)
        assert read_chunk(client)[0] == HELLO
        client.send(LAST_CHUNK)
        assert read_chunk(client)[0] == LAST_CHUNK


def test_messages_pass_in_both_directions_at_once(balanced):
    """Each answer is awaited before the next message: no message may be held back."""
    balancer, server = balanced
    with balancer.connect() as client:
        open_tunnel(client)
        for number in range(500):
            message = chunk(b"M;%d;" % number + bytes(number))
            client.send(message)
            assert read_chunk(client)[0] == message
        client.send(LAST_CHUNK)
        assert read_chunk(client)[0] == LAST_CHUNK
        # Both messages are complete: the connection is kept.
        open_tunnel(client)


ODD = [chunk(b"one"), chunk(b"two", b";a=b"), b"0003\r\nsix\r\n", b"A\r\n0123456789\r\n", chunk(os.urandom(16_384)), chunk(os.urandom(40_000))]


def test_two_chunks_in_one_write_stay_separate(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        open_tunnel(client)
        for first in ODD:
            for second in ODD:
                client.send(first + second)
                assert read_chunk(client)[0] == first
                assert read_chunk(client)[0] == second


def test_one_chunk_in_many_writes_stays_one(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        open_tunnel(client)
        for piece in ODD[:4]:
            for byte in piece:
                client.send(bytes([byte]))
            assert read_chunk(client)[0] == piece
        large = chunk(bytes(range(256)) * 300)
        for at in range(0, len(large), 777):
            client.send(large[at : at + 777])
        assert read_chunk(client)[0] == large


def test_bytes_and_chunks_are_unchanged(balanced):
    balancer, server = balanced
    generator = random.Random(7)
    stream = [chunk(generator.randbytes(generator.choice([1, 10, 100, 1000, 5000, 30_000]))) for _ in range(300)]
    wire = b"".join(stream) + LAST_CHUNK
    server.forget()
    with balancer.connect() as client:
        open_tunnel(client)
        # Pieces that ignore all boundaries.
        back, at = b"", 0
        while at < len(wire):
            step = generator.choice([1, 3, 50, 1000, 16_384, 16_400])
            client.send(wire[at : at + step])
            at += step
            while len(back) < at - 40_000:
                back += client.receive()
        back += client.receive_exactly(len(wire) - len(back))
        assert back == wire
    request = server.wait_for_requests(1)[0]
    assert request.received() == HELLO + wire
    assert request.target == "/ice/tunnel?3F2504E0"


def test_stream_of_one_byte_chunks_is_not_limited(balanced):
    """Keystrokes: five bytes of framing for one of content, for a whole session."""
    balancer, server = balanced
    with balancer.connect() as client:
        open_tunnel(client)
        block = b"".join(chunk(bytes([n % 256])) for n in range(2000))
        for _ in range(40):
            client.send(block)
            assert client.receive_exactly(len(block)) == block
            client.received.clear()
        client.send(LAST_CHUNK)
        assert read_chunk(client)[0] == LAST_CHUNK


def test_server_may_send_while_the_client_is_silent(balanced):
    """The server sends continuously while the client is silent."""
    balancer, server = balanced
    messages = [chunk(b"push %d" % n) for n in range(200)]

    def script(request):
        request.send(ANSWER)
        for message in messages:
            request.send(message)
        while request.chunk()[1]:
            pass
        request.send(LAST_CHUNK)

    server.script = script
    try:
        with balancer.connect() as client:
            open_tunnel(client, first=b"")
            for message in messages:
                assert read_chunk(client)[0] == message
            client.send(LAST_CHUNK)
            assert read_chunk(client)[0] == LAST_CHUNK
    finally:
        server.script = echo_chunks


def test_answer_that_ends_before_its_request_closes_the_connection(balanced):
    """The server ends its stream while the client's goes on: the client gets the end, and the connection is closed."""
    balancer, server = balanced

    def script(request):
        request.send(ANSWER + "5\r\nhello\r\n0\r\n\r\n")
        request.stream.receive_to_end()

    server.script = script
    try:
        with balancer.connect() as client:
            client.send(TUNNEL)
            head = Head.read(client)
            assert head.start == "HTTP/1.1 200 OK"
            assert read_chunk(client)[0] == b"5\r\nhello\r\n"
            assert read_chunk(client)[0] == LAST_CHUNK
            assert client.receive_to_end() == b""
    finally:
        server.script = echo_chunks


def test_death_of_the_server_ends_the_stream_without_a_last_chunk(testbed):
    server = testbed.server(script=echo_chunks)
    balancer = testbed.balance(server)
    with balancer.connect() as client:
        open_tunnel(client)
        server.die()
        assert client.receive_to_end() == b""
        assert client.ended


def test_end_of_the_client_closes_the_server_connection(balanced):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        open_tunnel(client)
    request = server.wait_for_requests(1)[0]
    wait_until(lambda: request.stream.closed, "the server's side to end")
    assert not request.received().endswith(LAST_CHUNK)


def test_reconnect_reaches_the_same_server(testbed):
    servers = [testbed.server(f"view{n:02}", script=echo_chunks) for n in range(1, 5)]
    balancer = testbed.balance(*servers)
    for number in range(12):
        source = f"127.0.50.{number + 1}"
        for server in servers:
            server.forget()
        for path in ("/ice/tunnel?3F2504E0", "/ice/reconnect?3F2504E0&secret", "/ice/reconnect?3F2504E0&secret"):
            with balancer.connect(source) as client:
                client.send(TUNNEL.replace("/ice/tunnel?3F2504E0", path).encode() + HELLO)
                assert Head.read(client).start == "HTTP/1.1 200 OK"
                assert read_chunk(client)[0] == HELLO
        assert sorted(len(server.requests) for server in servers) == [0, 0, 0, 3]


def test_both_directions_at_full_speed_at_once(balanced):
    """Each side sends and reads as fast as it can: neither direction blocks the other."""
    balancer, server = balanced
    block = chunk(bytes(range(256)) * 100)
    rounds = 800
    taken = []

    def script(request):
        request.send(ANSWER)

        def push():
            for _ in range(rounds):
                request.send(block)

        pusher = threading.Thread(target=push)
        pusher.start()
        count = 0
        while count < len(block) * rounds:
            data = request.stream.receive(1 << 20)
            assert data
            count += len(data)
            request.stream.received.clear()
        taken.append(count)
        pusher.join()
        request.send(LAST_CHUNK)

    server.script = script
    try:
        with balancer.connect() as client:
            open_tunnel(client, first=b"")

            def push():
                for _ in range(rounds):
                    client.send(block)

            pusher = threading.Thread(target=push)
            pusher.start()
            for _ in range(rounds):
                raw, _ = read_chunk(client)
                assert raw == block
                client.received.clear()
            assert read_chunk(client)[0] == LAST_CHUNK
            pusher.join()
            client.send(LAST_CHUNK)
            assert taken == [len(block) * rounds]
    finally:
        server.script = echo_chunks


@pytest.mark.soak
def test_long_stream_keeps_every_chunk(balanced):
    """Two chunks in one write, one chunk in many writes, messages in both directions, for as long as it is told to."""
    balancer, server = balanced
    generator = random.Random(11)
    clients = []
    try:
        for number in range(8):
            client = balancer.connect(f"127.0.51.{number + 1}")
            open_tunnel(client)
            clients.append(client)
        deadline = time.monotonic() + SECONDS
        count = 0
        while time.monotonic() < deadline:
            for client in clients:
                messages = [chunk(generator.randbytes(generator.choice([1, 84, 700, 9000]))) for _ in range(2)]
                wire = b"".join(messages)
                cut = sorted(generator.randrange(len(wire)) for _ in range(generator.choice([0, 0, 3])))
                for start, end in zip([0, *cut], [*cut, len(wire)]):
                    if start < end:
                        client.send(wire[start:end])
                for message in messages:
                    assert read_chunk(client)[0] == message
                client.received.clear()
                count += 2
        assert count > 100
        for client in clients:
            client.send(LAST_CHUNK)
            assert read_chunk(client)[0] == LAST_CHUNK
    finally:
        for client in clients:
            client.close()
