"""Which requests are forwarded: for which names (RFC 9110 §15.5.20), and with which bodies."""

import pytest
from harness.server import page

pytestmark = pytest.mark.memory


def get(host, version="1.1"):
    return f"GET /host HTTP/{version}\r\n{host}\r\n"


def ask(balancer, host, *, server_name="view.test", source=None):
    with balancer.connect(source, server_name=server_name) as client:
        return client.exchange(get(f"Host: {host}\r\n"), "GET").status


@pytest.fixture(scope="module")
def balanced(shared_testbed):
    authority = shared_testbed.certificates.authority
    front = authority.issue("view.test", names=["view.test", "alias.test", "*.wild.test", "IP:192.0.2.7"])
    server = shared_testbed.server()
    return shared_testbed.balance(server, service=["view.test", "named.test"], tls={"certificate": str(front.chain), "key": str(front.key)}), server


@pytest.mark.parametrize(
    "host",
    ["view.test", "VIEW.Test", "view.test:443", "view.test:8443", "view.test.", "named.test", "alias.test", "a.wild.test",
     "192.0.2.7", "198.51.100.1:8443", "[2001:db8::1]", "[::1]:443"],
)  # fmt: skip
def test_names_of_service_and_certificates_and_addresses_are_served(balanced, host):
    assert ask(balanced[0], host) == 200


@pytest.mark.parametrize("head", [get("Host:\r\n"), get("Host: \r\n"), get("", "1.0")])
def test_request_without_a_name_is_served(balanced, head):
    with balanced[0].connect() as client:
        assert client.exchange(head, "GET").status == 200


@pytest.mark.parametrize(
    "host", ["unknown.test", "view.test.unknown.test", "xview.test", "wild.test", "a.b.wild.test", "view", "1.2.3"]
)
def test_request_for_another_name_is_answered_with_421(balanced, host):
    balancer, server = balanced
    server.forget()
    with balancer.connect() as client:
        answer = client.exchange(get(f"Host: {host}\r\n"), "GET")
        assert answer.status == 421 and answer["Connection"] == "close"
        assert client.receive_to_end() == b"" and client.ended == "clean"
    assert server.requests == []
    with balancer.connect() as client:
        # Nor after a valid one, nor with a body.
        client.send(get("Host: view.test\r\n"))
        assert client.answer("GET").status == 200
        client.send(f"POST /host HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello")
        assert client.answer("POST").status == 421
    assert [request.method for request in server.requests] == ["GET"]
    balancer.wait_for_access(" 421 .* PR-- ")


def test_redirect_listener_redirects_any_name_to_the_service(balanced):
    balancer, _ = balanced
    with balancer.connect_redirect() as client:
        answer = client.exchange(get("Host: unknown.test\r\n"), "GET")
        assert answer.status == 301 and answer["Location"].startswith("https://view.test")
        assert answer["Cache-Control"] == "no-store"


def test_built_in_pages_forbid_content_sniffing(balanced):
    with balanced[0].connect() as client:
        answer = client.exchange(get("Host: unknown.test\r\n"), "GET")
        assert answer["X-Content-Type-Options"] == "nosniff" and answer["Cache-Control"] == "no-store"


def test_further_names_or_any_name_can_be_allowed(testbed):
    balancer = testbed.balance(testbed.server(), requests={"hosts": ["old.test", "older.test"]})
    assert [ask(balancer, host) for host in ("old.test:443", "OLDER.test", "view.test", "unknown.test")] == [200, 200, 200, 421]
    with balancer.connect() as client:
        assert client.exchange(get("Host: view.test\r\n"), "GET").status == 200
        balancer.reload({"requests": {"hosts": "any"}})
        # The new names apply to a connection from its second request on.
        assert client.exchange(get("Host: view.test\r\n"), "GET").status == 200
        assert client.exchange(get("Host: unknown.test\r\n"), "GET").status == 200
    assert ask(balancer, "unknown.test") == 200


