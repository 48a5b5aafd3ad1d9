"""Requests: one with exactly one interpretation is forwarded, any other is refused, and no byte of it
reaches a server. Each row is the raw request, one for each way in which the balancer treats it; every way to write a
request wrongly is in the tables of Tests/HTTP1."""

import pytest
from harness.http import Response
from harness.server import page

pytestmark = pytest.mark.memory

HOST = "Host: view.test\r\n"


def get(fields=HOST, line="GET /row HTTP/1.1"):
    return f"{line}\r\n{fields}\r\n"


def post(fields, body=""):
    return f"POST /row HTTP/1.1\r\n{HOST}{fields}\r\n{body}"


BAD = {400}

# Refused because of the head: (name, request, expected statuses).
REFUSED = [
    ("no version", "GET /row\r\n\r\n", BAD | {505}),
    ("authority that is not Host", get(line="GET https://unknown.test/row HTTP/1.1"), BAD | {421}),
    ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 501, 505}),
    ("CONNECT with bytes behind it", "CONNECT view.test:443 HTTP/1.1\r\nHost: view.test:443\r\n\r\nGET /row HTTP/1.1\r\nHost: view.test\r\n\r\n", {400, 405, 501}),
    ("TRACE", get(line="TRACE /row HTTP/1.1"), {400, 405, 501}),
    ("not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", BAD),
    ("only bare LF", "GET /row HTTP/1.1\nHost: view.test\n\n", BAD),
    ("CR CR LF", get(HOST + "X: a\r\r\n"), BAD),
    ("GET with a body", get(HOST + "Content-Length: 5\r\n") + "hello", BAD),
    ("Transfer-Encoding hidden in a fold", post("X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
    ("no Host", get(""), BAD),
    ("two different Hosts", get(HOST + "Host: unknown.test\r\n"), BAD),
    ("Content-Length and Transfer-Encoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), BAD),
    ("two different Content-Lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), BAD),
    ("Content-Length beyond 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello"), BAD | {413}),
    ("Transfer-Encoding in an underscore", post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), BAD),
    ("gzip before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), BAD | {501}),
    ("vertical tab before chunked", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), BAD | {501}),
    ("Transfer-Encoding in HTTP/1.0", f"POST /row HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
    ("Connection nominates Transfer-Encoding", post("Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n", "0\r\n\r\n"), BAD),
    ("unknown expectation", post("Content-Length: 5\r\nExpect: miracles\r\n", "hello"), {417, 400}),
    ("long target", get(line=f"GET /{'a' * 12000} HTTP/1.1"), {414}),
    ("long head of many fields", get(HOST + "".join(f"X-{n}: {'a' * 300}\r\n" for n in range(90))), {431}),
    ("many fields", get(HOST + "".join(f"X-{n}: y\r\n" for n in range(500))), {431}),
    ("a line that never ends", "GET /" + "a" * 100_000, {414, 431}),
    ("bytes behind Upgrade", get(HOST + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") + "GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n", BAD),
]  # fmt: skip

# Refused in the body: the server may have received the head, but no complete request, and nothing after the fault.
CHUNKED = "Transfer-Encoding: chunked\r\n"
REFUSED_BODIES = [
    ("bare LF behind a chunk size", "5\nhello\r\n0\r\n\r\n"),
    ("space behind a chunk size", "5 \r\nhello\r\n0\r\n\r\n"),
    ("chunk size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("chunk size with endless zeros", "0" * 5000 + "5\r\nhello\r\n0\r\n\r\n"),
    ("chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n"),
    ("bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"),
    ("endless extension", "5;a=" + "b" * 40_000 + "\r\nhello\r\n0\r\n\r\n"),
    ("bare LF at the end", "5\r\nhello\r\n0\r\n\n"),
    ("trailer with a NUL", "5\r\nhello\r\n0\r\nX: \0\r\n\r\n"),
    ("trailer Transfer-Encoding", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("endless trailers", "5\r\nhello\r\n0\r\n" + "X: y\r\n" * 6000 + "\r\n"),
]

# Forwarded: (name, request, the request line at the server, the body at the server).
FORWARDED = [
    ("plain GET", get(), "GET /row HTTP/1.1", b""),
    ("empty line before the request (RFC 9112 §2.2)", "\r\n" + get(), "GET /row HTTP/1.1", b""),
    ("unknown method", get(line="PURGE /row HTTP/1.1"), "PURGE /row HTTP/1.1", b""),
    ("OPTIONS *", get(line="OPTIONS * HTTP/1.1"), "OPTIONS * HTTP/1.1", b""),
    ("absolute form", get(line="GET https://view.test/row?x HTTP/1.1"), "GET /row?x HTTP/1.1", b""),
    ("query with odd characters", get(line="GET /row?a=[b]|{c}^`\"<>\\ HTTP/1.1"), "GET /row?a=[b]|{c}^`\"<>\\ HTTP/1.1", b""),
    ("percent-encoded dot segments stay", get(line="GET /a/../b/%2e%2e/%00 HTTP/1.1"), "GET /a/../b/%2e%2e/%00 HTTP/1.1", b""),
    ("target of 8,000 bytes (RFC 9112 §3)", get(line=f"GET /{'a' * 7950} HTTP/1.1"), f"GET /{'a' * 7950} HTTP/1.1", b""),
    ("Host with a port", get("Host: view.test:443\r\n"), "GET /row HTTP/1.1", b""),
    ("Host with an IPv6 address", get("Host: [2001:db8::1]:443\r\n"), "GET /row HTTP/1.1", b""),
    ("value of bytes above 127 (obs-text)", get(HOST + "X: \xe4\xf6\xfc\r\n"), "GET /row HTTP/1.1", b""),
    ("value with a tab inside", get(HOST + "X: a\tb\r\n"), "GET /row HTTP/1.1", b""),
    ("empty value", get(HOST + "X:\r\n"), "GET /row HTTP/1.1", b""),
    ("value without a space", get("Host:view.test\r\n"), "GET /row HTTP/1.1", b""),
    ("POST with Content-Length", post("Content-Length: 5\r\n", "hello"), "POST /row HTTP/1.1", b"hello"),
    ("POST with Content-Length 0", post("Content-Length: 0\r\n"), "POST /row HTTP/1.1", b""),
    ("POST without a body", post(""), "POST /row HTTP/1.1", b""),
    ("chunked", post(CHUNKED, "5\r\nhello\r\n0\r\n\r\n"), "POST /row HTTP/1.1", b"5\r\nhello\r\n0\r\n\r\n"),
    ("Chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "POST /row HTTP/1.1", b"0\r\n\r\n"),
    ("chunk size in capitals with zeros", post(CHUNKED, "00A\r\n0123456789\r\n000\r\n\r\n"), "POST /row HTTP/1.1", b"00A\r\n0123456789\r\n000\r\n\r\n"),
    ("chunk extension", post(CHUNKED, '5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n'), "POST /row HTTP/1.1", b'5;a=b;c="d;e"\r\nhello\r\n0;x\r\n\r\n'),
    ("blank before a chunk extension", post(CHUNKED, "5 ;a\r\nhello\r\n0\r\n\r\n"), "POST /row HTTP/1.1", b"5;__\r\nhello\r\n0\r\n\r\n"),
    ("blanks in chunk extensions", post(CHUNKED, '5\t; a = "b" ;c\r\nhello\r\n0 ;x\r\n\r\n'), "POST /row HTTP/1.1", b"5;____________\r\nhello\r\n0;__\r\n\r\n"),
    ("Host with a tab", get("Host:\tview.test\t\r\n"), "GET /row HTTP/1.1", b""),
    ("empty Host", get("Host:\r\n"), "GET /row HTTP/1.1", b""),
    ("HEAD with an empty Host", get("Host: \r\n", line="HEAD /row HTTP/1.1"), "HEAD /row HTTP/1.1", b""),
    ("trailer", post(CHUNKED, "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), "POST /row HTTP/1.1", b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ("body that looks like a request", post("Content-Length: 37\r\n", "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n"[:37]), "POST /row HTTP/1.1", b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n"[:37]),
]  # fmt: skip


def record(request):
    """Keeps the body as it came, in the order of arrival."""
    request.body()
    page(request)


@pytest.fixture(scope="module")
def balanced(shared_testbed):
    server = shared_testbed.server(script=record)
    return shared_testbed.balance(server), server


def ids(rows):
    return [row[0].replace(" ", "-") for row in rows]


def probe(balancer, server):
    """Checks that a valid request arrives as the only one: no byte of the refused one before it did."""
    answer = balancer.get("/probe")
    assert answer.status == 200
    assert [r.target for r in server.requests] == ["/probe"], [r.head.raw for r in server.requests]


@pytest.mark.parametrize(("name", "request_bytes", "statuses"), REFUSED, ids=ids(REFUSED))
def test_malformed_request_is_refused_and_reaches_no_server(balanced, name, request_bytes, statuses):
    balancer, server = balanced
    before = len(server.traffic_bytes)
    server.forget()
    with balancer.connect() as client:
        client.send(request_bytes)
        answer = client.answer("GET")
        assert answer is not None, f"closed without an answer ({client.ended})"
        assert answer.status in statuses, f"{answer.head.start}: {answer.text}"
        assert (answer["Connection"] or "").lower() == "close"
        assert client.receive_to_end() == b""
        assert client.ended == "clean"
    assert len(server.traffic_bytes) == before
    probe(balancer, server)


@pytest.mark.parametrize(("name", "body"), REFUSED_BODIES, ids=ids(REFUSED_BODIES))
@pytest.mark.parametrize("together", [True, False], ids=["with-the-head", "behind-the-head"])
def test_malformed_body_never_makes_a_complete_request(balanced, name, body, together):
    balancer, server = balanced
    server.forget()
    arrived = []

    def script(request):
        if request.target == "/row":
            request.stream.receive_to_end()
            arrived.append(request.received())
            request.stream.close()
        else:
            page(request)

    server.script = script
    head = f"POST /row HTTP/1.1\r\n{HOST}{CHUNKED}\r\n"
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n"
    try:
        with balancer.connect() as client:
            if together:
                client.send(head + body + smuggled)
            else:
                client.send(head)
                server.wait_for_requests(1)
                client.send(body + smuggled)
            answer = client.answer("POST")
            if answer is not None:
                assert answer.status in (400, 413, 431, 502), answer.head.start
                assert client.receive_to_end() == b""
        assert client.ended
    finally:
        answer = balancer.get("/probe")
        server.script = record
    assert answer.status == 200
    for content in arrived:
        assert b"smuggled" not in content
        assert not content.endswith(b"\r\n0\r\n\r\n"), content[-40:]
        # Only the bytes before the fault were relayed, with a space after a chunk size replaced.
        assert body.replace("5 \r", "5;\r").encode("latin-1").startswith(content), content[-40:]
    assert "/smuggled" not in [r.target for r in server.requests]


@pytest.mark.parametrize(("name", "request_bytes", "line", "body"), FORWARDED, ids=ids(FORWARDED))
def test_valid_request_is_forwarded_unchanged(balanced, name, request_bytes, line, body):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        answer = client.exchange(request_bytes, line.split()[0])
        assert answer.status == 200, answer.text
        # The connection is kept.
        assert client.get("/next").status == 200
    first, following = server.requests
    assert first.head.start == line
    assert first.body().raw == body
    assert b"\t\r\n" not in first.head.raw and b":\t" not in first.head.raw
    assert following.target == "/next"


def test_refused_request_in_a_pipeline_does_not_affect_earlier_requests(balanced):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        client.send(get(line="GET /one HTTP/1.1") + get(line="GET /two HTTP/1.1") + get("", line="GET /bad HTTP/1.1") + get())
        assert [client.answer().status for _ in range(3)] == [200, 200, 400]
        assert client.receive_to_end() == b""
    assert [r.target for r in server.requests] == ["/one", "/two"]


SPLIT = (
    f"POST /split HTTP/1.1\r\n{HOST}X-Mixed-Case:  value \r\nTransfer-Encoding: chunked\r\n\r\n"
    '5;a="b"\r\nhello\r\n00b\r\n, wide worl\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n'
)


def test_request_split_at_any_byte_arrives_unchanged(balanced):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        assert client.exchange(SPLIT).status == 200
        for at in range(1, len(SPLIT)):
            client.send(SPLIT[:at])
            client.send(SPLIT[at:])
            assert client.answer("POST").status == 200, f"split at {at}"
    whole = server.requests[0]
    assert len(server.requests) == len(SPLIT)
    for at, request in enumerate(server.requests):
        assert request.head.raw == whole.head.raw, f"split at {at}"
        assert request.body().raw == whole.body().raw, f"split at {at}"


def test_request_sent_byte_by_byte_arrives_unchanged(balanced):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        for byte in SPLIT:
            client.send(byte)
        assert client.answer("POST").status == 200
    assert server.requests[0].body().content == b"hello, wide world"


# All except those that are malformed only when they arrive at once.
SLOWLY = [row for row in REFUSED if row[0] != "bytes behind Upgrade"][::4]


@pytest.mark.parametrize("row", SLOWLY, ids=ids(SLOWLY))
def test_malformed_request_sent_byte_by_byte_is_refused_too(balanced, row):
    balancer, server = balanced
    _, request_bytes, statuses = row
    server.forget()
    with balancer.connect() as client:
        try:
            for byte in request_bytes[:3000]:
                client.send(byte)
            client.send(request_bytes[3000:])
        except ConnectionError:
            pass
        answer = Response.read(client)
        # The request is refused at the first invalid byte: the connection may be closed for the rest.
        assert answer is None and client.ended == "reset" or answer.status in statuses
    probe(balancer, server)
