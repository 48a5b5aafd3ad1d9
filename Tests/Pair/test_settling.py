"""Two nodes with a connection (`pair`) that do not hear each other's advertisements: a firewall drops protocol 112."""

import secrets

import pytest
from harness.waiting import stays, wait_until

PORT = 2358
ADVERTISEMENTS = "input meta l4proto 112 drop"
SETTLED = "lb1 is Active, as it says over the connection of the pair"
UNHEARD = "lb2 does not hear our advertisements, as it says over the connection of the pair"


@pytest.fixture
def nodes(testbed):
    """lb1 is Active, and lb2 is its Backup."""
    secret = testbed.directory / "pair.key"
    secret.write_text(secrets.token_hex(32) + "\n")
    secret.chmod(0o640)
    testbed.server()
    pair = {"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)}
    first, second = testbed.pair(pair=pair)
    for node, other in ((first, "lb2"), (second, "lb1")):
        node.wait_for_log(f"pair: {other} has joined")
    wait_until(lambda: first.node.holds(testbed.ADDRESS), "an Active")
    return first, second


def unheard(balancer):
    return balancer.status["routers"][0]["unheard_peer"]


@pytest.mark.parametrize("ways", ["both", "one"])
@pytest.mark.parametrize("claims", ["heard", "dropped"])
def test_one_node_is_active_while_the_nodes_are_connected(testbed, nodes, ways, claims):
    """`claims`: whether ARP tells a node that the other one has the address."""
    first, second = nodes
    rules = [ADVERTISEMENTS]
    if claims == "dropped":
        rules.append(f"arp input arp saddr ip {testbed.ADDRESS} drop")
    for node in nodes if ways == "both" else [second]:
        node.node.filter(*rules)
    second.wait_for_log(SETTLED)
    first.wait_for_log(UNHEARD)

    def is_settled():
        assert testbed.get(testbed.ADDRESS, "/", "Connection: close").status == 200
        return first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)

    wait_until(is_settled, "one Active")
    stays(is_settled, "one Active", 8)
    assert (unheard(first), unheard(second)) == ("lb2", "lb1")
    assert first.log.count(UNHEARD) == second.log.count(SETTLED) == 1
    # Where the connection does not pass either, ARP tells that the address is in use.
    first.node.filter(f"input tcp sport {PORT} drop", f"input tcp dport {PORT} drop")
    stays(is_settled, "one Active", 8)
    for node in nodes:
        node.node.remove_filter()
    wait_until(lambda: is_settled() and not unheard(first) and not unheard(second), "one Active again")


def test_death_of_an_active_whose_advertisements_are_blocked_is_detected(testbed, nodes):
    first, second = nodes
    for node in nodes:
        node.node.filter(ADVERTISEMENTS, f"arp input arp saddr ip {testbed.ADDRESS} drop")
    second.wait_for_log(SETTLED)
    first.kill()
    wait_until(lambda: second.node.holds(testbed.ADDRESS), "another Active")


def test_election_decides_again_when_advertisements_arrive(testbed, nodes):
    first, second = nodes
    second.node.filter(ADVERTISEMENTS)
    second.wait_for_log(SETTLED)
    first.wait_for_log(UNHEARD)
    second.node.remove_filter()
    for node in nodes:
        node.wait_for_log("advertisements arrive again between this node and")
    stays(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one Active", 5)
