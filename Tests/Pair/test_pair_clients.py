"""The servers of clients after a move of the address, on nodes of a pair (`pair`)."""

import secrets
import socket

import pytest
from harness.pair.lan import Lan
from harness.waiting import wait_until

PORT = 2358
SOURCES = [f"198.51.100.{number}" for number in range(1, 61)]


@pytest.fixture
def secret(testbed):
    file = testbed.directory / "pair.key"
    file.write_text(secrets.token_hex(32) + "\n")
    file.chmod(0o640)
    return file


def changes(secret):
    """The settings of both nodes, which are behind a trusted proxy."""
    return {
        "pair": {"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)},
        "forwarded": {"trusted-proxies": [f"{Lan.CLIENT}/32"]},
        "health": {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"},
    }


def servers_of(testbed):
    def server_of(source):
        answer = testbed.get(testbed.ADDRESS, "/", f"X-Forwarded-For: {source}", "Connection: close")
        assert answer.status == 200, answer.text
        return answer["X-Server"]

    return {source: server_of(source) for source in SOURCES}


def clients(node):
    return {server["name"]: (server["load"] or {"clients": 0})["clients"] for server in node.status["servers"]}


def test_no_client_changes_its_server_when_the_address_moves(testbed, secret):
    """There and back, after a server was down for a while. The traffic between the nodes is encrypted."""
    servers = [testbed.server(name) for name in ("view01", "view02")]
    capture = testbed.capture(also=f" or tcp port {PORT}")
    first, second = testbed.pair(**changes(secret))
    first.wait_for_log("pair: lb2 has joined")
    hashed = servers_of(testbed)
    servers[0].die()
    for node in (first, second):
        node.wait_for_log("server view01 is down")
    kept = servers_of(testbed)
    servers[0].start()
    for node in (first, second):
        node.wait_for_log("server view01 is up, was down")
    assert set(kept.values()) == {"view02"} != set(hashed.values())
    wait_until(lambda: clients(first) == clients(second) == {"view01": 0, "view02": 60}, lambda: f"{clients(second)}")

    first.stop()
    second.wait_until("active")
    assert servers_of(testbed) == kept
    said = len(first.log)
    first.start().wait_until("active", since=said)
    assert servers_of(testbed) == kept

    sent = capture.packets(f"tcp.port == {PORT} && tcp.len > 0")
    assert sent
    bytes_sent = capture.path.read_bytes()
    for word in (b"BELVPAIR", b"view02", bytes.fromhex(secret.read_text()), *(b"\xff\xff" + socket.inet_aton(source) for source in SOURCES)):
        assert word not in bytes_sent, word


def test_node_waits_for_the_assignments_before_it_takes_the_address(testbed, secret):
    """If the other node does not answer, it waits for five seconds and no longer."""
    testbed.server()
    testbed.node("lb2")
    node = testbed.balancer(testbed.node("lb1"), **changes(secret)).wait_until("active")
    log = node.log
    assert log.index("pair: lb2 is away: it does not connect to this node") < log.index(": active, was")
