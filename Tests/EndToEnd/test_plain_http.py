"""HTTP in clear on a port that speaks TLS: an answer that says so."""

import socket
import subprocess

import pytest
from harness.observer import Observer
from harness.waiting import TIMEOUT, wait_until

# In the status.
FAILURES = "handshakes.failures"
ANSWER = b"400 Bad Request: this port speaks TLS: use https\n"


def sent(endpoint, *parts):
    """What comes back for the parts, until the end; a reset is an error."""
    with socket.create_connection(endpoint, timeout=TIMEOUT) as client:
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