def test_trusted_proxy_may_request_any_name(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": ["127.0.61.0/24"]})
    assert ask(balancer, "proxy.test", source="127.0.61.9") == 200
    assert ask(balancer, "proxy.test", source="127.0.62.9") == 421


def pairs(*certificates):
    return {"certificate": None, "key": None, "certificates": [{"certificate": str(c.chain), "key": str(c.key)} for c in certificates]}


def test_name_is_served_with_its_own_certificate_only(testbed, certificates):
    """A client that verified one certificate has not verified another name."""
    server = testbed.server()
    balancer = testbed.balance(server, service=["view.test", "other.test", "bare.test"], tls=pairs(certificates.front, certificates.second))
    rows = [
        ("view.test", "view.test", 200), ("other.test", "other.test", 200), ("other.test", "OTHER.test.:443", 200),
        ("other.test", "view.test", 421), ("view.test", "other.test", 421), (None, "view.test", 200),
        (None, "other.test", 421), ("unknown.test", "view.test", 200), ("other.test", "192.0.2.1", 200),
        # No certificate has this name, so that it is served with any.
        ("view.test", "bare.test", 200), ("other.test", "bare.test", 200),
    ]  # fmt: skip
    context = balancer.context()
    context.check_hostname = False

    def status(name, host):
        with balancer.connect(context=context, server_name=name) as client:
            return client.exchange(get(f"Host: {host}\r\n"), "GET").status

    assert [status(name, host) for name, host, _ in rows] == [expected for _, _, expected in rows]
    # A reload exchanges the certificates during a connection.
    with balancer.connect(context=context, server_name="other.test") as client:
        assert client.exchange(get("Host: other.test\r\n"), "GET").status == 200
        balancer.reload({"tls": pairs(certificates.second, certificates.front)})
        for host, expected in (("other.test", 200), ("other.test", 200), ("view.test", 421)):
            assert client.exchange(get(f"Host: {host}\r\n"), "GET").status == expected


def test_get_with_a_body_is_forwarded_if_allowed(testbed):
    def script(request):
        request.body()
        request.respond(200, request.head.get("Connection") or "none")

    server = testbed.server(script=script)
    balancer = testbed.balance(server, requests={"get-body": "on"})
    bodies = [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    with balancer.connect() as client:
        for field, body in bodies:
            answer = client.exchange(f"GET /body HTTP/1.1\r\nHost: view.test\r\n{field}\r\n\r\n{body}", "GET")
            # Bytes that the server leaves unread are not taken for a request.
            assert answer.status == 200 and answer.text == "close"
        assert client.get("/plain").text == "none"
    assert [request.body().raw for request in server.requests] == [b"hello", b"5\r\nhello\r\n0\r\n\r\n", b""]
    assert len({id(request.connection) for request in server.requests}) == 3


def test_body_left_unread_by_a_server_is_not_taken_for_a_request(testbed):
    server = testbed.server(script=lambda request: request.respond(200, request.target))
    server.expects_nonsense = True
    balancer = testbed.balance(server, requests={"get-body": "on"})
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n"
    with balancer.connect() as client:
        client.send(f"GET /first HTTP/1.1\r\nHost: view.test\r\nContent-Length: {len(smuggled)}\r\n\r\n{smuggled}")
        assert client.answer("GET").text == "/first"
    for _ in range(3):
        assert balancer.get("/mine").text == "/mine"
    server.script = page


def test_nginx_accepts_the_forwarded_requests(testbed):
    """White space around chunk extensions, a Host with HTAB around it, and a ticket of 40 KB."""
    nginx = testbed.nginx(extra="large_client_header_buffers 4 64k;")
    balancer = testbed.balance(nginx, limits={"header-bytes": "64KiB"})
    body = '5 ;a\r\nhello\r\n6 ; b = "c; d"\t;e\r\n world\r\n0 ;f\r\n\r\n'
    ticket = "y" * 40_000
    with balancer.connect() as client:
        for number in range(3):
            head = f"PUT /blob/{number} HTTP/1.1\r\nHost:\tview.test\t\r\nAuthorization: Negotiate {ticket}\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.send(head)
            for byte in body[:20]:
                client.send(byte)
            client.send(body[20:])
            assert client.answer("PUT").status == 201
            assert (nginx.root / str(number)).read_bytes() == b"hello world"
        assert client.get("/").text == "view01"
