"""What two nodes that share an address know of each other (`belvedere status`), and which differences they see."""

import re
import secrets

import pytest
from harness.waiting import wait_until

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


@pytest.fixture
def pair(testbed):
    """lb1 is Active and lb2 is Backup; both have the same configuration and know each other."""
    for name in ("view01", "view02"):
        testbed.server(name)
    secret = testbed.directory / "pair.key"
    secret.write_text(secrets.token_hex(32) + "\n")
    secret.chmod(0o640)
    nodes = {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}
    first, second = testbed.pair(pair={"nodes": nodes, "secret": str(secret)}, health=QUICK)
    for node, other in ((first, "lb2"), (second, "lb1")):
        wait_until(lambda node=node, other=other: is_known(seen(node, other)), lambda node=node: f"{node.status['pair']}\n{node.log}")
    return first, second


def seen(node, name):
    return next(one for one in node.status["pair"]["nodes"] if one["name"] == name)


def is_known(node):
    return node["answers"] and node["version"] and node["services"] and node["certificates"]


def differences(node):
    return [one["text"] for one in node.status["pair"]["differences"]]


def wait_until_different(node, *texts):
    wait_until(lambda: differences(node) == list(texts), lambda: f"{texts}: {differences(node)}")


def test_nodes_with_one_file_do_not_differ_and_show_who_has_the_address(pair):
    roles = {"lb1": ("active", 101), "lb2": ("backup", 100)}
    for node in pair:
        wait_until_different(node)
        for name, (role, priority) in roles.items():
            expected = {"name": "router-51", "state": role, "priority": priority}
            wait_until(lambda node=node, name=name: seen(node, name)["routers"] == [expected], lambda node=node: f"{node.status['pair']}")  # noqa: B023
        page = node.call("status").stdout
        assert re.search(r"^router-51 +(active, priority 101 +backup, priority 100|backup, priority 100 +active, priority 101)$", page, re.MULTILINE), page


def test_server_that_one_node_alone_does_not_reach_is_a_difference_on_both(testbed, pair):
    first, second = pair
    route = ("ip", "route", "{}", "blackhole", f"{testbed.servers[1].address}/32")
    second.node.run(*(word.format("add") for word in route))
    wait_until_different(first, "view02: up here, down on lb2")
    wait_until_different(second, "view02: down here, up on lb1")
    assert seen(first, "lb2")["services"] == [{"name": "", "healthy": 1, "servers": 2}]
    first.wait_for_log("warning +supervisor: pair: difference: view02: up here, down on lb2")
    second.node.run(*(word.format("del") for word in route))
    wait_until_different(first)
    first.wait_for_log("notice +supervisor: pair: difference has ended: view02: up here, down on lb2")
    assert first.log.count("pair: difference: ") == 1


def test_configuration_and_certificate_of_one_node_alone_are_differences(testbed, pair):
    first, second = pair
    renewed = testbed.certificates.authority.issue("view.test")
    second.reload({"retries": 1, "tls": {"certificate": str(renewed.chain), "key": str(renewed.key)}})
    for node, other in ((first, "lb2"), (second, "lb1")):
        sections = {f"configuration: {name} differs from {other}'s" for name in ("tls", "retries")}
        wait_until(
            lambda node=node, sections=sections: sections < set(differences(node)) and any("certificates: " in text for text in differences(node)),
            lambda node=node: f"{differences(node)}",
        )
        assert len(differences(node)) == 3
    first.reload({"retries": 1, "tls": second.configuration["tls"]})
    for node in pair:
        wait_until_different(node)


def test_dead_node_is_shown_with_the_time_of_its_last_answer(pair):
    first, second = pair
    first.kill()
    wait_until(lambda: not seen(second, "lb1")["answers"], lambda: f"{second.status['pair']}")
    page = second.call("status").stdout
    assert re.search(r"^lb1 has not answered since \d\d:\d\d:\d\d UTC \(\d+ s\)$", page, re.MULTILINE), page
    assert second.call("status", "--node", "lb1").stdout.splitlines()[0].endswith("does not answer")
    first.start()
    wait_until(lambda: is_known(seen(second, "lb1")), lambda: f"{second.status['pair']}")
