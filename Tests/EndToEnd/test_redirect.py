"""Port 80: redirects to https with host, path and query, and never to another host."""

import pytest


@pytest.fixture(scope="module")
def balancer(shared_testbed):
    return shared_testbed.balance(shared_testbed.server(), service=["view.test", "portal.test"])


def location(balancer, target="/", host="view.test", method="GET", status=None):
    with balancer.connect_redirect() as client:
        answer = client.exchange(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n")
        assert answer.status in ([status] if status else (301, 308))
        return answer["Location"].replace(f":{balancer.port}/", "/")


@pytest.mark.parametrize("target", ["/", "/portal/webclient/index.html", "/a?b=c&d=%20e", "/?", "/%2e%2e/x", "//unknown.test/x"])
def test_path_and_query_are_kept(balancer, target):
    assert location(balancer, target) == f"https://view.test{target}"


def test_location_has_the_port_of_the_listener_unless_it_is_443(balancer):
    with balancer.connect_redirect() as client:
        answer = client.get("/x")
    assert answer["Location"] == f"https://view.test:{balancer.port}/x"


@pytest.mark.parametrize("host", ["view.test", "VIEW.test", "view.test:80", "view.test."])
def test_location_has_the_service_name(balancer, host):
    assert location(balancer, "/x", host) == "https://view.test/x"


def test_location_keeps_a_second_service_name(balancer):
    assert location(balancer, "/x", "portal.test") == "https://portal.test/x"


@pytest.mark.parametrize("host", ["unknown.test", "127.0.0.1", "view.test.unknown.test", "[::1]", "xview.test"])
def test_unknown_host_is_redirected_to_the_service(balancer, host):
    """Never an open redirect."""
    assert location(balancer, "/x", host) == "https://view.test/x"


@pytest.mark.parametrize(("method", "status"), [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308)])
def test_method_is_kept_by_308(balancer, method, status):
    location(balancer, "/x", method=method, status=status)


def test_http_1_0_without_host_is_redirected_to_the_service(balancer):
    with balancer.connect_redirect() as client:
        answer = client.exchange("GET /x HTTP/1.0\r\n\r\n")
        assert answer.status == 301 and answer["Location"].startswith("https://view.test")
        assert client.receive_to_end() == b""


def test_absolute_form_is_accepted(balancer):
    with balancer.connect_redirect() as client:
        answer = client.exchange("GET http://view.test/x?y HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert answer.status == 301 and answer["Location"].endswith("/x?y")


def test_fixed_location_applies_to_every_request(testbed):
    balancer = testbed.balance(testbed.server(), redirect={"location": "https://view.test/portal"})
    for target, host in (("/", "view.test"), ("/x?y", "unknown.test")):
        with balancer.connect_redirect() as client:
            assert client.get(target, host=host)["Location"] == "https://view.test/portal"


def test_redirect_can_be_switched_off(testbed):
    balancer = testbed.balance(testbed.server(), redirect="off")
    with pytest.raises(ConnectionRefusedError):
        balancer.connect_redirect()
    assert balancer.get("/").status == 200


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\nHost: view.test\n\n", {400}),
        (b"GET / HTTP/2.0\r\nHost: view.test\r\n\r\n", {505}),
        (b"CONNECT view.test:443 HTTP/1.1\r\nHost: view.test:443\r\n\r\n", {400, 405, 501}),
        (b"GET /" + b"a" * 50_000 + b" HTTP/1.1\r\nHost: view.test\r\n\r\n", {414, 431}),
        (b"GET /\r\nLocation: x HTTP/1.1\r\nHost: view.test\r\n\r\n", {400, 505}),
        (b"\0" * 5000 + b"\r\n\r\n", {400}),
    ],
    ids=["client-hello", "no-host", "two-hosts", "bare-lf", "http-2", "connect", "long", "split-line", "zeros"],
)
def test_garbage_is_refused(balancer, sent, statuses):
    with balancer.connect_redirect() as client:
        try:
            client.send(sent)
        except ConnectionError:
            pass
        answer = client.answer()
        assert answer is not None and answer.status in statuses
        assert "Location" not in answer.head.names
        assert client.receive_to_end() == b""
    assert location(balancer) == "https://view.test/"


def test_silent_client_is_disconnected(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"http-request": "300ms"})
    with balancer.connect_redirect() as client:
        client.receive_to_end()
        assert client.ended


def test_body_after_the_request_does_not_reset_the_answer(balancer):
    with balancer.connect_redirect() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: view.test\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        answer = client.answer("POST")
        assert answer.status == 308
