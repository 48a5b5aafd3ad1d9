"""Answers: one with exactly one interpretation is forwarded, any other is replaced by 502, and one that was cut
short never looks complete. Each row is the raw answer, one for each way in which the balancer treats it; the rest is in
the tables of Tests/HTTP1 and Tests/Exchange."""

import pytest
from harness.http import Truncated
from harness.server import page
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

OK = "HTTP/1.1 200 OK\r\n"


def ids(rows):
    return [row[0].replace(" ", "-") for row in rows]


# Answers that are replaced by 502: (name, raw answer).
REFUSED = [
    ("not HTTP", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    ("nothing", ""),
    ("half a status line", "HTTP/1.1 20"),
    ("half a head", OK + "Content-Length: 5\r\nX-Half"),
    ("status 600", "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"),
    ("version 2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("bare LF at the end", OK + "Content-Length: 0\r\n\n"),
    ("folded line", OK + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("Content-Length and Transfer-Encoding", OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two different Content-Lengths", OK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    ("unknown coding", OK + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("Transfer-Encoding with 204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("101 without an upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    ("Connection nominates Content-Length", OK + "Content-Length: 5\r\nConnection: Content-Length\r\n\r\nhello"),
    ("head that is too large", OK + "X: " + "a" * 70_000 + "\r\n\r\n"),
    ("too many fields", OK + "X: y\r\n" * 2000 + "\r\n"),
]

# Answers that are forwarded: (name, raw answer, method, status, raw body, whether the client's connection is kept).
PASSED = [
    ("Content-Length", OK + "Content-Length: 5\r\n\r\nhello", "GET", 200, b"hello", True),
    ("chunked", OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "GET", 200, b"5\r\nhello\r\n0\r\n\r\n", True),
    ("blanks in a chunk extension", OK + "Transfer-Encoding: chunked\r\n\r\n005 ; a=b\r\nhello\r\n0\r\n\r\n", "GET", 200, b"005;_____\r\nhello\r\n0\r\n\r\n", True),
    ("trailer", OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", "GET", 200, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", True),
    ("until close", OK + "\r\nhello", "GET", 200, b"hello", False),
    ("until close, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "GET", 200, b"hello", False),
    ("HTTP/1.0 with Content-Length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET", 200, b"hello", True),
    ("204", "HTTP/1.1 204 No Content\r\n\r\n", "GET", 204, b"", True),
    ("304 with Content-Length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n", "GET", 304, b"", True),
    ("HEAD with Content-Length", OK + "Content-Length: 500\r\n\r\n", "HEAD", 200, b"", True),
    ("HEAD with chunked", OK + "Transfer-Encoding: chunked\r\n\r\n", "HEAD", 200, b"", True),
    ("404", "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n", "GET", 404, b"no\n", True),
    ("status 599", "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", "GET", 599, b"", True),
    ("103 before the answer", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + "Content-Length: 0\r\n\r\n", "GET", 200, b"", True),
    ("Connection: close", OK + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", "GET", 200, b"hello", True),
]  # fmt: skip

# Truncated answers: (name, raw answer).
CUT = [
    ("in a body with Content-Length", OK + "Content-Length: 10\r\n\r\nhello"),
    ("before a body with Content-Length", OK + "Content-Length: 10\r\n\r\n"),
    ("in a chunk", OK + "Transfer-Encoding: chunked\r\n\r\n10\r\nhello"),
    ("between chunks", OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ("in a trailer", OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Su"),
    ("malformed second chunk", OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\nhello\r\n0\r\n\r\n"),
]


def answering(raw, *, close=True, clean=True):
    """A script that answers /row with these bytes and closes."""

    def script(request):
        if request.target != "/row":
            return page(request)
        request.send(raw)
        if close:
            if clean:
                request.stream.finish()
            request.stream.close()

    return script


@pytest.mark.parametrize(("name", "raw"), REFUSED, ids=ids(REFUSED))
def test_malformed_answer_is_replaced_by_502(balanced, name, raw):
    balancer, server = balanced
    server.script = answering(raw)
    with balancer.connect() as client:
        answer = client.post("/row")
        assert answer.status == 502, f"{answer.head.start}: {answer.text}"
        assert answer["Server"] is None and answer["X"] is None
    server.script = page
    assert balancer.get("/after").status == 200


@pytest.mark.parametrize(("name", "raw", "method", "status", "body", "goes_on"), PASSED, ids=ids(PASSED))
def test_valid_answer_is_forwarded_unchanged(balanced, name, raw, method, status, body, goes_on):
    balancer, server = balanced
    close = not goes_on or "Connection: close" in raw
    server.script = answering(raw, close=close)
    with balancer.connect() as client:
        client.send(f"{method} /row HTTP/1.1\r\nHost: view.test\r\n\r\n")
        answer = client.answer(method)
        assert (answer.status, answer.body.raw) == (status, body)
        if goes_on:
            assert client.get("/next").status == 200
        else:
            assert client.ended == "clean"
    server.script = page


@pytest.mark.parametrize("clean", [True, False], ids=["close_notify", "no-close_notify"])
@pytest.mark.parametrize(("name", "raw"), CUT, ids=ids(CUT))
def test_truncated_answer_never_looks_complete(balanced, name, raw, clean):
    balancer, server = balanced
    server.script = answering(raw, clean=clean)
    with balancer.connect() as client:
        client.send("GET /row HTTP/1.1\r\nHost: view.test\r\n\r\n")
        try:
            answer = client.answer()
        except Truncated:
            assert client.ended
        else:
            # If nothing of it was forwarded, it may be replaced by an error.
            assert answer.status == 502, answer.head.start
    server.script = page


def test_body_until_close_without_close_notify_never_looks_complete(balanced):
    """RFC 9112 §9.8: without close_notify the answer may be incomplete."""
    balancer, server = balanced
    server.script = answering(OK + "\r\nhel", clean=False)
    with balancer.connect() as client:
        client.send("GET /row HTTP/1.1\r\nHost: view.test\r\n\r\n")
        with pytest.raises(Truncated):
            client.answer()
        assert client.ended in ("truncated", "reset")
    server.script = page


@pytest.mark.parametrize(
    "raw",
    [
        OK + "Content-Length: 5\r\n\r\nhello" + OK + "Content-Length: 8\r\n\r\nsmuggled",
        OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + OK + "Content-Length: 8\r\n\r\nsmuggled",
        "HTTP/1.1 204 No Content\r\n\r\n" + OK + "Content-Length: 8\r\n\r\nsmuggled",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        OK + "Content-Length: 0\r\n\r\n\r\n",
        OK + "Content-Length: 0\r\n\r\n\0",
    ],
)
def test_bytes_after_an_answer_are_not_sent_to_another_client(balanced, raw):
    """A server connection with unexpected bytes on it is closed and never used again."""
    balancer, server = balanced
    server.forget()
    server.script = answering(raw, close=False)
    with balancer.connect() as client:
        client.send("GET /row HTTP/1.1\r\nHost: view.test\r\n\r\n")
        first = client.answer()
        # 204 and 304 with content may also be refused.
        assert first.status in (200, 204, 304, 502)
        server.script = page
        answer = client.get("/next") if (first["Connection"] or "").lower() != "close" else balancer.get("/next")
        assert answer.status == 200 and answer.text == "view01"
    row, following = server.requests
    assert row.connection is not following.connection
    wait_until(lambda: row.stream.closed, "the first connection's end")
    assert not row.stream.unread()


def test_body_of_an_answer_to_head_is_not_forwarded(balanced):
    balancer, server = balanced
    server.forget()
    server.script = answering(OK + "Content-Length: 5\r\n\r\nhello", close=False)
    with balancer.connect() as client:
        client.send("HEAD /row HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert client.answer("HEAD").status == 200
        server.script = page
        assert client.get("/next").text == "view01"
    assert server.requests[0].connection is not server.requests[1].connection


WHOLE = (
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nX-Mixed-Case:  value \r\nTransfer-Encoding: chunked\r\n\r\n"
    '5;a="b"\r\nhello\r\n00b\r\n, wide worl\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n'
)


def test_answer_split_at_any_byte_arrives_unchanged(balanced):
    balancer, server = balanced
    at = 0

    def script(request):
        request.body()
        # Copied at once: the client may continue before this returns.
        parts = [WHOLE[:at], WHOLE[at:]]
        for part in filter(None, parts):
            request.send(part)

    server.script = script
    with balancer.connect() as client:
        whole = client.get("/split")
        assert whole.body.raw == WHOLE.encode().partition(b"chunked\r\n\r\n")[2]
        for at in range(1, len(WHOLE)):
            answer = client.get("/split")
            assert (answer.head.raw, answer.body.raw) == (whole.head.raw, whole.body.raw), f"split at {at}"
    server.script = page


def test_interim_answers_without_a_final_one_become_502(balanced):
    balancer, server = balanced
    server.script = answering("HTTP/1.1 102 Processing\r\n\r\n" * 50 + OK + "Content-Length: 2\r\n\r\nok", close=False)
    with balancer.connect() as client:
        answer = client.get("/row")
        assert answer.status in (200, 502)
        assert answer.status == 502 or (answer.text == "ok" and len(answer.interim) == 50)
    server.script = page
    assert balancer.get("/after").status == 200
