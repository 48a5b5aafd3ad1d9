"""Connections to a server that goes down (`health: on-down`)."""

import threading

import pytest
from harness.http import Head
from harness.view import Tunnel, WebSocket, half, hang, view
from harness.waiting import client_addresses, wait_until

pytestmark = pytest.mark.threads

QUICK = {"interval": "200ms", "timeout": "1s", "rise": 2, "fall": 3, "jitter": "0s"}
STREAMS = {"tunnel": Tunnel, "websocket": WebSocket}


class Pair:
    """Two servers, and a client of the first one."""

    def __init__(self, testbed, **changes):
        self.servers = {name: testbed.server(name, script=view) for name in ("view01", "view02")}
        health = {**QUICK, **changes.pop("health", {})}
        self.balancer = testbed.balance(*self.servers.values(), health=health, **changes)
        self.doomed = self.servers["view01"]
        self.client = next(a for a in client_addresses(64) if self.balancer.server_of(a) == "view01")

    def fail(self):
        """view01 accepts connections and answers no check."""
        self.doomed.health = hang
        self.balancer.wait_for_state("view01", "down")


@pytest.mark.parametrize("kind", STREAMS)
def test_stream_of_a_hung_server_ends_and_its_client_reaches_another_server(testbed, kind):
    pair = Pair(testbed)
    with pair.balancer.connect(pair.client) as client:
        STREAMS[kind](client)
        pair.fail()
        assert client.receive_to_end() == b""
        # Not a regular end: the exchange is cut.
        assert client.ended != "clean"
    assert pair.balancer.server_of(pair.client) == "view02"
    pair.balancer.wait_for_access(r"view01.* DD-- ")
    wait_until(lambda: pair.balancer.status["traffic"]["exchanges"] == 0, "the exchange to be over")


@pytest.mark.parametrize("kind", STREAMS)
def test_stream_of_a_server_with_wrong_answers_goes_on_until_there_is_no_answer(testbed, kind):
    """As after a reload with a wrong path."""
    pair = Pair(testbed)
    with pair.balancer.connect(pair.client) as client:
        stream = STREAMS[kind](client)
        pair.doomed.health = 404
        pair.balancer.wait_for_state("view01", "down")
        assert pair.balancer.server_of(pair.client) == "view02"
        stream.say()
        pair.doomed.health = hang
        assert client.receive_to_end() == b""
    pair.balancer.wait_for_log(r"view01 is still down: .* no complete answer")


@pytest.mark.parametrize("kind", STREAMS)
def test_stream_goes_on_if_on_down_is_keep(testbed, kind):
    pair = Pair(testbed, health={"on-down": "keep"})
    with pair.balancer.connect(pair.client) as client:
        stream = STREAMS[kind](client)
        pair.fail()
        assert pair.balancer.server_of(pair.client) == "view02"
        stream.say()


def test_on_down_of_the_newest_configuration_applies(testbed):
    pair = Pair(testbed)
    with pair.balancer.connect(pair.client) as client:
        stream = Tunnel(client)
        pair.balancer.reload({"health": {"on-down": "keep"}})
        pair.fail()
        stream.say()


def test_answer_in_progress_is_cut(testbed):
    pair = Pair(testbed)
    pair.doomed.script = half
    with pair.balancer.connect(pair.client) as client:
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert Head.read(client).get("Content-Length") == "10"
        assert client.receive_exactly(5) == b"hello"
        pair.fail()
        assert client.receive_to_end() == b""
        assert client.ended != "clean"


def test_answer_in_progress_is_completed_if_on_down_is_keep(testbed):
    pair = Pair(testbed, health={"on-down": "keep"})
    go = threading.Event()

    def halting(request):
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert go.wait(30)
        request.send("world")

    pair.doomed.script = halting
    with pair.balancer.connect(pair.client) as client:
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        wait_until(lambda: [r for r in pair.doomed.requests if r.target == "/"], "the request")
        pair.fail()
        go.set()
        assert client.answer().content == b"helloworld"


def test_request_that_may_be_repeated_is_answered_by_another_server(testbed):
    pair = Pair(testbed)
    pair.doomed.script = hang
    with pair.balancer.connect(pair.client) as client:
        client.send("GET /whoami HTTP/1.1\r\nHost: view.test\r\n\r\n")
        pair.fail()
        answer = client.answer()
        assert (answer.status, answer["X-Server"]) == (200, "view02")


def test_request_that_may_not_be_repeated_is_answered_with_an_error(testbed):
    pair = Pair(testbed)
    pair.doomed.script = hang
    with pair.balancer.connect(pair.client) as client:
        client.send("POST /broker/xml HTTP/1.1\r\nHost: view.test\r\nContent-Length: 2\r\n\r\nhi")
        pair.fail()
        assert client.answer().status == 502
    pair.balancer.wait_for_access(r"view01.* DH-- ")
    assert not [r for r in pair.servers["view02"].requests if r.method == "POST"]


@pytest.mark.parametrize("on_down", ["close", "keep"])
def test_idle_connections_are_closed_including_private_ones(testbed, on_down):
    pair = Pair(testbed, health={"on-down": on_down}, pool={"idle-timeout": "1h"}, timeouts={"keep-alive": "1h"})

    def authenticated(request):
        fields = ["WWW-Authenticate: NTLM abc"] if request.target == "/private" else []
        request.respond(401 if fields else 200, b"", *fields)

    pair.doomed.script = authenticated
    with pair.balancer.connect(pair.client) as client:
        assert client.get("/private").status == 401
        with pair.balancer.connect(pair.client) as other:
            assert other.get("/shared").status == 200
        used = [c for c in pair.doomed.connections if {r.target for r in c.requests} & {"/private", "/shared"}]
        assert len(used) == 2
        pair.fail()
        wait_until(lambda: all(c.stream.closed for c in used), "both connections to be closed")
        # The client's connection is kept, and uses another server.
        assert client.get("/whoami")["X-Server"] == "view02"


def test_passed_through_connection_ends_as_well(testbed):
    pair = Pair(testbed, mode="passthrough", tls=None, redirect="off")
    with pair.balancer.connect(pair.client) as client:
        assert client.get("/whoami")["X-Server"] == "view01"
        pair.fail()
        assert client.receive_to_end() == b""
    assert pair.balancer.server_of(pair.client) == "view02"
