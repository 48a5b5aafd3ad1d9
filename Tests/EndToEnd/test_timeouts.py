"""Time-outs, and the answers that tell the client which one expired."""

import re
import socket
import threading
import time

import pytest
from harness.client import TLSClient
from harness.http import Truncated, chunk
from harness.server import page
from harness.view import UPGRADE, echo_chunks, echo_stream, half, hang
from harness.waiting import stays, wait_until

pytestmark = pytest.mark.memory

HOST = "Host: view.test\r\n"


def test_incomplete_head_is_408(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, timeouts={"http-request": "1s"})
    with balancer.connect() as client:
        client.send("GET / HTTP/1.1\r\nHost: vi")
        answer = client.answer()
        assert answer.status == 408
        assert client.receive_to_end() == b"" and client.ended == "clean"
    assert server.requests == []


def test_head_sent_byte_by_byte_is_408(testbed):
    """Single bytes do not restart the time-out of the head."""
    server = testbed.server()
    balancer = testbed.balance(server, timeouts={"http-request": "1s"})
    with balancer.connect() as client:
        stop = threading.Event()

        def trickle():
            try:
                for byte in "GET / HTTP/1.1\r\nHost: view.test\r\nX: " + "y" * 100_000:
                    if stop.is_set():
                        return
                    client.send(byte)
                    time.sleep(0.02)
            except OSError:
                pass

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert client.answer().status == 408
        finally:
            stop.set()
            sender.join()
    assert server.requests == []


def test_connection_without_a_request_is_closed_quietly(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"http-request": "300ms"})
    with balancer.connect() as client:
        received = client.receive_to_end()
        # Without a request there is no answer, or a 408.
        assert received == b"" or received.startswith(b"HTTP/1.1 408 ")
        assert client.ended == "clean"


def test_idle_connection_is_closed_after_keep_alive(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"keep-alive": "300ms", "http-request": "30s"})
    with balancer.connect() as client:
        assert client.get("/").status == 200
        assert client.receive_to_end() == b"" and client.ended == "clean"


def test_keep_alive_starts_with_the_last_answer(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, timeouts={"keep-alive": "1200ms"})

    def script(request):
        time.sleep(0.3)
        page(request)

    server.script = script
    with balancer.connect() as client:
        for _ in range(5):
            assert client.get("/").status == 200


def test_silent_server_is_504(testbed):
    server = testbed.server(script=hang)
    balancer = testbed.balance(server, timeouts={"server": "400ms"})
    with balancer.connect() as client:
        answer = client.get("/")
        assert answer.status == 504
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")
    # A request that timed out is not repeated.
    assert len(server.requests) == 1


def test_server_that_falls_silent_cuts_the_answer(testbed):
    server = testbed.server(script=half)
    balancer = testbed.balance(server, timeouts={"server": "400ms"})
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        with pytest.raises(Truncated):
            client.answer()
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


def half_close(client):
    """Sends close_notify and FIN, as a client that disconnects regularly does too."""
    client.finish()
    client.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [TLSClient.reset, TLSClient.close, half_close], ids=["reset", "close", "in-order"])
def test_disconnected_client_frees_the_server_at_once(testbed, leave):
    """The answer is not needed any more, and the place at the server can be used by another client. A client that
    ends its direction before its answer has begun is taken for gone, as nginx takes it."""
    server = testbed.server(script=hang)
    balancer = testbed.balance(server)
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        server.wait_for_requests(1)
        leave(client)
        wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


def test_client_that_half_closes_during_the_answer_gets_the_rest(testbed):
    server = testbed.server()
    go = threading.Event()

    def script(request):
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert go.wait(30)
        request.send("world")

    server.script = script
    balancer = testbed.balance(server)
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        assert client.receive_until(b"hello")
        half_close(client)
        # The balancer has seen the end before the rest arrives: another client was served meanwhile.
        server.script = page
        assert balancer.get("/").status == 200
        go.set()
        assert client.receive_exactly(5) == b"world"


def test_slow_but_steady_answer_is_not_cut(testbed):
    server = testbed.server()

    def script(request):
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            time.sleep(0.1)
            request.send("x")

    server.script = script
    balancer = testbed.balance(server, timeouts={"server": "900ms", "client": "900ms"})
    assert balancer.get("/").content == b"x" * 20


