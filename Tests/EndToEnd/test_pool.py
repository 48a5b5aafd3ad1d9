"""The pool of server connections: no answer is lost, duplicated or sent to another client."""

import itertools
import os
import random
import threading

import pytest
from harness.server import page
from harness.stream import Stream
from harness.waiting import all_at_once, wait_until

pytestmark = pytest.mark.memory

HOST = "Host: view.test\r\n"


@pytest.fixture
def balanced(testbed):
    server = testbed.server()
    return testbed.balance(server, threads=1), server


def test_connection_is_reused(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        for _ in range(10):
            assert client.get("/").status == 200
    assert len({id(r.connection) for r in server.requests}) == 1


def test_connection_is_shared_between_clients(balanced):
    balancer, server = balanced
    for number in range(5):
        assert balancer.get("/", source=f"127.0.70.{number + 1}").status == 200
    assert len({id(r.connection) for r in server.requests}) == 1


def test_sharing_can_be_switched_off(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, threads=1, pool={"share": False})
    server.forget()
    for number in range(5):
        with balancer.connect(f"127.0.70.{number + 1}") as client:
            assert client.get("/").status == 200
            assert client.get("/").status == 200
    # Each client has its own connection while it is connected.
    of_client = [[id(r.connection) for r in server.requests[n : n + 2]] for n in range(0, 10, 2)]
    assert all(first == second for first, second in of_client)
    assert len({first for first, _ in of_client}) == 5


def test_pool_can_be_switched_off(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, threads=1, pool={"idle-connections": 0})
    for _ in range(4):
        assert balancer.get("/").status == 200
    assert len({id(r.connection) for r in server.requests}) == 4


def test_idle_connection_is_closed_after_its_timeout(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, pool={"idle-timeout": "300ms"})
    assert balancer.get("/").status == 200
    stream = server.requests[-1].stream
    wait_until(lambda: stream.closed, "the idle connection's end")
    assert stream.ended == "clean"


def test_connection_close_of_the_server_is_respected(balanced):
    balancer, server = balanced
    server.script = lambda request: (request.respond(200, "x", "Connection: close"))
    with balancer.connect() as client:
        for _ in range(5):
            assert client.get("/").status == 200
    assert len({id(r.connection) for r in server.requests}) == 5


# Stale connections


def exchange_many(balancer, count, targets="/{}"):
    with balancer.connect() as client:
        for number in range(count):
            answer = client.get(targets.format(number))
            assert answer is not None, f"request {number}: connection ended ({client.ended})"
            assert answer.status == 200, f"request {number}: {answer.head.start}"


@pytest.mark.parametrize("clean", [True, False], ids=["close_notify", "abrupt"])
def test_server_that_closes_after_every_answer_loses_no_request(balanced, clean):
    """The answer says keep-alive, but the server closes a moment later: every next request races with the close."""
    balancer, server = balanced

    def script(request):
        page(request)
        if clean:
            request.stream.finish()
        request.stream.close()

    server.script = script
    exchange_many(balancer, 150)
    assert [r.target for r in server.requests] == [f"/{n}" for n in range(150)]


def answer_once(end):
    """A script that answers the first request of a connection, and ends the connection like this on the next."""

    def script(request):
        if len(request.connection.requests) > 1:
            end(request.stream)
        else:
            page(request)

    return script


@pytest.mark.parametrize("end", [Stream.close, Stream.reset], ids=["closes", "resets"])
def test_server_that_closes_on_the_next_request_loses_no_request(balanced, end):
    """The worst case: the request has been sent, and the connection ends without a byte of an answer."""
    balancer, server = balanced
    server.script = answer_once(end)
    exchange_many(balancer, 150)
    answered = [r.target for r in server.requests if r.connection.requests[0] is r]
    assert answered == [f"/{n}" for n in range(150)]


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_idempotent_methods_are_retried(balanced, method):
    balancer, server = balanced
    server.script = answer_once(Stream.close)
    with balancer.connect() as client:
        assert client.get("/").status == 200
        fields = "Content-Length: 5\r\n\r\nhello" if method == "PUT" else "\r\n"
        client.send(f"{method} /again HTTP/1.1\r\n{HOST}{fields}")
        answer = client.answer(method)
        assert answer is not None and answer.status == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "BOOK"])
def test_other_methods_are_never_sent_twice(balanced, method):
    """RFC 9110 §9.2.2: the server may have processed it."""
    balancer, server = balanced

    def script(request):
        if request.method != "GET":
            request.body()
            request.stream.close()
        else:
            page(request)

    server.script = script
    for attempt in range(10):
        with balancer.connect() as client:
            assert client.get("/").status == 200
            client.send(f"{method} /once/{attempt} HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello")
            answer = client.answer(method)
            assert answer is None or answer.status == 502
    assert [r.target for r in server.requests if r.method == method] == [f"/once/{n}" for n in range(10)]


def test_request_is_not_retried_after_a_byte_of_its_answer(balanced):
    balancer, server = balanced

    def script(request):
        if request.target == "/half":
            request.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            request.stream.close()
        else:
            page(request)

    server.script = script
    with balancer.connect() as client:
        assert client.get("/").status == 200
        client.send(f"GET /half HTTP/1.1\r\n{HOST}\r\n")
        assert b"hello" in client.receive_to_end()
    assert [r.target for r in server.requests] == ["/", "/half"]


