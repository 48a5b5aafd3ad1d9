"""What a connection is good for after 429, and who is named for having been above a rate (`rates`)."""

import re

import pytest
from harness.rates import ONE, OTHER, PROXY, rates
from harness.view import UPGRADE
from harness.waiting import all_at_once, wait_until

THIRD = "127.0.74.1"
HOST = "Host: view.test\r\n"
GET = f"GET / HTTP/1.1\r\n{HOST}"
# One request, which the test uses up first.
ONCE = "1/h burst 1"


@pytest.fixture
def exhausted(testbed):
    """A balancer, and a connection whose client is above its rate."""
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer = testbed.balance(testbed.server(), timeouts=timeouts, **rates(requests=ONCE))
    with balancer.connect(ONE) as client:
        assert client.get("/").status == 200
        yield balancer, client


@pytest.mark.parametrize("request_text", [
    f"{GET}\r\n", f"HEAD / HTTP/1.1\r\n{HOST}\r\n", f"POST / HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nok",
    f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 0\r\nExpect: 100-continue\r\n\r\n",
], ids=["get", "head", "length", "chunks", "expectation without content"])  # fmt: skip
def test_connection_goes_on_after_a_request_that_was_read(exhausted, request_text):
    _, client = exhausted
    for _ in range(3):
        answer = client.exchange(request_text)
        assert answer.status == 429 and answer["Connection"] is None and int(answer["Retry-After"]) > 3000
    assert client.get("/").status == 429


@pytest.mark.parametrize("request_text", [
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nab", f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    f"{GET}Connection: close\r\n\r\n", f"GET / HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n\r\n", UPGRADE,
], ids=["expectation", "length", "chunks", "close", "old", "upgrade"])  # fmt: skip
def test_connection_ends_after_a_request_whose_end_is_not_known(exhausted, request_text):
    _, client = exhausted
    answer = client.exchange(request_text)
    assert answer.status == 429 and answer["Connection"] == "close"
    assert client.answer() is None


def test_connection_ends_after_a_hundred_refused_requests_and_others_are_served(exhausted):
    balancer, client = exhausted
    with balancer.connect(OTHER) as other:
        client.send(f"{GET}\r\n".encode() * 99)
        assert other.get("/").status == 200
        assert [client.answer()["Connection"] for _ in range(99)] == [None] * 99
        answer = client.get("/")
        assert answer.status == 429 and answer["Connection"] == "close"
        assert client.answer() is None
    balancer.wait_for_counts("limits", request_rate=100)


