"""Header fields: those that describe the client to the server, and those that are forwarded unchanged."""

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_tls
from harness.http import Head
from harness.server import page
from harness.waiting import free_port

pytestmark = pytest.mark.memory


def seen_by_server(balancer, *fields, source=None, host="view.test", version="1.1"):
    """The head that the server received, from its answer."""
    with balancer.connect(source) as client:
        lines = [f"GET /head HTTP/{version}", f"Host: {host}", *fields]
        answer = client.exchange("\r\n".join(lines) + "\r\n\r\n")
        assert answer.status == 200, answer.text
        return Head.parse(answer.content)


def test_forwarding_fields_have_the_clients_address_protocol_and_host(balanced):
    head = seen_by_server(balanced[0], source="127.0.60.1", host="view.test:8443")
    assert head.get("X-Forwarded-For") == "127.0.60.1"
    assert head.get("X-Forwarded-Proto") == "https"
    assert head.get("X-Forwarded-Host") == "view.test:8443"


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR"])
def test_address_claimed_by_a_client_is_replaced(balanced, name):
    head = seen_by_server(balanced[0], f"{name}: 10.1.2.3", f"{name}: 10.1.2.4", source="127.0.60.2")
    assert head.all("X-Forwarded-For") == ["127.0.60.2"]


def test_protocol_and_host_claimed_by_a_client_are_replaced(balanced):
    head = seen_by_server(balanced[0], "X-Forwarded-Proto: http", "X-Forwarded-Host: unknown.test")
    assert head.all("X-Forwarded-Proto") == ["https"]
    assert head.all("X-Forwarded-Host") == ["view.test"]


def test_forwarded_of_rfc_7239_is_dropped(balanced):
    head = seen_by_server(balanced[0], "Forwarded: for=10.1.2.3")
    assert head.all("Forwarded") == []


# One of each kind: address, URL, host, method, scheme, user, certificate.
CLAIMS = [
    "True-Client-IP", "X-Real-IP", "X-Client-IP", "Client-IP", "X-Cluster-Client-IP", "CF-Connecting-IP", "X-Original-URL",
    "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Host", "X-HTTP-Method-Override", "Front-End-Https", "X-Remote-User",
    "SSL-Client-Cert", "Client-Cert", "X_Original_URL", "Client_IP",
]  # fmt: skip


def test_fields_set_by_proxies_are_forwarded_from_trusted_proxies_only(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": ["127.0.61.0/24"]})
    lines = [f"{name}: 192.0.2.9" for name in CLAIMS]
    # In batches of the maximum number of removed fields per head.
    for some in (lines[:8], lines[8:]):
        head = seen_by_server(balancer, *some, source="127.0.62.9")
        assert b"192.0.2.9" not in head.raw, head.raw
        head = seen_by_server(balancer, *some, source="127.0.61.9")
        assert [line for line in some if line.encode() not in head.raw] == []


def test_proxy_field_is_dropped(testbed):
    """CGI programs receive it as the variable HTTP_PROXY."""
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": ["127.0.61.0/24"]})
    for source in ("127.0.61.9", "127.0.62.9"):
        head = seen_by_server(balancer, "Proxy: http://192.0.2.9/", "pROXY: x", source=source)
        assert head.all("Proxy") == []


def test_forwarding_fields_can_be_switched_off(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"add": False})
    head = seen_by_server(balancer, "X-Forwarded-For: 10.1.2.3")
    assert [name for name in head.names if name.lower().startswith("x-forwarded")] == []


