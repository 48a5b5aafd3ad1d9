"""Bodies of every framing are forwarded unchanged, without delay, in both directions."""

import os
import threading

import pytest
from harness.http import LAST_CHUNK, chunk
from harness.waiting import TIMEOUT, wait_until


pytestmark = [pytest.mark.usefixtures("plain_server"), pytest.mark.memory]
HOST = "Host: view.test\r\n"


@pytest.mark.parametrize("size", [0, 1, 1000, 16_383, 16_384, 16_385, 17_408, 65_536, 1_000_000])
def test_body_with_content_length_is_echoed(balanced, size):
    balancer, _ = balanced
    content = os.urandom(size)
    with balancer.connect() as client:
        assert client.post("/echo", content).content == content
        assert client.post("/echo", content).content == content


@pytest.mark.parametrize("sizes", [[1], [16_384], [1, 16_380, 5, 20_000, 3], [65_536] * 8, [10] * 2000])
def test_chunked_body_is_echoed_chunk_by_chunk(balanced, sizes):
    balancer, _ = balanced
    raw = b"".join(chunk(os.urandom(size)) for size in sizes) + LAST_CHUNK
    with balancer.connect() as client:
        head = f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode()
        answer = client.exchange(head + raw)
        assert answer.body.raw == raw
        assert client.get("/next").status == 200