def test_thousands_of_refused_requests_on_the_connection_of_a_proxy_are_answered(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": [PROXY]}, **rates(requests=ONCE))
    count = 3000
    request = f"{GET}X-Forwarded-For: 192.0.2.7\r\n\r\n".encode()
    with balancer.connect(PROXY) as proxy, balancer.connect(OTHER) as other:
        assert proxy.exchange(request).status == 200
        proxy.send(request * count)
        assert other.get("/").status == 200
        assert {proxy.answer().status for _ in range(count)} == {429}
        assert proxy.get("/", "X-Forwarded-For: 192.0.2.8").status == 200
    balancer.wait_for_counts("limits", request_rate=count)


def test_page_of_the_operator_leaves_the_connection_open_and_the_limit_of_requests_closes_it(testbed, tmp_path):
    page = tmp_path / "429.html"
    page.write_text("y" * 16_000)
    balancer = testbed.balance(
        testbed.server(), errors={429: str(page)}, limits={"requests-per-connection": 4}, **rates(requests=ONCE)
    )
    with balancer.connect(ONE) as client:
        assert client.get("/").status == 200
        answer = client.exchange(f"HEAD / HTTP/1.1\r\n{HOST}\r\n")
        assert answer.status == 429 and answer["Content-Length"] == "16000" and answer["Connection"] is None
        answer = client.get("/")
        assert answer.status == 429 and len(answer.content) == 16_000 and answer["Connection"] is None
        answer = client.get("/")
        assert answer.status == 429 and len(answer.content) == 16_000 and answer["Connection"] == "close"
        assert client.answer() is None


def test_connection_that_is_authenticated_at_its_server_outlasts_429(testbed):
    """NTLM authenticates the connection to the server."""
    server = testbed.server()
    balancer = testbed.balance(server, **rates(requests="1/s burst 1"))
    with balancer.connect(ONE) as client:
        assert client.get("/", "Authorization: NTLM TlRMTVNTUAADAAAA").status == 200
        private = server.requests[-1].connection

        def serves():
            answer = client.get("/")
            return answer.status == 200 or answer["Connection"] == "close"

        assert client.get("/").status == 429
        wait_until(serves, "the next request that the rate admits")
        assert server.requests[-1].connection is private


def test_authenticated_connection_to_a_server_in_maintenance_does_not_outlast_429(testbed):
    balancer = testbed.balance(testbed.server(), testbed.server("view02"), **rates(requests=ONCE))
    with balancer.connect(ONE) as client:
        assert client.get("/", "Authorization: NTLM TlRMTVNTUAADAAAA").status == 200
        [request] = [each for server in testbed.servers for each in server.requests if each.head.get("Authorization")]
        private = request.connection
        assert client.get("/").status == 429
        assert not private.stream.ended
        balancer.server(private.server.name, "maintenance")
        wait_until(lambda: private.stream.ended or private.stream.closed, "the end of the connection")
        assert client.get("/").status == 429


@pytest.mark.parametrize("rest, begun", [("", 0), ("\r\n", 0), ("\r", 0), ("G", 1)])
def test_line_end_behind_as_many_refused_requests_as_one_turn_has_is_no_request(testbed, rest, begun):
    balancer = testbed.balance(testbed.server(), threads=1, **rates(requests=ONCE))
    with balancer.connect(ONE) as client:
        assert client.get("/").status == 200
        client.send(f"{GET}\r\n" * 16 + rest)
        assert [client.answer()["Connection"] for _ in range(16)] == [None] * 16
        client.finish()
        assert client.receive_to_end() == b""
    # Lines of one thread are in order.
    balancer.get("/last", source=OTHER)
    balancer.wait_for_access("/last")
    lines = [line for line in balancer.access_lines if ONE in line or ' CR-- ' in line]
    assert len(lines) == 17 + begun, lines


def test_refused_client_leaves_the_connection_of_a_proxy_to_others(testbed):
    access = {"allow": ["192.0.2.0/24", "127.0.0.0/8"], "paths": {"/admin": {"allow": ["192.0.2.99"]}}}
    balancer = testbed.balance(
        testbed.server(), access=access, forwarded={"trusted-proxies": [PROXY]}, **rates(requests="1/h burst 2")
    )

    def request(client, target="/"):
        return f"GET {target} HTTP/1.1\r\n{HOST}X-Forwarded-For: {client}\r\n\r\n".encode()

    first, second = "192.0.2.7", "192.0.2.8"
    with balancer.connect(PROXY) as proxy:
        sent = [request(first), request(first), request(first), request(second), request("198.51.100.1"),
                request(first), request("192.0.2.9", "/admin"), request("192.0.2.9", "/a/../admin"), request(second)]  # fmt: skip
        proxy.send(b"".join(sent))
        assert [proxy.answer().status for _ in sent] == [200, 200, 429, 200, 403, 429, 403, 400, 200]
    # What access refuses is charged to no rate.
    assert [balancer.get("/", "X-Forwarded-For: 192.0.2.9", source=PROXY).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("name", ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"])
def test_mapped_address_is_the_ipv4_client(testbed, name):
    access = {"paths": {"/admin": {"deny": ["192.0.2.0/24"]}}}
    balancer = testbed.balance(
        testbed.server(), access=access, forwarded={"trusted-proxies": [PROXY]}, **rates(requests="1/h burst 2")
    )
    field = f"X-Forwarded-For: {name}"
    assert balancer.get("/admin", field, source=PROXY).status == 403
    assert balancer.get("/", field, source=PROXY).status == 200
    assert balancer.get("/", "X-Forwarded-For: 192.0.2.7", source=PROXY).status == 200
    assert balancer.get("/", field, source=PROXY).status == 429
    assert balancer.get("/", "X-Forwarded-For: 192.0.2.8", source=PROXY).status == 200


def block(client):
    """A header of the PROXY protocol, version 2, for a client with IPv4 or with an address mapped into IPv6."""
    octets = bytes(map(int, client.rsplit(":", 1)[-1].split(".")))
    mapped = bytes(10) + b"\xff\xff"
    family, addresses = (0x21, mapped + octets + mapped + bytes(4)) if ":" in client else (0x11, octets + bytes(4))
    content = addresses + (50_000).to_bytes(2, "big") + (443).to_bytes(2, "big")
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, family]) + len(content).to_bytes(2, "big") + content


def test_refused_clients_of_proxy_headers_get_no_handshake(testbed):
    # Two loops would read the headers in any order.
    balancer = testbed.balance(
        testbed.server(), threads=1, access={"allow": ["192.0.2.0/24", "127.0.0.0/24"]},
        forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True}, **rates(connections="1/h burst 2"),
    )  # fmt: skip

    def introduce(header):
        stream = balancer.connect_plain(PROXY)
        stream.send(header)
        return stream

    assert introduce(block("198.51.100.1")).gets_nothing()
    # In one packet with a ClientHello, or what looks like one.
    assert introduce(block("::ffff:198.51.100.1") + b"\x16\x03\x01\x02\x00" + bytes(512)).gets_nothing()
    kept = [introduce(block("192.0.2.7")), introduce(block("::ffff:192.0.2.7"))]
    assert introduce(block("192.0.2.7")).gets_nothing()
    balancer.wait_for_counts("limits", connection_rate=1)
    wait_until(lambda: balancer.status["traffic"]["refused"]["connections"] == 1, "the counter")
    balancer.wait_for_counts("services.0.counts.access", service=2)
    for stream in kept:
        stream.close()


