"""Headers of the PROXY protocol that servers receive (`servers.NAME.send-proxy-v2`)."""

import socket

import pytest
from harness.client import connect_tls
from harness.proxy import haproxy, haproxy_server
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
SENDS = {"view01": {"send-proxy-v2": True}}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"
PROXY = "127.0.91.9"
WHOAMI = """location = /whoami {
  return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";
}"""


def real_server(testbed, kind):
    if kind == "nginx":
        return testbed.nginx(listen="proxy_protocol", extra=WHOAMI)
    return testbed.proxy(lambda directory, *_: haproxy_server(directory, testbed.certificates.front), None, None)


def balance(testbed, server, **options):
    balancer = testbed.balance(server, serving=False, server_changes=SENDS, health=QUICK, threads=1, **options)
    balancer.wait_for_state("view01", "up")
    return balancer


def names(client):
    """Both endpoints of a client's connection, as text."""
    return " ".join(f"{address} {port}" for address, port in (client.socket.getsockname(), client.socket.getpeername()))


@pytest.mark.parametrize("mode", ["http", "passthrough"])
@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_real_server_receives_the_clients_address(testbed, kind, mode):
    options = {"mode": "passthrough", "tls": None} if mode == "passthrough" else {}
    balancer = balance(testbed, real_server(testbed, kind), **options)
    clients = [balancer.connect(f"127.0.93.{number + 1}") for number in range(6)]
    for _ in range(3):
        for client in clients:
            assert client.get("/whoami").text == names(client)
    for client in clients:
        client.close()


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_header_has_the_client_of_each_request_of_a_trusted_proxy(testbed, kind):
    balancer = balance(testbed, real_server(testbed, kind), forwarded={"trusted-proxies": [PROXY]})
    with balancer.connect(PROXY) as proxy, balancer.connect("127.0.93.1") as other:
        destination = f"{balancer.address} {balancer.port}"
        mapped = f"::ffff:{destination}"
        people = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.1", "2001:db8::7", "2001:db8::8", "192.0.2.1"]
        for person in people:
            # nginx can't express port 0.
            expected = f"{person} {'0' if kind == 'haproxy' else ''} {mapped if ':' in person else destination}"
            assert proxy.get("/whoami", f"X-Forwarded-For: {person}").text == expected
            assert other.get("/whoami", "X-Forwarded-For: 192.0.2.1").text == names(other)
        assert proxy.get("/whoami", "X-Forwarded-For: 192.0.2.7:4711").text == f"192.0.2.7 4711 {destination}"
        assert proxy.get("/whoami").text == names(proxy)


@pytest.mark.parametrize("mode", ["http", "passthrough"])
def test_header_of_a_trusted_proxy_is_forwarded(testbed, mode):
    options = {"mode": "passthrough", "tls": None} if mode == "passthrough" else {}
    forwarded = {"trusted-proxies": [PROXY], "proxy-protocol": True}
    balancer = balance(testbed, real_server(testbed, "haproxy"), forwarded=forwarded, **options)
    front = testbed.proxy(haproxy, balancer, PROXY, mode="tcp", server="send-proxy-v2")
    with connect_tls((front.address, front.port), balancer.context(), source="127.0.93.7") as client:
        address, port = client.socket.getsockname()
        for _ in range(2):
            assert client.get("/whoami").text == f"{address} {port} {balancer.address} {balancer.port}"


def listen_for_headers(server):
    """From now on removes and records the header of each connection to this server, if there is one."""
    headers = []

    def accept(sock):
        header = b""
        if sock.recv(1, socket.MSG_PEEK) == SIGNATURE[:1]:
            header = sock.recv(16, socket.MSG_WAITALL)
            header += sock.recv(int.from_bytes(header[14:16], "big"), socket.MSG_WAITALL)
        headers.append(header)

    server.on_accept = accept
    return headers


def header_of(client):
    """The header that a server should receive for this client."""
    (source, source_port), (destination, port) = client.socket.getsockname(), client.socket.getpeername()
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    return SIGNATURE + b"\x21\x11\0\x0c" + addresses + source_port.to_bytes(2, "big") + port.to_bytes(2, "big")


@pytest.mark.parametrize("check", ["https", "tls", "tcp"])
def test_health_checks_have_a_local_header(testbed, check):
    server = testbed.server()
    headers = listen_for_headers(server)
    balancer = testbed.balance(server, serving=False, server_changes=SENDS, health=QUICK | {"check": check})
    balancer.wait_for_state("view01", "up")
    wait_until(lambda: len(headers) > 3, lambda: f"checks: {headers}")
    assert set(headers) == {LOCAL}
    server.die()
    balancer.wait_for_state("view01", "down")


def test_server_that_expects_no_header_is_down_with_the_reason(testbed):
    server = testbed.server()
    server.expects_nonsense = True
    balancer = testbed.balance(server, serving=False, server_changes=SENDS, health=QUICK)
    balancer.wait_for_state("view01", "down")
    result = wait_until(lambda: balancer.status_of("view01")["last_check"], lambda: f"a check: {balancer.status}")["result"]
    assert result.endswith("a PROXY protocol header was sent (send-proxy-v2)"), result


def test_connection_with_a_header_serves_one_client(testbed):
    server = testbed.server()
    headers = listen_for_headers(server)
    balancer = balance(testbed, server)
    expected = []
    for number in range(5):
        with balancer.connect(f"127.0.93.{number + 1}") as client:
            expected.append(header_of(client))
            assert client.get("/").status == client.get("/").status == 200
    of_client = [[id(r.connection) for r in server.requests[n : n + 2]] for n in range(0, 10, 2)]
    assert all(first == second for first, second in of_client)
    assert len({first for first, _ in of_client}) == 5
    assert [header for header in headers if header != LOCAL] == expected


def test_reload_switches_the_header_on_and_off(testbed):
    server = testbed.server()
    headers = listen_for_headers(server)
    balancer = testbed.balance(server, threads=1, pool={"share": False})
    with balancer.connect() as client:
        for sends, made in ((False, 0), (True, 1), (True, 0), (False, 0)):
            balancer.reload({"servers": {"view01": {"send-proxy-v2": sends}}})
            headers.clear()
            for _ in range(2):
                assert client.get("/").status == 200
            assert headers.count(header_of(client)) == made
        # Each change led to a new connection, although the previous one was idle.
        connections = [id(request.connection) for request in server.requests[-8:]]
        assert connections[0] == connections[1] != connections[2] == connections[5] != connections[6] == connections[7]
