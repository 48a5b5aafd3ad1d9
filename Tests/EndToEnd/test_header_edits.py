"""Fields that are set and removed (`headers`), and Strict-Transport-Security (`hsts`)."""

import subprocess

import pytest
from harness.http import Head
from harness.server import Held, page
from harness.view import UPGRADE, Tunnel, echo_stream, pair
from harness.waiting import wait_until

HOST = "Host: view.test\r\n"
EDITS = {
    "request": {"set": {"X-Entrance": "internet"}, "remove": ["X-Debug"]},
    "response": {"set": {"X-Frame-Options": "SAMEORIGIN", "Cache-Control": "private"}, "remove": ["Server"]},
}
HSTS = {"max-age": "1d", "include-subdomains": True}
SECURITY = "max-age=86400; includeSubDomains"


def answered(request):
    """With fields that are replaced or removed."""
    request.body()
    fields = ["Server: x", "X-Frame-Options: ALLOW", "x_frame_options: ALLOW", "Strict-Transport-Security: max-age=1", "X-Kept: y"]
    request.respond(200, request.target.encode(), *fields)


@pytest.fixture
def balanced(testbed):
    server = testbed.server(script=answered)
    return testbed.balance(server, headers=EDITS, hsts=HSTS), server


def assert_edited(head, security=SECURITY):
    assert head.all("X-Frame-Options") == ["SAMEORIGIN"] and "x_frame_options" not in head.raw.decode().lower()
    assert head.all("Strict-Transport-Security") == ([security] if security else [])
    assert head.all("Server") == []


def test_clients_can_not_send_a_field_that_is_set(balanced):
    balancer, server = balanced
    sent = ["X-Entrance: office", "x-entrance: office", "X_Entrance: office", "X.ENTRANCE:office", "X-Debug: 1", "X-Kept: y"]
    for fields in (sent, [*sent, "Connection: X-Entrance"], []):
        assert balancer.get("/", *fields).status == 200
        head = server.requests[-1].head
        assert head.all("X-Entrance") == ["internet"] and b"office" not in head.raw and head.all("X-Debug") == []
    for method, extra in ("POST", "Content-Length: 2\r\n\r\nok"), ("HEAD", "\r\n"):
        with balancer.connect() as client:
            assert client.exchange(f"{method} / HTTP/1.1\r\n{HOST}X-Entrance: office\r\n{extra}").status == 200
        assert server.requests[-1].head.all("X-Entrance") == ["internet"]


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0"])
def test_responses_are_edited(balanced, request_line):
    with balanced[0].connect() as client:
        for _ in range(2):
            answer = client.exchange(f"{request_line}\r\n{HOST}Connection: keep-alive\r\n\r\n")
            assert answer.status == 200 and answer["X-Kept"] == "y"
            assert_edited(answer.head)
            assert answer.head.all("Cache-Control") == ["private"]


def test_curl_gets_and_sends_what_is_set(balanced, certificates):
    balancer, server = balanced
    place = f"view.test:443:{balancer.address}:{balancer.port}"
    words = ["curl", "-s", "-i", "--cacert", str(certificates.authority.certificate), "--connect-to", place, "-H", "X-Entrance: office"]
    shown = subprocess.run([*words, "https://view.test/x"], capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert f"Strict-Transport-Security: {SECURITY}" in shown and "X-Frame-Options: SAMEORIGIN" in shown, shown
    assert server.requests[-1].head.all("X-Entrance") == ["internet"]


def test_interim_responses_lose_fields_and_get_none(balanced):
    balancer, server = balanced

    def script(request):
        request.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nServer: x\r\n\r\n")
        answered(request)

    server.script = script
    with balancer.connect() as client:
        answer = client.get("/")
        [early] = answer.interim
        assert early.get("Link") == "</a>" and early.all("Server") == early.all("X-Frame-Options") == []
        assert early.all("Strict-Transport-Security") == []
        assert_edited(answer.head)


TRAILERS = b"X-Entrance: office\r\nServer:x\r\nX_A: \r\n"
# Names and values are written over, since bytes on their way can't be taken out.
WRITTEN_OVER = b"__________:_______\r\n______:_\r\n___:_\r\n"


@pytest.mark.parametrize("size", [1, 7, 100])
def test_trailers_are_no_way_in_or_out(balanced, size):
    balancer, server = balanced
    body = b"2\r\nok\r\n0\r\n" + TRAILERS + b"\r\n"

    def script(request):
        request.body()
        request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)

    server.script = script
    with balancer.connect() as client:
        for _ in range(2):
            client.send(f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), size):
                client.send(body[start : start + size])
            answer = client.answer("POST")
            assert answer.body.raw == body.replace(TRAILERS, WRITTEN_OVER)
            assert_edited(answer.head)
            assert server.requests[-1].body().raw == body.replace(TRAILERS, WRITTEN_OVER)


