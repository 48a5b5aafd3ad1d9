"""Interim responses: 100, 102, 103, with clients that wait for 100 or do not."""

import pytest
from harness.server import page

pytestmark = pytest.mark.usefixtures("plain_server")
HOST = "Host: view.test\r\n"
CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"


def after(*interim):
    """A script that answers with these, each in a separate write, and then with a page."""

    def script(request):
        for each in interim:
            request.send(each)
        page(request)

    return script


def test_100_continue_is_sent_by_the_server(balanced):
    """RFC 9110 §10.1.1: the server decides whether to accept the body."""
    balancer, server = balanced

    def script(request):
        assert request.head.get("Expect").lower() == "100-continue"
        assert request.received() == b""
        after(CONTINUE)(request)

    server.script = script
    with balancer.connect() as client:
        client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        interim = client.receive_until(b"\r\n\r\n")
        assert interim.startswith(b"HTTP/1.1 100 ")
        client.send(b"hello")
        assert client.answer("POST").content == b"hello"
        server.script = page
        assert client.get("/next").status == 200


def test_final_answer_instead_of_100_continue_is_forwarded(balanced):
    """The client waits, and the server refuses. If the body follows, it is not taken for the next request."""
    balancer, server = balanced
    server.script = lambda request: request.respond(413, "no", "Connection: close", reason="Content Too Large")
    with balancer.connect() as client:
        client.send(f"POST /big HTTP/1.1\r\n{HOST}Content-Length: 50000000\r\nExpect: 100-continue\r\n\r\n")
        answer = client.answer("POST")
        assert answer.status == 413 and not answer.interim
        server.script = page
        # Never the answer to a part of that body.
        try:
            client.send(f"GET /smuggled HTTP/1.1\r\n{HOST}\r\n")
        except ConnectionError:
            pass
    assert balancer.get("/after").status == 200
    assert "/smuggled" not in [r.target for r in server.requests]


def test_client_that_does_not_wait_for_100_continue_is_served(balanced):
    balancer, server = balanced
    server.script = after(CONTINUE)
    with balancer.connect() as client:
        answer = client.exchange(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        assert answer.content == b"hello"


def test_interim_answers_reach_the_client_in_order(balanced):
    balancer, server = balanced
    server.script = after(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n",
    )
    with balancer.connect() as client:
        answer = client.get("/")
        assert [head.start.split()[1] for head in answer.interim] == ["103", "102", "103"]
        assert [head.get("Link") for head in answer.interim] == ["</a>", None, "</b>"]
        assert answer.text == "view01"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_endless_interim_answers_end_the_request(balanced, version):
    """Each one restarts the time-out, so that no time-out ends them."""
    balancer, server = balanced

    def endless(request):
        try:
            while True:
                request.send("HTTP/1.1 102 Processing\r\n\r\n")
        except OSError:
            request.stream.close()

    server.script = endless
    with balancer.connect() as client:
        client.send(f"GET /endless HTTP/{version}\r\n{HOST}\r\n")
        received = client.receive_to_end()
    assert b"HTTP/1.1 502 " in received
    assert received.count(b"HTTP/1.1 102 ") <= (0 if version == "1.0" else 100)


def test_interim_answers_are_not_sent_to_http_1_0_clients(balanced):
    """RFC 9110 §15.2."""
    balancer, server = balanced
    server.script = after("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    with balancer.connect() as client:
        answer = client.exchange(f"GET / HTTP/1.0\r\n{HOST}\r\n")
        assert answer.status == 200 and not answer.interim
