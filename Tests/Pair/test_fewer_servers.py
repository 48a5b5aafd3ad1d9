"""Two nodes that compare how many servers they reach (`fewer-servers`), in front of two servers."""

import pytest
from harness.pair.channel import NODES, PORT
from harness.waiting import stays, wait_until

HEALTH = {"interval": "200ms", "timeout": "1s", "rise": 2, "fall": 2, "jitter": "0s"}
TRACK = {"fewer-servers": 1, "weight": -50, "recovery": "2s"}
# Longer than another node must be ahead, and what a Backup takes until it takes over.
LONG = 9


def start(testbed, secret, **vrrp):
    for name in ("view01", "view02"):
        testbed.server(name)
    pair = {"nodes": NODES["IPv4"], "secret": str(secret)}
    nodes = testbed.pair(vrrp=vrrp, pair=pair, health=HEALTH)
    for node, other in zip(nodes, ("lb2", "lb1"), strict=True):
        wait_until(lambda node=node, other=other: reached(node, other) == 2, lambda node=node: f"{node.status['pair']}\n{node.log}")
    return nodes


def reached(node, name):
    """How many servers the node with this name reaches, as a node knows; None if that one does not answer."""
    seen = next(one for one in node.status["pair"]["nodes"] if one["name"] == name)
    return seen["services"][0]["healthy"] if seen["answers"] and seen["services"] else None


def blind(testbed, balancer, number):
    balancer.node.run("ip", "route", "add", "blackhole", f"{testbed.servers[number].address}/32")


def restore(testbed, balancer, number):
    balancer.node.run("ip", "route", "del", "blackhole", f"{testbed.servers[number].address}/32")


def is_at(testbed, holder, other):
    return holder.node.holds(testbed.ADDRESS) and not other.node.holds(testbed.ADDRESS)


def test_active_that_reaches_fewer_servers_gives_way_and_takes_the_address_back(testbed, secret):
    first, second = start(testbed, secret, track=TRACK)
    blind(testbed, first, 1)
    first.wait_for_log("warning +supervisor: vrrp: router-51 on eth0: lb2 reaches more servers than this node")
    first.wait_for_log("priority 51, was 101: fewer servers")
    wait_until(lambda: is_at(testbed, second, first), lambda: f"the address on lb2\n{first.log}\n{second.log}")
    router = first.status["routers"][0]
    assert (router["priority"], router["configured_priority"], router["priority_reductions"]) == (51, 101, ["fewer servers"])
    page = first.call("status", "--node", "lb1").stdout
    assert "51 of 101" in page and "fewer servers" in page
    stays(lambda: is_at(testbed, second, first), "the address on lb2", 4)
    restore(testbed, first, 1)
    first.wait_for_log("priority 101, was 51")
    wait_until(lambda: is_at(testbed, first, second), lambda: f"the address on lb1\n{first.log}\n{second.log}")
    assert first.log.count("fewer servers") == 1
    assert "fewer servers" not in second.log


def test_node_that_starts_and_reaches_fewer_servers_does_not_take_the_address(testbed, secret):
    first, second = start(testbed, secret, track=TRACK)
    first.stop()
    second.wait_until("active")
    blind(testbed, first, 1)
    said = len(first.log)
    first.start().wait_for_log("priority 51, was 101: fewer servers", since=said)
    stays(lambda: is_at(testbed, second, first), "the address on lb2", LONG)
    assert "active, was" not in first.log[said:]
    restore(testbed, first, 1)
    wait_until(lambda: is_at(testbed, first, second), lambda: f"the address on lb1\n{first.log}\n{second.log}")


def test_active_within_the_margin_keeps_the_address(testbed, secret):
    first, second = start(testbed, secret, track=TRACK | {"fewer-servers": 2})
    blind(testbed, first, 1)
    wait_until(lambda: reached(second, "lb1") == 1, "one server less on lb1")
    stays(lambda: is_at(testbed, first, second), "the address on lb1", LONG)


def test_address_stays_without_the_option(testbed, secret):
    first, second = start(testbed, secret)
    blind(testbed, first, 1)
    wait_until(lambda: reached(second, "lb1") == 1, "one server less on lb1")
    stays(lambda: is_at(testbed, first, second), "the address on lb1", LONG)


def test_address_stays_without_the_connection(testbed, secret):
    first, second = start(testbed, secret, track=TRACK)
    first.node.filter(f"input tcp sport {PORT} drop", f"input tcp dport {PORT} drop")
    wait_until(lambda: reached(first, "lb2") is None, "a node that does not answer")
    blind(testbed, first, 1)
    wait_until(lambda: reached(first, "lb1") == 1, "one server less on lb1")
    stays(lambda: is_at(testbed, first, second), "the address on lb1", LONG)
    assert "fewer servers" not in first.log


@pytest.mark.parametrize("event", ["failure", "maintenance", "another on each"])
def test_address_stays_where_both_reach_as_many(testbed, secret, event):
    first, second = start(testbed, secret, track=TRACK)
    if event == "failure":
        testbed.servers[1].vanish()
    elif event == "maintenance":
        assert first.call("server", "view02", "maintenance").returncode == 0
    else:
        blind(testbed, first, 0)
        blind(testbed, second, 1)
    wait_until(lambda: [reached(node, name) for node in (first, second) for name in ("lb1", "lb2")] == [1] * 4, "one server on each")
    stays(lambda: is_at(testbed, first, second), "the address on lb1", LONG)
    assert "fewer servers" not in first.log