def test_incomplete_body_is_408(testbed):
    server = testbed.server(script=hang)
    balancer = testbed.balance(server, timeouts={"client": "400ms", "server": "20s"})
    with balancer.connect() as client:
        client.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nhello")
        answer = client.answer("POST")
        assert answer is None or answer.status == 408
        assert client.ended or client.receive_to_end() == b""
    wait_until(lambda: server.requests and server.requests[0].stream.closed, "the server's connection to end")
    assert server.requests[0].received() == b"hello"


def test_client_that_does_not_read_is_disconnected(testbed):
    server = testbed.server()
    broken = threading.Event()

    def script(request):
        request.send(f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 30}\r\n\r\n")
        try:
            for _ in range(1 << 14):
                request.send(bytes(65_536))
        except OSError:
            broken.set()
            raise

    server.script = script
    balancer = testbed.balance(server, timeouts={"client": "500ms"})
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        assert broken.wait(30), "the server's connection went on"


def test_server_that_does_not_read_is_disconnected(testbed):
    server = testbed.server()
    held = threading.Event()

    def script(request):
        held.wait(30)
        request.stream.close()

    server.script = script
    balancer = testbed.balance(server, timeouts={"server": "500ms", "client": "20s"})
    try:
        with balancer.connect() as client:
            client.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: {1 << 30}\r\n\r\n")

            def upload():
                try:
                    for _ in range(1 << 14):
                        client.send(bytes(65_536))
                except OSError:
                    pass

            sender = threading.Thread(target=upload, daemon=True)
            sender.start()
            answer = client.answer("POST")
            assert answer is None or answer.status in (502, 504)
    finally:
        held.set()


def test_upgraded_stream_ends_after_the_tunnel_timeout(testbed):
    server = testbed.server(script=echo_stream)
    balancer = testbed.balance(server, timeouts={"tunnel": "2s", "server": "500ms", "client": "500ms"})
    with balancer.connect() as client:
        client.send(UPGRADE)
        assert client.answer().status == 101
        # Longer than the other time-outs, which do not apply any more; and every message restarts it.
        for _ in range(4):
            time.sleep(0.7)
            client.send(b"ping")
            assert client.receive_exactly(4) == b"ping"
        assert client.receive_to_end() == b"" and client.ended
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


def test_chunked_stream_ends_after_the_tunnel_timeout(testbed):
    server = testbed.server(script=echo_chunks)
    balancer = testbed.balance(server, timeouts={"tunnel": "2s", "server": "500ms", "client": "500ms"})
    with balancer.connect() as client:
        client.send(f"POST /ice/tunnel?1 HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
        assert client.answer("POST", body=False).status == 200
        message = chunk(b"echo")
        for _ in range(4):
            time.sleep(0.7)
            client.send(message)
            assert client.receive_exactly(len(message)) == message
        # Without the last chunk: the stream was cut.
        assert client.receive_to_end() == b"" and client.ended
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


def test_client_that_waits_for_a_long_answer_does_not_time_out(testbed):
    server = testbed.server()

    def script(request):
        time.sleep(2)
        page(request)

    server.script = script
    balancer = testbed.balance(server, timeouts={"client": "1s", "http-request": "1s", "keep-alive": "1s"})
    assert balancer.get("/").status == 200


def test_connect_timeout_is_503_if_no_other_server_is_left(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, timeouts={"connect": "300ms"}, retries=1, pool={"idle-connections": 0})
    server.on_accept = lambda sock: True
    answer = balancer.get("/")
    assert answer.status in (503, 504)


def test_defaults_hold_an_idle_connection_for_a_while(testbed):
    """keep-alive is 10 s: a pause of a second costs no handshake."""
    balancer = testbed.balance(testbed.server())
    with balancer.connect() as client:
        assert client.get("/").status == 200
        stays(lambda: not client.ended, "connected", 1)
        assert client.get("/").status == 200


def test_handshakes_that_hang_share_one_timeout(testbed):
    """One and a half times `connect` in total, whatever `retries` allows: one full attempt, and half of another."""
    servers = [testbed.server(f"view0{number}") for number in (1, 2)]
    balancer = testbed.balance(*servers, timeouts={"connect": "600ms"}, retries=6, pool={"idle-connections": 0})
    for server in servers:
        server.on_accept = lambda sock: True
    assert balancer.get("/").status == 503
    [line] = balancer.wait_for_access(" sC--? ")
    assert re.search(r" \d+/\d+/\d+/\d+/\+?(\d+) ", line)[1] == "1", line
