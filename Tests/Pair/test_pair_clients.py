"""The servers of clients after a move of the address, on nodes of a pair (`pair`)."""

import socket

from harness.pair.channel import PORT, clients, servers_of, settings
from harness.waiting import wait_until

SOURCES = [f"198.51.100.{number}" for number in range(1, 61)]


def test_no_client_changes_its_server_when_the_address_moves(testbed, secret):
    """There and back, after a server was down for a while. The traffic between the nodes is encrypted."""
    servers = [testbed.server(name) for name in ("view01", "view02")]
    capture = testbed.capture(also=f" or tcp port {PORT}")
    first, second = testbed.pair(**settings(secret))
    first.wait_for_log("pair: lb2 has joined")
    hashed = servers_of(testbed, SOURCES)
    servers[0].die()
    for node in (first, second):
        node.wait_for_log("server view01 is down")
    kept = servers_of(testbed, SOURCES)
    servers[0].start()
    for node in (first, second):
        node.wait_for_log("server view01 is up, was down")
    assert set(kept.values()) == {"view02"} != set(hashed.values())
    wait_until(lambda: clients(first) == clients(second) == {"view01": 0, "view02": 60}, lambda: f"{clients(second)}")

    first.stop()
    second.wait_until("active")
    assert servers_of(testbed, SOURCES) == kept
    said = len(first.log)
    first.start().wait_until("active", since=said)
    assert servers_of(testbed, SOURCES) == kept

    sent = capture.packets(f"tcp.port == {PORT} && tcp.len > 0")
    assert sent
    bytes_sent = capture.path.read_bytes()
    for word in (b"BELVPAIR", b"view02", bytes.fromhex(secret.read_text()), *(b"\xff\xff" + socket.inet_aton(source) for source in SOURCES)):
        assert word not in bytes_sent, word


def test_node_waits_for_the_assignments_before_it_takes_the_address(testbed, secret):
    """If the other node does not answer, it waits for five seconds and no longer."""
    testbed.server()
    testbed.node("lb2")
    node = testbed.balancer(testbed.node("lb1"), **settings(secret)).wait_until("active")
    log = node.log
    assert log.index("pair: lb2 is away: it does not connect to this node") < log.index(": active, was")
