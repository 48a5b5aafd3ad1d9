"""`belvedere doctor` on the nodes of a pair: interface, addresses, advertisements, firewall, the other node."""

import json
import shutil
import tarfile

import pytest
from harness.waiting import TIMEOUT, wait_until


def examine(balancer, check):
    """The check's findings: verdict and text of each."""
    balancer.write()
    # It listens and waits for answers for seconds.
    run = balancer.call("doctor", "--json", "--configuration", balancer.file, timeout=5 * TIMEOUT)
    assert run.returncode in (0, 1, 2), run.stderr
    return [(f["verdict"], f["text"]) for f in json.loads(run.stdout)["findings"] if f["check"] == check]


def only(found):
    assert len(found) == 1, found
    return found[0]


@pytest.fixture()
def before(testbed):
    """A balancer on lb1 that is not started."""

    def make(vrrp=None, **changes):
        testbed.server()
        return testbed.balancer(testbed.node("lb1"), start=False, vrrp=vrrp, **changes)

    return make


def test_nodes_of_a_running_pair_are_fine(testbed):
    first, second = testbed.pair()
    assert only(examine(first, "router id")) == ("ok", "this node alone advertises router id 51")
    verdict, text = only(examine(second, "router id"))
    assert (verdict, text) == ("ok", "192.0.2.11 is Active, with priority 101")
    for check in ("interface", "address", "firewall", "network manager", "reverse path", "ports"):
        assert only(examine(second, check))[0] == "ok", check
    assert only(examine(first, "scheduling"))[0] in ("ok", "warning")
    # The pair has lost nothing by it.
    assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)


def test_interface_that_is_missing_down_or_unplugged(before):
    balancer = before()
    assert only(examine(balancer, "interface"))[0] == "ok"
    balancer.node.unplug()
    wait_until(lambda: "NO-CARRIER" in balancer.node.run("ip", "link", "show", "eth0"), "the lost carrier")
    assert "no carrier" in only(examine(balancer, "interface"))[1]
    balancer.node.run("ip", "link", "set", "eth0", "down")
    assert only(examine(balancer, "interface")) == ("fault", "eth0 is down")
    balancer.configuration["vrrp"]["interface"] = "eth7"
    assert only(examine(balancer, "interface")) == ("fault", "there is no interface eth7")
    assert only(examine(balancer, "router id"))[0] == "not checked"


def test_virtual_address_in_another_network_is_a_warning(before):
    verdict, text = only(examine(before(vrrp={"address": "198.51.100.100/24"}), "address"))
    assert verdict == "warning" and "198.51.100.100 is in no network of eth0 (192.0.2.11/24" in text


def test_own_address_as_virtual_one_is_a_fault(before):
    found = examine(before(vrrp={"address": "192.0.2.11/24"}), "address")
    assert ("fault", True) in [(verdict, "the only address" in text) for verdict, text in found], found


def test_another_pair_with_the_same_router_id_is_a_fault(testbed, before):
    balancer = before()
    testbed.keepalived(testbed.node("lb3"), priority=90, address="192.0.2.110/24").wait_until("MASTER")
    verdict, text = only(examine(balancer, "router id"))
    assert verdict == "fault" and "192.0.2.13 advertises router id 51 for other addresses (192.0.2.110)" in text
    # Another router id is none of this pair's business.
    balancer.configuration["vrrp"]["router"] = 53
    assert only(examine(balancer, "router id")) == ("ok", "no node advertises router id 53")


def test_another_version_is_a_fault(testbed, before):
    balancer = before()
    testbed.keepalived(testbed.node("lb3"), priority=90, version=2).wait_until("MASTER")
    verdict, text = only(examine(balancer, "router id"))
    assert verdict == "fault" and "in version 2, this node uses 3" in text


@pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed")
def test_firewall_without_a_rule_for_vrrp_is_a_warning(before):
    balancer = before()
    assert only(examine(balancer, "firewall"))[0] == "ok"
    for command in (
        "add table inet filter",
        "add chain inet filter input { type filter hook input priority 0; policy drop; }",
        "add rule inet filter input tcp dport 443 accept",
    ):
        balancer.node.run("nft", command)
    assert only(examine(balancer, "firewall"))[0] == "warning"
    balancer.node.run("nft", "add rule inet filter input ip protocol vrrp accept")
    assert only(examine(balancer, "firewall")) == ("ok", "a rule accepts VRRP")