def test_lines_of_a_trial_name_all_those_above_a_rate_and_none_is_left_out(testbed):
    balancer = testbed.balance(testbed.server(), threads=1, **rates(requests=ONCE, trial=True))
    for client, count in (ONE, 2), (OTHER, 4), (THIRD, 2):
        assert [balancer.get("/", source=client).status for _ in range(count)] == [200] * count
    text = r"client (\S+): above rates.requests, 1/h burst 1: would be refused without rates.trial(?:, (\d+) times)?"

    def named():
        """How often each was above the rate, by all lines."""
        found = dict.fromkeys([ONE, OTHER, THIRD], 0)
        for line in balancer.log.splitlines():
            if match := re.search(text, line):
                found[match[1]] += int(match[2] or 1)
                for client, number in re.findall(r"(\S+) \((\d+)\)", line[match.end():]):
                    found[client] += int(number)
        return found

    expected = {ONE: 1, OTHER: 3, THIRD: 1}
    wait_until(lambda: named() == expected, lambda: f"{named()}\n{balancer.log}")
    balancer.wait_for_counts("limits", request_rate=5)
    assert balancer.counts("log")["suppressed"] == 0


def test_burst_that_reloads_change_under_a_flood_of_addresses_is_never_exceeded(testbed):
    bursts = [2, 5, 1, 3]
    balancer = testbed.balance(
        testbed.server(), threads=2, forwarded={"trusted-proxies": [PROXY]}, **rates(requests=f"1/h burst {bursts[0]}")
    )
    clients = [f"198.51.{network}.{number}" for network in (100, 101) for number in range(1, 61)]

    def flood(_):
        served = dict.fromkeys(clients, 0)
        with balancer.connect(PROXY) as proxy:
            for _ in range(4):
                for client in clients:
                    served[client] += proxy.get("/", f"X-Forwarded-For: {client}").status == 200
        return served

    def reload(_):
        for burst in bursts[1:]:
            balancer.reload(rates(requests=f"1/h burst {burst}"))
        return {}

    # A higher burst gives each client the difference, and a lower one nothing back.
    most = bursts[0] + sum(max(0, new - old) for old, new in zip(bursts, bursts[1:]))
    outcomes = all_at_once(lambda number: reload(number) if number == 0 else flood(number), range(4))
    for client in clients:
        assert 1 <= sum(outcome.get(client, 0) for outcome in outcomes) <= most, client
    # The last one counts for new clients.
    served = [balancer.get("/", "X-Forwarded-For: 203.0.113.1", source=PROXY).status for _ in range(4)]
    assert served == [200] * 3 + [429]