def test_trailers_pass_both_ways(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        head = f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        answer = client.exchange(head + "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other:  two \r\n\r\n")
        assert answer.body.raw == b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other:  two \r\n\r\n"


def test_answer_to_head_has_no_body_and_the_connection_goes_on(balanced):
    balancer, _ = balanced
    with balancer.connect() as client:
        for _ in range(3):
            answer = client.exchange(f"HEAD / HTTP/1.1\r\n{HOST}\r\n")
            assert answer.status == 200 and answer["Content-Length"] == "6" and answer.content == b""
        assert client.get("/").text == "view01"


@pytest.mark.parametrize("status", [204, 304])
def test_bodiless_status_leaves_the_connection_usable(balanced, status):
    balancer, server = balanced
    server.script = lambda request: request.respond(status, reason="None")
    with balancer.connect() as client:
        assert [client.get("/").status for _ in range(3)] == [status] * 3


def test_body_until_close_ends_with_close_notify(balanced):
    balancer, server = balanced

    def script(request):
        request.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(100):
            request.send(b"x" * 1000)
        request.stream.finish()
        request.stream.close()

    server.script = script
    with balancer.connect() as client:
        answer = client.get("/")
        assert answer.content == b"x" * 100_000
        assert (answer["Connection"] or "").lower() == "close"
        assert client.ended == "clean"


@pytest.mark.parametrize("closes", [True, False], ids=["server-closes", "server-reads-on"])
def test_answer_before_the_request_body_ends_arrives_at_once(balanced, closes):
    """413 during an upload: the client receives it instead of a reset."""
    balancer, server = balanced

    def script(request):
        request.stream.receive_exactly(1000)
        fields = ["Connection: close"] if closes else []
        request.respond(413, "too large", *fields, reason="Content Too Large")
        if closes:
            request.stream.finish()
        # Both sides read on (RFC 9112 §9.6): a reset would discard the answer.
        request.stream.receive_to_end()
        request.stream.close()

    server.script = script
    with balancer.connect() as client:
        client.send(f"POST /upload HTTP/1.1\r\n{HOST}Content-Length: 100000000\r\n\r\n")
        stop = threading.Event()

        def upload():
            try:
                for _ in range(200):
                    if stop.is_set():
                        return
                    client.send(b"x" * 16_384)
            except OSError:
                pass

        sender = threading.Thread(target=upload)
        sender.start()
        try:
            answer = client.answer("POST")
        finally:
            stop.set()
            sender.join()
        assert answer.status == 413 and answer.text == "too large"
        # The rest of the request would precede the next one: the connection is closed, and the answer says so.
        assert (answer["Connection"] or "").lower() == "close"
        assert client.receive_to_end() == b"" and client.ended


def test_http_1_0_client_gets_a_body_without_chunks(balanced):
    balancer, _ = balanced
    with balancer.connect() as client:
        answer = client.exchange(f"GET / HTTP/1.0\r\n{HOST}\r\n")
        assert answer.text == "view01"
        assert client.receive_to_end() == b"" and client.ended == "clean"


def test_http_1_0_client_may_keep_its_connection_alive(balanced):
    balancer, _ = balanced
    with balancer.connect() as client:
        for _ in range(3):
            answer = client.exchange(f"GET / HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n\r\n")
            assert answer.text == "view01"
            if (answer["Connection"] or "").lower() != "keep-alive":
                assert client.receive_to_end() == b""
                break


def test_http_1_0_client_never_sees_chunks(balanced):
    """Although a server may not send chunks to HTTP/1.0, the client must not get chunk framing as content."""
    balancer, server = balanced
    server.script = lambda request: request.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.0\r\n{HOST}\r\n")
        everything = client.receive_to_end()
        assert b"5\r\nhello" not in everything
        assert everything.startswith(b"HTTP/1.1 502 ") or everything.endswith(b"\r\n\r\nhello")


def test_pipelined_requests_are_answered_in_order(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        requests = [f"GET /{n} HTTP/1.1\r\n{HOST}\r\n" for n in range(40)]
        requests[7] = f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"
        requests[13] = f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n"
        requests[19] = f"HEAD /19 HTTP/1.1\r\n{HOST}\r\n"
        client.send("".join(requests))
        for n in range(40):
            answer = client.answer("HEAD" if n == 19 else "GET")
            assert answer.status == 200
            if n in (7, 13):
                assert answer.content == {7: b"hello", 13: b"world"}[n]
    targets = [r.target for r in server.requests]
    assert targets == [f"/{n}" if n not in (7, 13) else "/echo" for n in range(40)]


def test_pipeline_ends_at_connection_close(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        client.send(f"GET /1 HTTP/1.1\r\n{HOST}\r\nGET /2 HTTP/1.1\r\n{HOST}Connection: close\r\n\r\nGET /3 HTTP/1.1\r\n{HOST}\r\n")
        assert client.answer().status == 200
        last = client.answer()
        assert (last["Connection"] or "").lower() == "close"
        assert client.receive_to_end() == b"" and client.ended == "clean"
    assert [r.target for r in server.requests] == ["/1", "/2"]


def test_slow_reader_slows_the_server_down_and_loses_nothing(balanced):
    """Backpressure: bytes that a client does not read are not buffered without bound."""
    balancer, server = balanced
    sent = []

    def script(request):
        request.send(f"HTTP/1.1 200 OK\r\nContent-Length: {64 << 20}\r\n\r\n")
        block = bytes(65_536)
        for _ in range(1024):
            request.send(block)
            sent.append(len(block))

    server.script = script
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        assert client.receive_until(b"\r\n\r\n")
        # The server is blocked long before the end.
        previous = -1
        while len(sent) != previous:
            previous = len(sent)
            threading.Event().wait(0.2)
        assert previous < 900, "the balancer buffered everything"
        count = 0
        while count < 64 << 20:
            count += len(client.receive(1 << 20))
            client.received.clear()


def test_client_that_disconnects_during_a_download_frees_the_server(balanced):
    balancer, server = balanced
    broken = threading.Event()

    def script(request):
        request.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                request.send(chunk(b"x" * 10_000))
        except OSError:
            broken.set()
            raise

    server.script = script
    with balancer.connect() as client:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        client.receive_until(b"\r\n\r\n")
    assert broken.wait(TIMEOUT), "the server went on sending without a client"


def test_upload_of_a_client_that_disconnects_is_never_completed(balanced):
    balancer, server = balanced
    seen = []

    def script(request):
        request.stream.receive_to_end()
        seen.append(request.received())

    server.script = script
    with balancer.connect() as client:
        client.send(f"POST /upload HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        server.wait_for_requests(1)
    wait_until(lambda: seen, "the server to see the end")
    assert not seen[0].endswith(b"0\r\n\r\n")
