"""How often a client may connect, begin a handshake and ask (`rates`)."""

import json
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_plain, connect_tls
from harness.rates import ITSELF, ONE, OTHER, PROXY, rates
from harness.service import belvedere
from harness.tracing import Trace
from harness.view import Tunnel, pair
from harness.waiting import all_at_once, free_port, wait_until

pytestmark = pytest.mark.threads

# In a test's time nothing of such a burst comes back.
FOUR = "1/h burst 4"

# Both are decided before a connection's first request.
by_rate_of_connections = pytest.mark.parametrize("rate, counter", [("connections", "connection_rate"), ("handshakes", "handshake_rate")])


def handshakes(balancer, source):
    """Whether a request succeeds on a connection of its own."""
    try:
        with balancer.connect(source) as client:
            return client.get("/").status == 200
    except OSError:
        return False


def openssl_connects(balancer, source):
    command = ["openssl", "s_client", "-connect", endpoint_text(*balancer.endpoint), "-bind", f"{source}:0", "-brief"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode == 0


def test_requests_above_the_rate_get_429_in_order_and_others_are_served(testbed):
    server = testbed.server()
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer = testbed.balance(server, log={"access": {"format": "json"}}, timeouts=timeouts, **rates(requests=FOUR))
    with balancer.connect(ONE) as client, Trace(balancer, ONE) as trace:
        assert client.get("/first").status == 200
        before = len(server.requests)
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: view.test\r\n\r\n" % number for number in range(6)))
        assert [client.answer().status for _ in range(3)] == [200] * 3
        for _ in range(3):
            answer = client.answer()
            assert answer.status == 429 and answer["Connection"] is None
            assert 3500 < int(answer["Retry-After"]) <= 3601
        assert len(server.requests) == before + 3
        assert [event["rule"] for event in trace.wait_for("request", status=429, count=3)] == ["rates.requests"] * 3
        balancer.reload(rates(requests="1/h burst 5"))
        assert client.get("/").status == 200
    assert balancer.get("/", source=OTHER).status == 200
    balancer.wait_for_counts("limits", request_rate=3, connection_rate=0, handshake_rate=0)
    wait_until(lambda: balancer.status["traffic"]["refused"]["requests"] == 3, "the counter")
    balancer.wait_for_log(rf"client {ONE}: above rates.requests, 1/h burst 4: answered with 429")
    for line in map(json.loads, balancer.wait_for_access('"status":429', count=3)):
        assert (line["rule"], line["termination"], line["client"].split(":")[0]) == ("rates.requests", "PR", ONE)
    assert "ask 1/h burst 5 (3 above)" in " ".join(belvedere("status", "--control", balancer.control).stdout.split())


def test_curl_is_answered_with_429_whatever_it_sends(testbed, certificates):
    balancer = testbed.balance(testbed.server(), **rates(requests=FOUR))

    def curl(*options):
        place = f"view.test:443:{balancer.address}:{balancer.port}"
        words = ["curl", "-s", "--cacert", str(certificates.authority.certificate), "--connect-to", place,
                 "--interface", ONE, "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}", *options, "https://view.test/"]  # fmt: skip
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.split()

    assert [curl()[0] for _ in range(4)] == ["200"] * 4
    large = balancer.directory / "large"
    large.write_bytes(b"x" * 3_000_000)
    for options in ([], ["-I"], ["-d", "x=1"], ["-T", str(large)], ["-T", str(large), "-H", "Transfer-Encoding: chunked"]):
        status, seconds = curl(*options)
        assert status == "429" and int(seconds) > 3500, options


def test_connections_above_the_rate_are_closed_on_every_port(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    port = free_port(balancer.address)
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer.write({"relay": {"tcp": [port]}, "timeouts": timeouts, **rates(connections=FOUR)}).start().wait_until_serving()
    # Those that are answered have been accepted.
    kept = balancer.connect(ONE)
    assert handshakes(balancer, ONE)
    others = [balancer.connect_redirect(ONE), balancer.connect_redirect(ONE)]
    assert [client.get("/").status for client in others] == [301] * 2
    assert balancer.connect_plain(ONE).gets_nothing() and balancer.connect_redirect(ONE).gets_nothing()
    assert connect_plain((balancer.address, port), ONE).gets_nothing()
    assert not openssl_connects(balancer, ONE)
    balancer.wait_for_counts("limits", connection_rate=4)
    assert handshakes(balancer, OTHER)
    assert kept.get("/").status == 200
    wait_until(lambda: balancer.status["traffic"]["refused"]["connections"] == 4, "the counter")
    balancer.wait_for_log(rf"client {ONE}: above rates.connections, 1/h burst 4: closed")
    for client in [kept, *others]:
        client.close()


def test_handshakes_above_the_rate_get_no_answer(testbed):
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer = testbed.balance(testbed.server(), timeouts=timeouts, **rates(handshakes=FOUR))
    with balancer.connect(ONE) as kept, Trace(balancer, ONE) as trace:
        # A connection without TLS counts for nothing.
        for _ in range(8):
            balancer.connect_plain(ONE).close()
        with balancer.connect_redirect(ONE) as redirected:
            assert redirected.get("/").status == 301
        assert [handshakes(balancer, ONE) for _ in range(5)] == [True] * 3 + [False] * 2
        trace.wait_for("handshake-failed", reason="refused by rates.handshakes", count=2)
        assert not openssl_connects(balancer, ONE) and openssl_connects(balancer, OTHER)
        assert kept.get("/").status == 200 and handshakes(balancer, OTHER)
    balancer.wait_for_counts("limits", handshake_rate=3, connection_rate=0)
    balancer.wait_for_log(rf"client {ONE}: above rates.handshakes, 1/h burst 4: closed")


def test_clients_behind_a_trusted_proxy_have_rates_and_the_proxy_has_none(testbed):
    balancer = testbed.balance(
        testbed.server(), forwarded={"trusted-proxies": [PROXY]},
        **rates(requests=FOUR, connections="1/h burst 1", handshakes="1/h burst 1"),
    )  # fmt: skip

    def statuses(client, count=6, source=PROXY):
        fields = [f"X-Forwarded-For: {client}"] if client else []
        return [balancer.get("/", *fields, source=source).status for _ in range(count)]

    assert statuses("192.0.2.7") == [200] * 4 + [429] * 2
    assert statuses("192.0.2.8", 4) == [200] * 4
    # What a client claims is left of what the proxy appends.
    assert statuses("198.51.100.77, 192.0.2.8", 2) == [429] * 2
    # The /64 is the client.
    assert statuses("2001:db8::1", 3) + statuses("2001:db8::ffff:1", 3) == [200] * 4 + [429] * 2
    assert statuses("2001:db8:0:1::1", 4) == [200] * 4
    # One request on the same connection does not decide the next one.
    with balancer.connect(PROXY) as client:
        assert client.get("/", "X-Forwarded-For: 192.0.2.9").status == 200
        assert client.get("/", "X-Forwarded-For: 192.0.2.7").status == 429
    # Unknown clients are not counted together.
    assert statuses(None) + statuses("unknown") == [200] * 12


@by_rate_of_connections
def test_source_of_a_proxy_header_has_the_rates(testbed, rate, counter):
    balancer = testbed.balance(
        testbed.server(), forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True}, **rates(**{rate: FOUR})
    )

    def introduced(client):
        with balancer.connect_plain(PROXY) as stream:
            stream.send(f"PROXY {client} 50000 443\r\n")
            try:
                tls = balancer.context().wrap_socket(stream.socket, server_hostname="view.test")
            except OSError:
                return False
            tls.sendall(b"GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
            return tls.recv(100).startswith(b"HTTP/1.1 200 ")

    assert [introduced("TCP4 192.0.2.7 192.0.2.250") for _ in range(6)] == [True] * 4 + [False] * 2
    assert introduced("TCP4 192.0.2.8 192.0.2.250")
    assert [introduced(f"TCP6 2001:db8::{n} 2001:db8:1::1") for n in range(1, 6)] == [True] * 4 + [False]
    balancer.wait_for_counts("limits", **{counter: 3})


@by_rate_of_connections
def test_clients_of_ipv6_have_rates(testbed, rate, counter):
    balancer = testbed.balance(testbed.server(), start=False)
    port = free_port("::1")
    listen = [endpoint_text(balancer.address, balancer.port), endpoint_text("::1", port)]
    balancer.write({"listen": listen, **rates(**{rate: FOUR})}).start().wait_until_serving()
    clients = [connect_tls(("::1", port), balancer.context()) for _ in range(4)]
    with pytest.raises(OSError):
        connect_tls(("::1", port), balancer.context())
    balancer.wait_for_counts("limits", **{counter: 1})
    if rate == "connections":
        assert connect_plain(("::1", port)).gets_nothing()
    for client in clients:
        client.close()
    balancer.reload(rates(**{rate: FOUR, "except": [ITSELF, "::/64"]}))
    with connect_tls(("::1", port), balancer.context()) as client:
        assert client.get("/").status == 200


def test_reload_keeps_what_clients_have_used_and_tunnels_go_on(testbed):
    balancer = pair(testbed, **rates(requests="1/h burst 3"))
    tunnel = Tunnel(balancer.connect(ONE))
    pages = balancer.connect(ONE)
    assert [pages.get("/").status for _ in range(2)] == [200] * 2
    balancer.reload({"retries": 2})
    assert pages.get("/").status == 429
    tunnel.say()
    # A higher burst is what remains of it, a lower one leaves nothing.
    balancer.reload(rates(requests="1/h burst 5"))
    assert [balancer.get("/", source=ONE).status for _ in range(3)] == [200] * 2 + [429]
    balancer.reload(rates(requests="1/h burst 1"))
    assert balancer.get("/", source=ONE).status == 429
    balancer.reload(rates(requests=None))
    assert balancer.get("/", source=ONE).status == 200
    tunnel.say()
    tunnel.end()


@by_rate_of_connections
def test_reload_keeps_what_clients_have_used_before_their_first_request(testbed, rate, counter):
    timeouts = {"http-request": "5m", "keep-alive": "5m"}
    balancer = testbed.balance(testbed.server(), timeouts=timeouts, **rates(**{rate: "1/h burst 3"}))
    with balancer.connect(ONE) as kept:
        assert handshakes(balancer, ONE)
        balancer.reload({"retries": 2})
        assert [handshakes(balancer, ONE) for _ in range(2)] == [True, False]
        # A higher burst is what remains of it, a lower one leaves nothing.
        balancer.reload(rates(**{rate: "1/h burst 5"}))
        assert [handshakes(balancer, ONE) for _ in range(3)] == [True] * 2 + [False]
        balancer.reload(rates(**{rate: "1/h burst 1"}))
        assert not handshakes(balancer, ONE)
        balancer.wait_for_counts("limits", **{counter: 3})
        balancer.reload(rates(**{rate: None}))
        assert handshakes(balancer, ONE) and kept.get("/").status == 200


@by_rate_of_connections
def test_flood_gets_its_burst_on_all_threads_together_and_others_are_served(testbed, rate, counter):
    balancer = testbed.balance(testbed.server(), threads=4, **rates(**{rate: "1/h burst 24"}))
    served = all_at_once(lambda _: [handshakes(balancer, ONE) for _ in range(30)], range(8))
    # One that was charged may have met a time-out of the test.
    assert sum(outcome for outcomes in served for outcome in outcomes) <= 24
    assert all(handshakes(balancer, OTHER) for _ in range(10))
    balancer.wait_for_counts("limits", **{counter: 8 * 30 - 24})


def test_trial_refuses_nothing_and_counts(testbed):
    balancer = testbed.balance(
        testbed.server(), **rates(requests=FOUR, connections=FOUR, handshakes="1/h burst 3", trial=True)
    )
    assert [balancer.get("/", source=ONE).status for _ in range(6)] == [200] * 6
    balancer.wait_for_counts("limits", request_rate=2, connection_rate=2, handshake_rate=3)
    assert balancer.status["traffic"]["refused"]["requests"] == 0
    assert balancer.status["limits"]["rates"]["trial"] is True
    balancer.wait_for_log(rf"client {ONE}: above rates.handshakes, 1/h burst 3: would be refused without rates.trial")
    assert "; on trial, nothing is refused" in " ".join(belvedere("status", "--control", balancer.control).stdout.split())


@pytest.mark.parametrize("value, message", [
    ("50", "expected a rate such as `50/s burst 500` or `600/m`, found `50`"),
    ("50/min", "expected a rate such as `50/s burst 500` or `600/m`, found `50/min`"),
    ("0/s", "`0/s` is outside 1/h to 1000000/s"),
    ("5/s burst 0", "a burst of 0 would refuse everything"),
    ("1/h burst 25", "a client would get its whole burst back only after more than a day"),
])  # fmt: skip
def test_check_refuses_rates_that_mean_nothing(testbed, value, message):
    balancer = testbed.balance(testbed.server(), rates={"requests": value}, start=False)
    balancer.write()
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1 and message in check.stderr, check.stderr
