"""Limits, and the answers to requests beyond them."""

import pytest
from harness.client import connect_socket
from harness.processes import resident
from harness.waiting import stays, wait_until

HOST = "Host: view.test\r\n"


def test_requests_per_connection_are_limited(testbed):
    balancer = testbed.balance(testbed.server(), limits={"requests-per-connection": 3})
    with balancer.connect() as client:
        closing = [(client.get("/")["Connection"] or "").lower() == "close" for _ in range(3)]
        assert closing == [False, False, True]
        assert client.receive_to_end() == b"" and client.ended == "clean"


@pytest.mark.parametrize(("size", "status"), [(3000, 200), (5000, 431)])
def test_header_bytes_are_limited(testbed, size, status):
    server = testbed.server()
    balancer = testbed.balance(server, limits={"header-bytes": "4KiB"})
    with balancer.connect() as client:
        answer = client.get("/", "X: " + "y" * size)
        assert answer.status == status
    assert len(server.requests) == (1 if status == 200 else 0)


@pytest.mark.parametrize(("count", "status"), [(15, 200), (25, 431)])
def test_header_fields_are_limited(testbed, count, status):
    balancer = testbed.balance(testbed.server(), limits={"header-fields": 20})
    with balancer.connect() as client:
        assert client.get("/", *(f"X-{n}: y" for n in range(count))).status == status


def test_header_bytes_of_answers_are_limited(testbed):
    server = testbed.server()
    server.script = lambda request: request.respond(200, "", "X: " + "y" * 5000)
    balancer = testbed.balance(server, limits={"header-bytes": "4KiB"})
    assert balancer.get("/").status == 502


def test_head_at_the_default_limit_is_forwarded(testbed):
    """A head of the maximum size must still fit with the forwarding fields."""
    balancer = testbed.balance(testbed.server())
    for size in (12_000, 14_000, 15_000, 15_250, 15_290, 15_400, 16_300):
        with balancer.connect() as client:
            answer = client.get("/head", *(f"X-{n:02}: {'y' * (size // 10 - 8)}" for n in range(10)))
            assert answer.status == (200 if size < 15_300 else 431), size


@pytest.mark.parametrize("size", [17_000, 17_300, 17_400, 17_500, 33_000, 64_000])
def test_large_heads_of_kerberos_and_saml_are_forwarded_if_configured(testbed, size):
    """In both directions, unchanged, repeatedly on a connection, and split."""
    value = "".join(str(n % 10) for n in range(size - 700))

    def script(request):
        assert request.head.get("Authorization") == f"Negotiate {value}" and request.head.get("X-Forwarded-Host")
        request.respond(200, request.body().content, f"WWW-Authenticate: Negotiate {value}", f"X-Length: {len(request.head.raw)}")

    balancer = testbed.balance(testbed.server(script=lambda request: script(request) if request.method == "POST" else request.respond(200)),
                             limits={"header-bytes": "64KiB"})  # fmt: skip
    head = f"POST / HTTP/1.1\r\n{HOST}X: {'x' * 500}\r\nAuthorization: Negotiate {value}\r\nContent-Length: 5\r\n\r\n"
    with balancer.connect() as client:
        for _ in range(2):
            answer = client.exchange(head + "hello")
            assert answer.status == 200 and answer.text == "hello"
            assert answer["WWW-Authenticate"] == f"Negotiate {value}"
            assert int(answer["X-Length"]) > len(head)
        for start in range(0, len(head), 5000):
            client.send(head[start : start + 5000])
        client.send("hello")
        assert client.answer("POST").text == "hello"


def test_heads_beyond_the_maximum_limit_are_refused(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, limits={"header-bytes": "64KiB"})
    with balancer.connect() as client:
        assert client.get("/", "X: " + "y" * 66_000).status == 431
    assert server.requests == []
    server.script = lambda request: request.respond(200, "", "X: " + "y" * 66_000)
    assert balancer.get("/").status == 502
    server.script = lambda request: request.respond(200, "fine")
    assert balancer.get("/").text == "fine"


@pytest.mark.threads
def test_connections_per_address_are_limited(testbed):
    balancer = testbed.balance(testbed.server(), limits={"connections-per-address": 3})
    kept = [balancer.connect("127.0.81.1") for _ in range(3)]
    try:
        for client in kept:
            assert client.get("/").status == 200
        # One more connection of this address is not served; another address is.
        with balancer.connect_plain("127.0.81.1") as refused:
            refused.receive_to_end()
            assert refused.ended
        # One that sends nothing would end all the same, later.
        assert not served(balancer, "127.0.81.1")
        assert balancer.get("/", source="127.0.81.2").status == 200
        kept.pop().close()
        wait_until(lambda: served(balancer, "127.0.81.1"), "a free place")
    finally:
        for client in kept:
            client.close()


def test_connections_of_a_trusted_proxy_are_not_limited(testbed):
    balancer = testbed.balance(
        testbed.server(), limits={"connections-per-address": 2}, forwarded={"trusted-proxies": ["127.0.81.9"]}
    )
    kept = [balancer.connect("127.0.81.9") for _ in range(5)]
    for client in kept:
        assert client.get("/").status == 200
        client.close()


SLOW = "127.0.83.1"


def slow_uploads(balancer, count):
    """Clients of one address with endless uploads, which hold places at the server or wait for one."""
    kept = []
    for _ in range(count):
        client = balancer.connect(SLOW)
        kept.append(client)
        client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nx")
    return kept


def others(balancer, count):
    """Concurrent requests of users at different addresses; returns the status of each."""
    clients = [balancer.connect(f"127.0.83.{number + 2}") for number in range(count)]
    try:
        for client in clients:
            client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
        return [client.answer().status for client in clients]
    finally:
        for client in clients:
            client.close()