def test_large_upload_is_retried_completely_or_not_at_all(balanced):
    """Bytes sent on a stale connection are lost: a PUT is then sent again completely, or refused."""
    balancer, server = balanced

    def script(request):
        if len(request.connection.requests) > 1 and request.method == "PUT":
            request.stream.receive_exactly(1000)
            request.stream.close()
        else:
            page(request)

    server.script = script
    content = os.urandom(300_000)
    with balancer.connect() as client:
        assert client.get("/").status == 200
        try:
            client.send(f"PUT /echo HTTP/1.1\r\n{HOST}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        except ConnectionError:
            pass
        answer = client.answer("PUT")
        assert answer is None or answer.status == 502 or answer.content == content


def test_connection_with_unexpected_bytes_is_not_reused(balanced):
    """An unsolicited answer must never be sent to the next client: it arrives in a separate record, in the
    segment of the previous answer, and is pending in OpenSSL when the connection is checked."""
    balancer, server = balanced
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"

    def script(request):
        if request.target == "/poison":
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
            request.stream.send_pieces([answer, smuggled], itertools.repeat(1 << 20))
        else:
            page(request)

    server.script = script
    for attempt in range(50):
        with balancer.connect() as client:
            assert client.get("/poison").text == "good"
            answer = client.get("/next")
            assert answer is not None and answer.text == "view01", f"attempt {attempt}"


def test_connection_with_late_unexpected_bytes_is_closed(balanced):
    balancer, server = balanced
    go, sent = threading.Event(), threading.Event()

    def script(request):
        page(request)
        if request.target == "/poison":
            assert go.wait(20)
            request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled")
            sent.set()

    server.script = script
    assert balancer.get("/poison").text == "view01"
    poisoned = server.requests[-1].stream
    go.set()
    assert sent.wait(20)
    # The balancer closes it without a request.
    wait_until(lambda: poisoned.closed, "the connection's end")
    assert balancer.get("/next").text == "view01"


# Connection-bound authentication


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_authenticated_connection_serves_one_client_only(balanced, scheme):
    """NTLM authenticates the connection: another client on it would be logged in."""
    balancer, server = balanced
    turns = []

    def script(request):
        if request.target == "/secret":
            turn = len([r for r in request.connection.requests if r.target == "/secret"])
            turns.append(request.connection)
            if turn == 1:
                request.respond(401, "", f"WWW-Authenticate: {scheme}", reason="Unauthorized")
            elif turn == 2:
                request.respond(401, "", f"WWW-Authenticate: {scheme} TlRMTVNTUAACAAAA", reason="Unauthorized")
            else:
                request.respond(200, "for your eyes only")
        else:
            page(request)

    server.script = script
    with balancer.connect("127.0.71.1") as client, balancer.connect("127.0.71.2") as other:
        assert client.get("/secret").status == 401
        assert client.get("/secret", f"Authorization: {scheme} TlRMTVNTUAABAAAA").status == 401
        assert other.get("/").status == 200
        assert client.get("/secret", f"Authorization: {scheme} TlRMTVNTUAADAAAA").status == 200
        # All three steps used one connection, and the other client another one.
        assert len({id(c) for c in turns}) == 1
        private = turns[0]
        assert [r for r in server.requests if r.target == "/"][0].connection is not private
        assert client.get("/").status == 200
        assert [r for r in server.requests if r.target == "/"][1].connection is private
    # The connection ends with its client; it never returns to the pool.
    wait_until(lambda: private.stream.closed, "the private connection's end")
    assert balancer.get("/", source="127.0.71.1").status == 200
    assert server.requests[-1].connection is not private


def test_credentials_in_a_request_make_the_connection_private(balanced):
    """A client sends NTLM without a challenge, on a connection that could be shared."""
    balancer, server = balanced
    with balancer.connect("127.0.71.3") as client:
        assert client.get("/", "Authorization: Negotiate YIIB").status == 200
        private = server.requests[-1].connection
        assert balancer.get("/other", source="127.0.71.4").status == 200
        assert server.requests[-1].connection is not private
        assert client.get("/more").status == 200
        assert server.requests[-1].connection is private
    wait_until(lambda: private.stream.closed, "the private connection's end")


def test_each_client_gets_its_own_answers(testbed):
    """Many clients, a shared pool, servers that close at random."""
    generator = random.Random(3)

    def script(request):
        request.body()
        request.respond(200, request.target)
        if generator.random() < 0.2:
            request.stream.close()

    servers = [testbed.server("view01", script=script), testbed.server("view02", script=script)]
    balancer = testbed.balance(*servers, pool={"idle-connections": 4})

    def client(number):
        with balancer.connect(f"127.0.72.{number + 1}") as stream:
            for turn in range(60):
                target = f"/{number}/{turn}"
                answer = stream.get(target)
                assert answer is not None and answer.status == 200, (target, answer)
                assert answer.text == target, (target, answer.text)

    all_at_once(client, range(12))