def test_trailers_of_the_direction_that_has_no_edits_are_left_alone(testbed):
    server = testbed.server()
    body = b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"

    def script(request):
        request.body()
        request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)

    server.script = script
    balancer = testbed.balance(server, headers={"request": EDITS["request"]})
    with balancer.connect() as client:
        client.send(f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
        assert client.answer("POST").body.raw == body
    assert server.requests[-1].body().raw == body.replace(b"X-Sum: 1", b"_____:__")


def test_answer_to_an_upgrade_is_edited_and_the_stream_is_not(balanced):
    balancer, server = balanced
    server.script = echo_stream
    with balancer.connect() as client:
        client.send(UPGRADE)
        head = Head.read(client)
        assert head.start.startswith("HTTP/1.1 101 ") and head.get("Upgrade") == "websocket"
        assert_edited(head)
        assert server.requests[-1].head.all("X-Entrance") == ["internet"]
        data = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"
        client.send(data)
        assert client.receive_exactly(len(data)) == data


def test_own_responses_have_what_is_set_and_security_only_over_tls(testbed):
    server = testbed.server()
    paths = {"/admin": {"allow": ["192.0.2.1"]}}
    balancer = testbed.balance(server, headers=EDITS, hsts=HSTS, access={"paths": paths})
    refused, unknown = balancer.get("/admin"), balancer.get("/", host="other.test")
    assert balancer.call("maintenance", "on").returncode == 0
    maintained = balancer.get("/")
    for answer, status in (refused, 403), (unknown, 421), (maintained, 503):
        assert answer.status == status
        assert_edited(answer.head)
        assert answer.head.all("Cache-Control") == ["no-store"]
    with balancer.connect_redirect() as client:
        answer = client.get("/x")
        assert answer.status == 301 and answer["Location"].endswith("/x")
        assert_edited(answer.head, security=None)
    with balancer.connect_redirect() as client:
        client.send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        answer = client.answer()
        assert answer.status == 400
        assert_edited(answer.head, security=None)


def test_large_pages_and_heads_have_room_for_large_fields(testbed, tmp_path):
    own = tmp_path / "maintenance.html"
    own.write_text("x" * 16384)
    policy = {"Content-Security-Policy": "a" * 2000, "X-Other": "b" * 1900}
    server = testbed.server(script=lambda request: request.respond(200, b"ok", *[f"A{i}: {'c' * 700}" for i in range(20)]))
    edits = {"request": {"set": policy}, "response": {"set": policy}}
    balancer = testbed.balance(server, headers=edits, errors={"maintenance": str(own)})
    answer = balancer.get("/", *[f"A{i}: {'d' * 700}" for i in range(20)])
    assert answer.status == 200 and answer["X-Other"] == "b" * 1900 and answer["A19"] == "c" * 700
    assert server.requests[-1].head.get("X-Other") == "b" * 1900 and server.requests[-1].head.get("A19") == "d" * 700
    assert balancer.call("maintenance", "on").returncode == 0
    answer = balancer.get("/")
    assert answer.status == 503 and len(answer.content) == 16384 and answer["X-Other"] == "b" * 1900


def test_reload_changes_fields_on_open_connections_and_tunnels_go_on(testbed):
    balancer = pair(testbed)
    tunnel, pages = Tunnel(balancer.connect()), balancer.connect()
    assert pages.get("/")["X-Frame-Options"] is None
    for headers, hsts in (EDITS, HSTS), (None, None), ({"response": EDITS["response"]}, "off"):
        balancer.reload({"headers": headers, "hsts": hsts})
        answer = pages.get("/")
        assert answer["X-Frame-Options"] == (headers and "SAMEORIGIN")
        assert answer["Strict-Transport-Security"] == (SECURITY if hsts == HSTS else None)
        tunnel.say()
    tunnel.end()


CLAIM = "X-Entrance: office\r\n"
# What is set must come from the balancer alone, by whichever configuration.
CHUNKED = f"POST / HTTP/1.1\r\n{HOST}{CLAIM}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{CLAIM}\r\n".encode()


@pytest.mark.parametrize("sent", [0, 20, CHUNKED.index(b"\r\n\r\n") + 2], ids=["nothing", "part of the line", "head without its end"])
def test_head_that_is_complete_after_a_reload_is_edited_as_its_trailers_are(testbed, sent):
    server = testbed.server()
    balancer = testbed.balance(server)
    clients = [balancer.connect() for _ in range(4)]
    for client in clients:
        assert client.get("/").status == 200
        client.send(CHUNKED[:sent])
    balancer.reload({"headers": {"request": EDITS["request"]}})
    for client in clients:
        client.send(CHUNKED[sent:])
        assert client.answer("POST").status == 200
        request = server.requests[-1]
        assert request.head.all("X-Entrance") == ["internet"]
        assert b"office" not in request.head.raw + request.body().raw


@pytest.mark.parametrize("has_trailers", [True, False])
def test_request_that_moves_after_a_reload_is_edited_as_its_trailers_were_or_by_the_newest(testbed, has_trailers):
    held = Held()
    first, second = testbed.server("view01", script=held), testbed.server("view02")
    changes = {"view01": {"connections": 1}, "view02": {"backup": True}}
    balancer = testbed.balance(first, second, server_changes=changes)
    holder = balancer.connect("127.0.91.1")
    holder.send(f"GET /held HTTP/1.1\r\n{HOST}\r\n")
    assert held.arrived.wait(20)
    for source, headers in ("127.0.91.2", EDITS["request"]), ("127.0.91.3", None):
        # With trailers, both are edited or none.
        expected = "office" if bool(headers) == has_trailers else "internet"
        waiter = balancer.connect(source)
        waiter.send(CHUNKED if has_trailers else f"POST / HTTP/1.1\r\n{HOST}{CLAIM}Content-Length: 0\r\n\r\n")
        wait_until(lambda: balancer.load_of("view01")["waiting"] == 1, lambda: f"{balancer.status_of('view01')}")
        balancer.reload({"headers": headers and {"request": headers}})
        balancer.server("view01", "maintenance")
        assert waiter.answer("POST")["X-Server"] == "view02"
        request = second.requests[-1]
        assert request.head.all("X-Entrance") == [expected]
        assert not has_trailers or (b"office" in request.body().raw) == (expected == "office")
        balancer.server("view01", "ready")
    held.released.set()
    assert holder.answer()["X-Server"] == "view01"


@pytest.mark.parametrize("count", [17, 45])
def test_any_number_of_lines_is_dropped_in_both_directions(balanced, count):
    balancer, server = balanced
    fields = [field for index in range(count) for field in (f"X-Debug: {index}", f"A{index}: b", "X.Entrance: y")]
    returned = [field for index in range(count) for field in (f"Server: {index}", f"A{index}: b")]
    server.script = lambda request: request.respond(200, b"ok", *returned)
    answer = balancer.get("/", *fields[:96])
    assert answer.status == 200
    assert_edited(answer.head)
    head = server.requests[-1].head
    assert head.all("X-Debug") == [] and head.all("X-Entrance") == ["internet"] and b"X.Entrance" not in head.raw
    assert head.get("A16") == "b" and answer[f"A{count - 1}"] == "b"


def test_request_of_as_many_lines_as_there_may_be_is_relayed_when_all_are_dropped(balanced):
    balancer, server = balanced
    server.script = page
    before = len(server.requests)
    # With Host and Connection a hundred.
    assert balancer.get("/", *["X-Debug: x"] * 98).status == 200
    assert server.requests[-1].head.all("X-Debug") == []
    assert balancer.get("/", *["X-Debug: x"] * 99).status == 431 and len(server.requests) == before + 1