@pytest.mark.threads
def test_one_address_can_not_use_all_places_of_a_server(testbed):
    """Nor its whole queue: it requests more than both hold, and others are served meanwhile."""
    server = testbed.server()
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 16}}, limits={"queue": 40})
    kept = slow_uploads(balancer, 60)
    try:
        server.wait_for_requests(12)
        # The earlier requests have been received.
        for _ in range(20):
            assert balancer.connect_redirect().exchange(f"GET / HTTP/1.1\r\n{HOST}\r\n").status == 301
        assert others(balancer, 12) == [200] * 12
        assert len(server.requests) == 12 + 12
    finally:
        for client in kept:
            client.close()


@pytest.mark.threads
def test_request_beyond_the_share_of_its_address_waits_for_a_place_of_that_share(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, server_changes={"view01": {"connections": 8}})
    kept = slow_uploads(balancer, 6)
    try:
        server.wait_for_requests(6)
        kept += slow_uploads(balancer, 1)
        stays(lambda: len(server.requests) == 6, "the seventh waits, with two places free", 0.3)
        assert others(balancer, 2) == [200, 200]
        for client in (kept[0], kept[-1]):
            client.send("x" * 99)
            assert client.answer("POST").status == 200
    finally:
        for client in kept:
            client.close()


def test_trusted_proxy_can_use_all_places(testbed):
    server = testbed.server()
    balancer = testbed.balance(
        server, server_changes={"view01": {"connections": 8}}, forwarded={"trusted-proxies": [SLOW]}
    )
    kept = slow_uploads(balancer, 8)
    try:
        server.wait_for_requests(8)
    finally:
        for client in kept:
            client.close()


def served(balancer, source):
    try:
        return balancer.get("/", source=source).status == 200
    except (OSError, AssertionError):
        return False


@pytest.mark.threads
def test_connections_in_total_are_limited(testbed):
    """Above the limit a connection waits in the backlog until another one ends or is idle; none is refused."""
    balancer = testbed.balance(testbed.server(), limits={"connections": 4})
    wait_until(lambda: balancer.status["traffic"]["connections"] == 0, "the end of the connections that waited for the start")
    kept = []
    try:
        for number in range(4):
            client = balancer.connect(f"127.0.82.{number + 1}")
            kept.append(client)
            client.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nx")
        wait_until(lambda: balancer.status["traffic"]["exchanges"] == 4, "four connections with a request")
        waiting = connect_socket(balancer.endpoint)
        try:
            waiting.settimeout(0.5)
            waiting.sendall(b"\x16")
            with pytest.raises(TimeoutError):
                waiting.recv(1)
        finally:
            waiting.close()
        # Connections with a request are still served; the first that becomes idle is evicted.
        for client in kept[1:]:
            client.send("x")
            assert client.answer("POST").status == 200
        # The connection that waited in vain is accepted now too, and may evict one in its handshake.
        wait_until(lambda: served(balancer, "127.0.82.9"), "a place for another")
        kept[0].send("x")
        assert kept[0].answer("POST").status == 200
        assert kept[1].receive_to_end() == b"" and kept[1].ended == "clean"
    finally:
        for client in kept:
            client.close()


def test_error_pages_can_be_replaced(testbed, tmp_path):
    pages = {status: tmp_path / f"{status}.html" for status in (400, 503)}
    for status, path in pages.items():
        path.write_text(f"<h1>Sorry: {status}</h1>\n")
    server = testbed.server()
    balancer = testbed.balance(server, errors={str(s): str(p) for s, p in pages.items()})
    with balancer.connect() as client:
        answer = client.exchange("GET / HTTP/1.1\r\n\r\n")
        assert answer.status == 400 and answer.text == "<h1>Sorry: 400</h1>\n"
        assert answer["Content-Type"].startswith("text/html")
    server.die()
    answer = balancer.get("/")
    assert answer.status == 503 and answer.text == "<h1>Sorry: 503</h1>\n"
    assert answer["Retry-After"]


@pytest.mark.parametrize("page", ["built in", "a file"])
def test_error_in_answer_to_head_has_no_body(testbed, tmp_path, page):
    file = tmp_path / "503.html"
    file.write_text("<h1>Sorry</h1>\n")
    server = testbed.server()
    balancer = testbed.balance(server, errors={"503": str(file)} if page == "a file" else None)
    server.die()
    with balancer.connect() as client:
        client.send(f"HEAD / HTTP/1.1\r\n{HOST}\r\n")
        head = client.answer("HEAD")
        assert head.status == 503 and int(head["Content-Length"]) > 0
        if (head["Connection"] or "").lower() == "close":
            assert client.receive_to_end() == b""
        else:
            assert client.get("/").status == 503


def test_client_that_never_reads_its_answers_uses_bounded_memory(testbed):
    """The balancer stops reading requests from a client that does not read its answers."""
    content = b"x" * 100_000
    server = testbed.server(script=lambda request: request.respond(200, content))
    balancer = testbed.balance(server, timeouts={"client": "2s"})
    worker = balancer.worker
    before = resident(worker)
    with balancer.connect() as client:
        client.socket.settimeout(1)
        request = f"GET / HTTP/1.1\r\n{HOST}\r\n" * 100
        try:
            for _ in range(2000):
                client.send(request)
        except (TimeoutError, ConnectionError):
            pass
        assert resident(worker) - before < 4000
    assert balancer.get("/").status == 200


def test_built_in_pages_have_the_status_only(testbed):
    balancer = testbed.balance(testbed.server())
    with balancer.connect() as client:
        answer = client.exchange("GET / HTTP/1.1\r\n\r\n")
    assert "400" in answer.text and len(answer.text) < 200
    assert "elvedere" not in answer.head.raw.decode("latin-1")