def test_strict_reverse_path_with_a_second_interface_is_a_warning(before):
    balancer = before()
    node = balancer.node
    node.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far1")
    for words in ("addr add 198.51.100.11/24 dev eth1", "link set eth1 up"):
        node.run("ip", *words.split())
    node.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter")
    verdict, text = only(examine(balancer, "reverse path"))
    assert verdict == "warning" and "eth1 has an address too" in text
    node.run("sh", "-c", "echo 2 >/proc/sys/net/ipv4/conf/eth0/rp_filter")
    assert only(examine(balancer, "reverse path"))[0] == "ok"


def test_other_node_of_the_pair(testbed):
    testbed.server()
    secret = testbed.directory / "pair.key"
    secret.write_text("ab" * 32 + "\n")
    secret.chmod(0o640)
    pair = {"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)}
    quick = {"interval": "200ms", "timeout": "3s", "rise": 1, "fall": 2, "jitter": "0s"}
    first, second = testbed.pair(pair=pair, health=quick)
    wait_until(lambda: first.status["pair"]["nodes"][1]["version"], "the other node's release")
    found = examine(first, "pair")
    assert found[0][0] == "ok" and found[0][1].startswith("answers, release"), found
    for name in ("unreached", "restored"):
        # One node alone reaches the server no more, and again.
        second.node.run("ip", "route", "add" if name == "unreached" else "del", "blackhole", f"{testbed.servers[0].address}/32")
        fault = ("fault", "reaches no server, and would serve no client after a failover")
        wait_until(lambda: (fault in examine(first, "pair")) == (name == "unreached"), lambda: f"{name}: {examine(first, 'pair')}")
    run = first.call("report", "--configuration", first.file, "--folder", testbed.directory)
    with tarfile.open(run.stdout.strip()) as archive:
        [member] = [member for member in archive if member.name.endswith("/node-lb2.txt")]
        text = archive.extractfile(member).read().decode()
    assert "on lb2, seen from lb1: answers" in text and "1 of 1 reached" in text, text
    # Both are known to each other.
    assert only(examine(second, "router id"))[0] == "ok"
    second.stop()
    wait_until(lambda: not first.status["pair"]["nodes"][1]["answers"], "the lost connection")
    assert ("fault", "does not answer over the connection of the pair") in examine(first, "pair")


@pytest.mark.parametrize(("nodes", "vrrp", "source"), [
    (
        {"lb1": "192.0.2.11", "lb2": "192.0.2.12"},
        {"source": {"lb1": "192.0.2.31", "lb2": "192.0.2.12"}}, "192.0.2.31",
    ),
    ({"lb1": "2001:db8::11", "lb2": "2001:db8::12"}, {"address": "2001:db8::100/64"}, "fe80::"),
])  # fmt: skip
def test_nodes_that_advertise_from_other_addresses_than_those_of_the_pair_are_fine(testbed, nodes, vrrp, source):
    testbed.server()
    secret = testbed.directory / "pair.key"
    secret.write_text("ab" * 32 + "\n")
    secret.chmod(0o640)
    changes = {"vrrp": vrrp, "pair": {"nodes": nodes, "secret": str(secret)}}
    first, second = testbed.node("lb1"), testbed.node("lb2")
    first.run("ip", "addr", "add", "192.0.2.31/24", "dev", "eth0")
    testbed.balancer(first, **changes).wait_until("active")
    verdict, text = only(examine(testbed.balancer(second, **changes).wait_until("backup"), "router id"))
    assert verdict == "ok" and text.startswith(source) and "is Active" in text, text


def test_advertisement_of_a_node_that_is_not_in_the_pair_is_a_fault(testbed, before):
    secret = testbed.directory / "pair.key"
    secret.write_text("ab" * 32 + "\n")
    secret.chmod(0o640)
    balancer = before(pair={"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)})
    testbed.keepalived(testbed.node("lb3"), priority=90).wait_until("MASTER")
    assert only(examine(balancer, "router id")) == (
        "fault", "192.0.2.13 advertises router id 51 and is no node of this pair",
    )  # fmt: skip
