"""HAProxy with a configuration and Belvedere with its import answer alike."""

import pytest
from harness.imported import Imported, Original
from harness.waiting import wait_until

pytestmark = pytest.mark.once

CLIENTS = [f"127.0.93.{number + 1}" for number in range(16)]

SETTINGS = """
global
  maxconn 2000
defaults
  mode http
  option forwardfor
  retries 3
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
frontend plain
  bind {address}:{plain}
  http-request redirect prefix https://view.test:{port} code 301
frontend view
  bind {address}:{port} ssl crt {pair}
  acl is_view02 hdr(host) -i view02.test
  use_backend only-view02 if is_view02
  default_backend servers
backend servers
  balance source
  hash-type consistent
  option httpchk
  http-check send meth GET uri /favicon.ico ver HTTP/1.1 hdr Host view.test
  http-check expect status 200
  default-server check inter 200ms rise 1 fall 2 ssl verify required ca-file {authority} sni str(view.test)
  server view01 {view01}
  server view02 {view02}
backend only-view02
  server view02 {view02} ssl verify required ca-file {authority} sni str(view.test)
"""

# What is sent on a TLS connection, by what it is.
REQUESTS = {
    "the root": "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a path": "GET /portal/webclient/index.html HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a query": "GET /a?b=c&d=%20e HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "an empty query": "GET /? HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "escaped dots": "GET /%2e%2e/x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "dots": "GET /a/../x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "two slashes": "GET //x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a path parameter": "GET /x;jsessionid=1 HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "the absolute form": "GET https://view.test/x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "HEAD": "HEAD /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "POST": "POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 5\r\n\r\nhello",
    "POST without content": "POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 0\r\n\r\n",
    "POST in chunks": "POST /echo HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST of 200 kB": "POST /hash HTTP/1.1\r\nHost: view.test\r\nContent-Length: 200000\r\n\r\n" + "x" * 200_000,
    "PUT": "PUT /x HTTP/1.1\r\nHost: view.test\r\nContent-Length: 3\r\n\r\nabc",
    "PATCH": "PATCH /x HTTP/1.1\r\nHost: view.test\r\nContent-Length: 3\r\n\r\nabc",
    "DELETE": "DELETE /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "OPTIONS": "OPTIONS /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a method of its own": "PROPFIND /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a session's cookie": "GET /x HTTP/1.1\r\nHost: view.test\r\nCookie: JSESSIONID=abc; a=b\r\n\r\n",
    "two cookie lines": "GET /x HTTP/1.1\r\nHost: view.test\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n",
    "a Host in capitals": "GET /x HTTP/1.1\r\nHost: VIEW.test\r\n\r\n",
    "a Host with a port": "GET /x HTTP/1.1\r\nHost: view.test:443\r\n\r\n",
    "a Host with a final dot": "GET /x HTTP/1.1\r\nHost: view.test.\r\n\r\n",
    "the name of one server": "GET /x HTTP/1.1\r\nHost: view02.test\r\n\r\n",
    "the name of one server in capitals": "GET /x HTTP/1.1\r\nHost: VIEW02.TEST\r\n\r\n",
    "HTTP/1.0": "GET /x HTTP/1.0\r\nHost: view.test\r\n\r\n",
    "a long field": f"GET /x HTTP/1.1\r\nHost: view.test\r\nX-Long: {'x' * 8000}\r\n\r\n",
    "sixty fields": "GET /x HTTP/1.1\r\nHost: view.test\r\n" + "X-One: 1\r\n" * 60 + "\r\n",
    "Connection: close": "GET /x HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n",
    "an expectation": "POST /echo HTTP/1.1\r\nHost: view.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    "two Hosts": "GET /x HTTP/1.1\r\nHost: view.test\r\nHost: other.test\r\n\r\n",
    "a space in the target": "GET /a b HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "a space before a colon": "GET /x HTTP/1.1\r\nHost: view.test\r\nX : a\r\n\r\n",
    "two lengths": "POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "a negative length": "POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: -5\r\n\r\nhello",
    "an invalid chunk": "POST /echo HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "an unknown coding": "POST /echo HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: other\r\nContent-Length: 5\r\n\r\nhello",
    # Those with a deliberate difference.
    "a NUL in a field": "GET /x HTTP/1.1\r\nHost: view.test\r\nX: a\0b\r\n\r\n",
    "an unknown Host": "GET /x HTTP/1.1\r\nHost: unknown.test\r\n\r\n",
    "no Host": "GET /x HTTP/1.1\r\n\r\n",
    "a head of 20 kB": f"GET /x HTTP/1.1\r\nHost: view.test\r\nX-Long: {'x' * 20_000}\r\n\r\n",
    "a path of 9 kB": f"GET /{'x' * 9000} HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "GET with content": "GET /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 5\r\n\r\nhello",
    "a length beside a coding": (
        "POST /echo HTTP/1.1\r\nHost: view.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ),
    "TRACE": "TRACE /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
}

# Where the statuses differ on purpose: HAProxy's, Belvedere's, and why.
DIFFERENCES = {
    "a NUL in a field": (200, 400, "a NUL ends a text in some servers: RFC 9110 section 5.5"),
    "an unknown Host": (200, 421, "the request was meant for another server: RFC 9110 section 15.5.20"),
    "no Host": (200, 400, "HTTP/1.1 requires one: RFC 9112 section 3.2"),
    "a head of 20 kB": (400, 431, "the status that says so: RFC 6585 section 5; limits.header-bytes"),
    "a path of 9 kB": (200, 414, "path and query may have 8 KiB; limits.header-bytes"),
    "GET with content": (200, 400, "a server that does not read it takes it for the next request; requests.get-body"),
    "a length beside a coding": (200, 400, "the usual means of request smuggling: RFC 9112 section 6.1"),
    "TRACE": (200, 405, "it shows a client its fields, with those that it must not see: RFC 9110 section 9.3.8"),
}

# Requests for the plain port.
PLAIN = {
    "the root": "GET / HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "path and query": "GET /a/b?c=d&e=%20f HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "HEAD": "HEAD /x HTTP/1.1\r\nHost: view.test\r\n\r\n",
    "an unknown Host": "GET /x HTTP/1.1\r\nHost: unknown.test\r\n\r\n",
    "HTTP/1.0": "GET /x HTTP/1.0\r\n\r\n",
    "POST": "POST /x HTTP/1.1\r\nHost: view.test\r\nContent-Length: 0\r\n\r\n",
    "nonsense": "nonsense\r\n\r\n",
}
PLAIN_DIFFERENCES = {"POST": (301, 308, "with 301 clients repeat a POST as GET: RFC 9110 section 15.4.9")}


@pytest.fixture(scope="module")
def pair(shared_testbed, certificates):
    """HAProxy and Belvedere before the same two servers."""
    servers = [shared_testbed.server(name) for name in ("view01", "view02")]
    for server in servers:
        server.expects_nonsense = True
    directory = shared_testbed.directory
    pem = directory / "pair.pem"
    pem.write_text(certificates.front.chain.read_text() + certificates.front.key.read_text())

    def settings(address, port, plain):
        return SETTINGS.format(
            address=address, port=port, plain=plain, pair=pem, authority=certificates.authority.certificate,
            **{server.name: f"{server.address}:{server.port}" for server in servers},
        )  # fmt: skip

    original = Original(directory / "original", settings, certificates.authority.certificate)
    shared_testbed.others.append(original)
    imported = Imported(directory / "imported", settings, certificates.authority.certificate)
    shared_testbed.balancers.append(imported)
    return original.wait_until_serving(), imported.wait_until_serving(), servers


def answer(connection, request):
    """Status, Location and, if it is a server's, the content of an answer."""
    with connection:
        try:
            response = connection.exchange(request)
        except OSError:
            response = None
        if response is None:
            return None, None, b""
        return response.status, response["Location"], response.content if response.status == 200 else b""


def server_of(balancer, client, target="/x"):
    """The server that answers a client."""
    with balancer.connect(client) as connection:
        response = connection.get(target, "Connection: close")
        return response["X-Server"] if response else None


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_answered_alike(pair, name):
    # HAProxy takes both servers for down when its checks of 200 ms are late.
    first, second = (answer(balancer.wait_until_serving().connect(CLIENTS[0]), REQUESTS[name]) for balancer in pair[:2])
    if name in DIFFERENCES:
        assert (first[0], second[0]) == DIFFERENCES[name][:2]
        return
    if "name of one server" in name:
        assert first[2] == b"view02"
    else:
        # Which of the two a client has is the choice of each one's hash.
        first, second = (parts[:2] + (parts[2].replace(b"view02", b"view01"),) for parts in (first, second))
    assert first == second


@pytest.mark.parametrize("name", PLAIN)
def test_a_request_for_port_80_is_answered_alike(pair, name):
    original, imported, _ = pair
    first, second = (answer(balancer.connect_redirect(CLIENTS[0]), PLAIN[name]) for balancer in (original, imported))
    if name in PLAIN_DIFFERENCES:
        assert (first[0], second[0]) == PLAIN_DIFFERENCES[name][:2]
        second = (first[0], *second[1:])
    # Each has a port of its own.
    location = second[1] and second[1].replace(str(imported.port), str(original.port))
    assert first == (second[0], location, second[2])


def test_a_kept_connection_carries_the_same_answers(pair):
    def answers(balancer):
        with balancer.connect(CLIENTS[0]) as connection:
            texts = [connection.get(f"/{number}").status for number in range(10)]
            texts.append(connection.post("/echo", b"hello").content)
            return texts + [connection.get("/last", "Connection: close").status, connection.receive_to_end()]

    assert answers(pair[0]) == answers(pair[1]) == [200] * 10 + [b"hello", 200, b""]


def test_a_server_receives_the_same_about_the_client(pair):
    def received(balancer, *fields):
        with balancer.connect(CLIENTS[1]) as connection:
            text = connection.get("/head", *fields, "Cookie: JSESSIONID=abc", "Connection: close").text
        lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
        lines = {name.lower(): value for name, value in lines.items()}
        return text.splitlines()[0], lines["host"], lines["cookie"], lines["x-forwarded-for"]

    expected = ("GET /head HTTP/1.1", "view.test", "JSESSIONID=abc", CLIENTS[1])
    assert received(pair[0]) == received(pair[1]) == expected
    # The last line of the field is the balancer's; Belvedere drops a client's own.
    forged = "X-Forwarded-For: 203.0.113.9"
    assert received(pair[0], forged) == received(pair[1], forged) == expected


def test_a_client_stays_with_its_server(pair):
    for balancer in pair[:2]:
        first = {client: server_of(balancer, client) for client in CLIENTS}
        assert set(first.values()) == {"view01", "view02"}
        assert {client: server_of(balancer, client) for client in reversed(CLIENTS)} == first


def test_clients_of_a_lost_server_get_the_same_other_one_and_then_an_error(pair):
    original, imported, (view01, view02) = pair
    view01.die()

    def have(client, expected):
        return lambda: all(server_of(balancer, client) == expected for balancer in (original, imported))

    for client in CLIENTS:
        wait_until(have(client, "view02"), f"{client} to have view02")
    view02.die()
    request = REQUESTS["a path"]

    def fails():
        return all(answer(balancer.connect(CLIENTS[0]), request) == (503, None, b"") for balancer in (original, imported))

    wait_until(fails, "503 from both")
    # With its only server down, a name is answered likewise.
    request = REQUESTS["the name of one server"]
    wait_until(fails, "503 from both for a name")
    view01.start()
    view02.start()
    for balancer in (original, imported):
        wait_until(lambda balancer=balancer: server_of(balancer, CLIENTS[0]), "a server to answer again")
