"""HTTP in clear on a port that speaks TLS: an answer that says so."""

import socket
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_socket
from harness.observer import Observer
from harness.service import server_entry
from harness.tracing import Trace
from harness.waiting import TIMEOUT, wait_until

OUTSIDE, PROXY = "127.0.82.1", "127.0.83.1"
REQUEST = b"GET / HTTP/1.1\r\nHost: view.test\r\n\r\n"
# In the status.
FAILURES = "handshakes.failures"
ANSWER = b"400 Bad Request: this port speaks TLS: use https\n"


def sent(endpoint, *parts, source=None):
    """What comes back for the parts, until the end; a reset is an error."""
    with connect_socket(endpoint, source) as client:
        for part in parts:
            client.sendall(part)
        received = b""
        while part := client.recv(65536):
            received += part
        return received


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: view.test\r\n\r\n", b"HEAD / HTTP/1.0\r\n\r\n", b"POST /x HTTP/1.1\r\n",
                                  b"PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1_000])  # fmt: skip
def test_a_request_in_clear_is_answered_with_the_advice_to_use_https(testbed, head):
    server = testbed.server()
    balancer = testbed.balance(server)
    before = len(server.requests)
    answer = sent(balancer.endpoint, head)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n" + ANSWER)
    balancer.wait_for_counts(FAILURES, not_tls=1)
    assert len(server.requests) == before
    assert balancer.get("/").status == 200


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 64, b"get / http/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
def test_other_bytes_get_no_answer(testbed, garbage):
    balancer = testbed.balance(testbed.server())
    try:
        answer = sent(balancer.endpoint, garbage)
    except ConnectionError:
        answer = b""
    assert b"HTTP" not in answer
    assert balancer.get("/").status == 200


def test_a_client_that_does_not_leave_is_left(testbed):
    balancer = testbed.balance(testbed.server())
    with socket.create_connection(balancer.endpoint, timeout=TIMEOUT) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        received = b""
        while part := client.recv(65536):
            received += part
        assert received.endswith(ANSWER)
        # It keeps its side open.
        wait_until(lambda: balancer.status["traffic"]["connections"] == 0, "the end of the connection")


def test_clients_without_tls_make_room_for_others(testbed):
    balancer = testbed.balance(testbed.server(), threads=1, limits={"connections": 50, "connections-per-address": "off"})
    held = []
    try:
        for _ in range(200):
            held.append(socket.create_connection(balancer.endpoint, timeout=TIMEOUT))
            held[-1].sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert balancer.get("/").status == 200
        wait_until(lambda: balancer.counts(FAILURES)["not_tls"] > 0, "the counters")
        assert balancer.counts("limits")["accept_pauses"] == 0
    finally:
        for client in held:
            client.close()


def test_curl_shows_the_answer(testbed):
    balancer = testbed.balance(testbed.server())
    address, port = balancer.endpoint
    run = subprocess.run(["curl", "-sS", "-m", "30", f"http://{address}:{port}/"], capture_output=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, ANSWER), run.stderr


def test_observe_says_so_too(testbed, certificates):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer, authority=certificates.authority.certificate)
    pair = certificates.authority.issue(f"IP:{observer.address}")
    balancer.configuration["observe"]["tls"] = {"certificate": str(pair.chain), "key": str(pair.key)}
    balancer.write()
    try:
        observer.start()
        answer = sent(observer.endpoint, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n") and answer.endswith(b"\r\n\r\n" + ANSWER)
        try:
            assert b"HTTP" not in sent(observer.endpoint, b"SSH-2.0-OpenSSH_9.2\r\n")
        except ConnectionError:
            pass
    finally:
        observer.stop()


def test_a_method_in_two_segments_is_awaited(testbed):
    balancer = testbed.balance(testbed.server())
    with balancer.connect_plain() as client:
        client.send("GE")
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.receive()
        client.socket.settimeout(TIMEOUT)
        client.send("T / HTTP/1.1\r\n\r\n")
        assert client.receive_to_end().endswith(ANSWER) and client.ended == "clean"
    balancer.wait_for_counts(FAILURES, not_tls=1)


def introduced(client):
    return f"PROXY TCP4 {client} 192.0.2.250 50000 443\r\n".encode()


def gets_nothing(balancer, source, *parts):
    with balancer.connect_plain(source) as client:
        client.send(b"".join(parts))
        return client.gets_nothing()


def test_a_trace_shows_a_client_in_clear_behind_a_proxy_header(testbed):
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True})
    client, reason = "192.0.2.7", "plain HTTP came where TLS was expected"
    with Trace(balancer, client) as trace, Trace(balancer, client, json=False) as lines:
        # In one segment and in two.
        for parts in [introduced(client) + REQUEST], [introduced(client), REQUEST]:
            assert sent(balancer.endpoint, *parts, source=PROXY).endswith(b"\r\n\r\n" + ANSWER)
        trace.wait_for("handshake-failed", count=2, client=f"{client}:50000", failure="not_tls", reason=reason)
        trace.wait_for("closed", count=2, by="belvedere", reason="the TLS handshake has failed")
        shown = f"{client}:50000 TLS handshake failed: {reason}"
        wait_until(lambda: sum(line.endswith(shown) for line in lines.lines) == 2, lambda: lines.lines)
    # A proxy that has to introduce its clients gets no answer without.
    assert gets_nothing(balancer, PROXY, REQUEST)
    balancer.wait_for_counts(FAILURES, not_tls=2)


def test_clients_that_access_refuses_get_no_answer_in_clear(testbed):
    balancer = testbed.balance(
        testbed.server(), access={"deny": [OUTSIDE, "198.51.100.0/24"]},
        forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True},
    )  # fmt: skip
    assert gets_nothing(balancer, OUTSIDE, REQUEST)
    assert gets_nothing(balancer, PROXY, introduced("198.51.100.7"), REQUEST)
    balancer.wait_for_counts("services.0.counts.access", service=2)
    assert balancer.counts(FAILURES)["not_tls"] == 0
    assert sent(balancer.endpoint, introduced("192.0.2.7") + REQUEST, source=PROXY).endswith(ANSWER)


@pytest.mark.parametrize("names", [("view", "cards"), ("cards", "view")])
def test_a_request_in_clear_to_several_services_is_for_the_first_which_may_pass_it_through(testbed, certificates, names):
    nothing = dict.fromkeys(["service", "tls", "servers", "health", "listen", "redirect", "timeouts"])
    balancer = testbed.balance(start=False, serving=False, **nothing)
    front = {"certificate": str(certificates.front.chain), "key": str(certificates.front.key)}
    changes = {"view": {"tls": front, "access": {"deny": [OUTSIDE]}}, "cards": {"mode": "passthrough"}}

    def service(name):
        server = server_entry(testbed.server(name), certificates.authority.certificate)
        listen = endpoint_text(*balancer.endpoint)
        return {"service": f"{name}.test", "listen": listen, "servers": {"view01": server}} | changes[name]

    balancer.write({"services": {name: service(name) for name in names}}).start()
    balancer.wait_for_log("worker is ready")
    with balancer.connect_plain() as client:
        client.send(REQUEST)
        answer = client.receive_to_end()
    if names[0] == "view":
        assert answer.endswith(b"\r\n\r\n" + ANSWER)
        assert gets_nothing(balancer, OUTSIDE, REQUEST)
        balancer.wait_for_counts("services.0.counts.access", service=1)
    else:
        assert ANSWER not in answer
        balancer.wait_for_counts("services.0.counts.traffic", connections=1)
    balancer.wait_for_counts(FAILURES, not_tls=int(names[0] == "view"))