def test_fields_of_a_trusted_proxy_are_kept(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": ["127.0.61.0/24"]})
    head = seen_by_server(balancer, "X-Forwarded-For: 10.1.2.3", "X-Forwarded-Proto: https", source="127.0.61.9")
    values = ", ".join(head.all("X-Forwarded-For"))
    assert values == "10.1.2.3, 127.0.61.9"
    head = seen_by_server(balancer, "X-Forwarded-For: 10.1.2.3", source="127.0.62.9")
    assert head.all("X-Forwarded-For") == ["127.0.62.9"]


def test_names_keep_their_case_and_order(balanced):
    fields = ["zEBRA: 1", "Accept: */*", "User-agent: Mozilla/4.0 (compatible; MSIE 6.0)", "a: 2", "A: 3", "cookie: x=y; z", "COOKIE: q=r"]
    head = seen_by_server(balanced[0], *fields)
    kept = [f"{name}: {value}" for name, value in head.fields if not name.lower().startswith("x-forwarded")]
    kept = [line for line in kept if line.split(":")[0] != "Connection"]
    assert kept == ["Host: view.test", *fields]


def test_values_are_not_rewritten(balanced):
    head = seen_by_server(balanced[0], "X-Spaces:   a  b\tc   ", "X-Quote: \"a, b\", c;d=e")
    assert b"X-Spaces:   a  b\tc   \r\n" in head.raw or b"X-Spaces: a  b\tc\r\n" in head.raw
    assert b"X-Quote: \"a, b\", c;d=e\r\n" in head.raw


@pytest.mark.parametrize("host", ["view.test", "VIEW.Test", "view.test:443", "view.test.", "[::1]:8443", "192.0.2.1"])
def test_host_and_origin_are_unchanged(balanced, host):
    """The Connection Server checks both itself."""
    head = seen_by_server(balanced[0], f"Origin: https://{host}", host=host)
    assert head.get("Host") == host and head.get("Origin") == f"https://{host}"


@pytest.mark.parametrize(
    "fields",
    [
        ["Connection: keep-alive"],
        ["Keep-Alive: timeout=5", "Connection: keep-alive"],
        ["Proxy-Connection: keep-alive"],
        ["TE: trailers", "Connection: TE"],
        ["X-Private: 1", "Connection: x-private, close"],
        ["X-Private: 1", "x-PRIVATE: 2", "Connection: X-Private"],
        ["Connection: ,, keep-alive ,,"],
        ["Upgrade: foo/2", "Connection: upgrade"],
    ],
)
def test_hop_by_hop_fields_are_not_forwarded(balanced, fields):
    """RFC 9110 §7.6.1."""
    head = seen_by_server(balanced[0], *fields)
    for name in ("Keep-Alive", "Proxy-Connection", "X-Private", "Upgrade"):
        assert head.all(name) == [], head.raw
    connection = ", ".join(head.all("Connection")).lower()
    options = connection.split(", ")
    assert "x-private" not in options and "upgrade" not in options
    # TE may be forwarded to the server, and is then nominated by Connection.
    assert ("te" in options) == bool(head.all("TE")), head.raw


def test_hop_by_hop_fields_of_answers_are_not_forwarded(balanced):
    balancer, server = balanced
    server.script = lambda request: request.respond(
        200, "x", "X-First: 1", "Keep-Alive: timeout=1", "Connection: keep-alive, X-Private", "X-Private: 1",
        "Proxy-Connection: close", "Set-Cookie: a=b", "set-cookie: c=d", "X-Last: 2",
    )  # fmt: skip
    with balancer.connect() as client:
        answer = client.get("/")
    server.script = page
    assert answer.head.names[:1] == ["X-First"]
    for name in ("Keep-Alive", "X-Private", "Proxy-Connection"):
        assert answer.head.all(name) == []
    assert answer.head.all("Set-Cookie") == ["a=b", "c=d"]
    assert [n for n in answer.head.names if n.lower() == "set-cookie"] == ["Set-Cookie", "set-cookie"]


def test_nothing_is_added_to_answers(balanced):
    balancer, _ = balanced
    with balancer.connect() as client:
        answer = client.get("/")
    assert answer.head.fields == [("X-Server", "view01"), ("Content-Length", "6")]


def test_http_1_0_is_forwarded_as_http_1_0(balanced):
    """So that it does not answer in chunks."""
    head = seen_by_server(balanced[0], version="1.0")
    assert head.start == "GET /head HTTP/1.0"
    assert head.get("X-Forwarded-Proto") == "https"


def test_ipv6_client_address_is_forwarded_without_brackets(testbed):
    try:
        port = free_port("::1")
    except OSError as fault:
        pytest.skip(f"no IPv6 on this machine: {fault}")
    server = testbed.server()
    balancer = testbed.balance(server, start=False)
    balancer.configuration["listen"] = [endpoint_text("::1", port), endpoint_text(balancer.address, balancer.port)]
    balancer.start().wait_until_serving()
    with connect_tls(("::1", port), balancer.context()) as client:
        head = Head.parse(client.get("/head").content)
    assert head.get("X-Forwarded-For") == "::1"


def test_login_of_a_view_client_is_forwarded(balanced):
    balancer, server = balanced
    answer_xml = '<?xml version="1.0"?><broker version="15.0"><set-locale><result>ok</result></set-locale></broker>'

    def script(request):
        assert b"<get-configuration/>" in request.body().content
        request.respond(
            200, answer_xml, "Content-Type: text/xml;charset=UTF-8",
            "Set-Cookie: JSESSIONID=0123; Path=/; Secure; HttpOnly",
            "Set-Cookie: com.vmware.vdi.broker.location.id=3f2504e0",
        )  # fmt: skip

    server.script = script
    body = b'<?xml version="1.0"?><broker version="2.0"><get-configuration/></broker>'
    with balancer.connect() as client:
        answer = client.post("/broker/xml", body, "Content-Type: application/x-www-form-urlencoded")
    server.script = page
    assert answer.text == answer_xml
    assert len(answer.head.all("Set-Cookie")) == 2
