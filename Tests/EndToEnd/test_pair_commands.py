"""`belvedere server` on one node of a pair applies to all nodes."""

import pytest
from harness.service import belvedere
from harness.waiting import free_port, wait_until


@pytest.fixture
def nodes(testbed, tmp_path):
    """Two nodes with two servers, and a file for administrative states each."""
    secret = tmp_path / "pair.key"
    assert belvedere("pair", "new-secret", secret).returncode == 0
    servers = [testbed.server(name) for name in ("view01", "view02")]
    nodes = [testbed.balance(*servers, start=False) for _ in range(2)]
    addresses = dict(zip("ab", (node.address for node in nodes)))
    port = free_port(nodes[0].address)
    for name, node in zip("ab", nodes):
        kept = tmp_path / f"kept-{name}"
        kept.mkdir()
        pair = {"nodes": addresses, "node": name, "secret": str(secret), "port": port}
        node.write({"pair": pair, "server-state-file": str(kept / "server-state")})
        node.start().wait_until_serving()
    for other, node in zip("ba", nodes):
        node.wait_for_log(rf"pair: {other} has joined")
    return nodes


def requested(node, server="view01"):
    """The administrative state of a server on this node, with the node of the command; None without one."""
    state = node.status_of(server)["admin_state"]
    return state and (state["mode"], state["weight"], state["node"])


def wait_until_requested(node, expected, server="view01"):
    wait_until(lambda: requested(node, server) == expected, lambda: f"{expected}, not {requested(node, server)}\n{node.log}")


def test_command_applies_on_both_nodes_and_the_later_one_wins(nodes):
    first, second = nodes
    first.server("view01", "drain")
    second.wait_for_state("view01", "drain")
    assert requested(second) == ("drain", None, "a")
    second.wait_for_log("server view01: drain, requested on a")
    assert "ago on a: drain" in " ".join(second.call("status").stdout.split())
    second.server("view01", "weight", "5")
    wait_until_requested(first, ("drain", 5, "b"))
    first.server("view01", "weight", "configured")
    second.server("view02", "maintenance")
    first.wait_for_state("view02", "maintenance")
    wait_until_requested(second, ("drain", None, "a"))
    second.server("view01", "ready")
    first.wait_for_state("view01", "up")
    assert requested(first) is None


def test_node_that_returns_gets_the_commands_given_meanwhile(nodes):
    first, second = nodes
    first.server("view01", "drain")
    second.wait_for_state("view01", "drain")
    second.stop()
    first.server("view01", "ready")
    first.server("view02", "drain")
    first.stop()
    # It has only its own file, in which view01 is drained.
    second.start()
    second.wait_for_log("server state: view01 drain, restored after a restart")
    wait_until_requested(second, ("drain", None, "a"))
    # The later command applies, although the other node returns with its file.
    first.start().wait_until_serving()
    wait_until_requested(second, None)
    wait_until_requested(second, ("drain", None, "a"), "view02")
    assert requested(first) is None and requested(first, "view02") == ("drain", None, "a")
