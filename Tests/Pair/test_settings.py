"""The settings of a virtual router."""

import os
import sys

from harness.commands import script
from harness.pair.lan import CLAIM6
from harness.waiting import stays, wait_until


def test_takeover_with_a_short_interval_takes_a_fraction_of_a_second(testbed):
    first, second = testbed.pair(vrrp={"interval": "50ms"})
    first.kill()
    second.wait_until("active")
    # The lease is at least a second, whatever the interval.
    wait_until(lambda: not first.node.holds(testbed.ADDRESS), "the lease's end")


def test_unicast_peers_may_list_both_nodes(testbed):
    capture = testbed.capture()
    first, second = testbed.pair(vrrp={"peers": ["192.0.2.11", "192.0.2.12"]})
    stays(lambda: not second.node.holds(testbed.ADDRESS), "one Active", 4)
    first.stop()
    second.wait_until("active")
    assert {(p["ip.src"], p["ip.dst"]) for p in capture.advertisements()} == {
        ("192.0.2.11", "192.0.2.12"), ("192.0.2.12", "192.0.2.11"),
    }  # fmt: skip


def test_different_addresses_are_logged_by_both_nodes_and_one_is_active(testbed):
    testbed.server()
    first = testbed.balancer(testbed.node("lb1")).wait_until("active")
    second = testbed.balancer(testbed.node("lb2"), vrrp={"address": ["192.0.2.100/24", "192.0.2.110/24"]})
    words = "advertises other addresses than ours: {}. Its priority counts all the same"
    second.wait_for_log("192.0.2.11 " + words.format("192.0.2.100"))
    stays(lambda: not second.node.holds(testbed.ADDRESS), "one Active", 4)
    # One line for every received advertisement.
    assert second.log.count("advertises other addresses than ours") == 1
    first.kill()
    second.wait_until("active")
    said = len(first.log)
    first.start().wait_for_log("192.0.2.12 " + words.format("192.0.2.100, 192.0.2.110"), since=said)


def test_signed_advertisements_are_accepted_and_unsigned_ones_rejected(testbed):
    authentication = {"keys": {1: testbed.key()}}
    # keepalived's convention.
    first, second = testbed.pair(vrrp={"authentication": authentication, "checksum": "pseudo-header"})
    stays(lambda: not second.node.holds(testbed.ADDRESS), "one Active", 4)
    # Another node without the key, with a higher priority.
    other = testbed.keepalived(testbed.node("lb3"), priority=200)
    first.wait_for_log("advertisement from 192.0.2.13 rejected: it is not signed")
    assert first.node.holds(testbed.ADDRESS)
    other.stop()
    # The shutdown advertisement on behalf of a dead supervisor is signed too.
    said = len(second.log)
    first.kill()
    assert first.call("release").returncode == 0
    second.wait_for_log("active, was backup, priority 100: the Active left", since=said)


def test_group_is_active_on_one_node(testbed):
    def router(**changes):
        return {"interface": "eth0", "priority": {"lb1": 101, "lb2": 100}, "group": "view", **changes}

    vrrp = [
        router(router=51, address="192.0.2.100/24"), router(router=52, address="2001:db8::100/64"),
        router(router=53, address=["192.0.2.102/24", "192.0.2.103/24"], interval="100ms"),
    ]  # fmt: skip
    addresses = ["192.0.2.100", "2001:db8::100", "192.0.2.102", "192.0.2.103"]
    first, second = testbed.pair(vrrp=vrrp)
    wait_until(lambda: all(first.node.holds(a) for a in addresses), "every address")
    assert testbed.get("2001:db8::100").status == 200
    # One router of the group fails on this node: IPv6 packets can't be sent any more.
    first.node.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
    wait_until(lambda: all(second.node.holds(a) for a in addresses), f"every address on the other node\n{second.log}")
    wait_until(lambda: not any(first.node.holds(a) for a in addresses), "none on the first")


def test_failing_script_lowers_the_priority(testbed):
    check = script(testbed.directory / "check", f"test -e {testbed.directory}/good")
    (testbed.directory / "good").touch()
    track = {"script": check, "interval": "2s", "timeout": "2s", "weight": -50, "recovery": "1s"}
    first, second = testbed.pair(vrrp={"track": track})
    os.remove(testbed.directory / "good")
    # It fails on both nodes, and the priorities have their former order, whichever node ran it first.
    first.wait_for_log("priority 51, was 101: script check")
    second.wait_for_log("priority 50, was 100: script check")
    wait_until(lambda: first.node.holds(testbed.ADDRESS), f"the address on the better one\n{first.log}")
    stays(lambda: first.node.holds(testbed.ADDRESS), "no reason to move", 1)
    (testbed.directory / "good").touch()
    first.wait_for_log("priority 101, was 51")


def test_failure_of_a_tracked_interface_moves_the_address(testbed):
    testbed.server()
    node = testbed.node("lb1")
    node.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far1")
    for name in ("eth1", "far1"):
        node.run("ip", "link", "set", name, "up")
    balancer = testbed.balancer(node, vrrp={"track": {"interface": "eth1"}}).wait_until("active")
    node.run("ip", "link", "set", "far1", "down")
    balancer.wait_for_log("fault, was active.*link eth1")
    wait_until(lambda: not node.holds(testbed.ADDRESS), "no address")
    node.run("ip", "link", "set", "far1", "up")
    balancer.wait_until("active", since=balancer.log.index("fault, was active"))


def test_hooks_get_the_arguments_of_keepalived(testbed):
    hook = script(testbed.directory / "hook", f'echo "$@" >>{testbed.directory}/told')
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={"notify": hook, "name": "view"}).wait_until("active")
    balancer.stop()
    told = (testbed.directory / "told").read_text().splitlines()
    assert told == ["INSTANCE view BACKUP 101", "INSTANCE view MASTER 101", "INSTANCE view STOP 101"]


def test_recovered_node_preempts_after_its_preempt_delay(testbed):
    first, second = testbed.pair(vrrp={"preempt-delay": "10s"})
    first.stop()
    second.wait_until("active")
    said = len(first.log)
    first.start().wait_until("backup", since=said)
    # Twice the usual time before it preempts, and shorter than the delay with a margin for a late log line.
    stays(lambda: not first.node.holds(testbed.ADDRESS), "left alone", 7)
    first.wait_until("active", since=said)
    wait_until(lambda: not second.node.holds(testbed.ADDRESS), "one holder")


def test_owner_is_active_at_once(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={"priority": 255}).wait_until("active")
    assert "backup" not in balancer.log


def test_interface_that_appears_later_is_waited_for(testbed):
    testbed.server()
    node = testbed.node("lb1")
    balancer = testbed.balancer(node, vrrp={"interface": "late0"})
    balancer.wait_for_log("there is no interface late0")
    node.run("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
    node.run("ip", "addr", "add", "198.51.100.1/24", "dev", "late0")
    for name in ("late0", "late1"):
        node.run("ip", "link", "set", name, "up")
    balancer.wait_until("active")


def test_two_actives_are_logged_with_what_to_check(testbed):
    testbed.server()
    first = testbed.balancer(testbed.node("lb1"), vrrp={"checksum": "pseudo-header"}).wait_until("active")
    # The second node receives nothing, as behind a firewall, and does not probe the address before it takes it.
    node = testbed.node("lb2")
    node.filter("input meta l4proto 112 drop")
    testbed.keepalived(node, priority=100).wait_until("MASTER")
    first.wait_for_log("both Active: 192.0.2.12 .* does not hear us; check that its firewall lets protocol 112 in")


# A gratuitous ARP from a machine that has the address configured.
CLAIM = """
import socket
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as frames:
    frames.bind(("eth0", 0))
    mac, address = bytes.fromhex("020000000001"), bytes([192, 0, 2, 100])
    frames.send(b"\\xff" * 6 + mac + bytes.fromhex("08060001080006040001") + mac + address + bytes(6) + address)
"""


def test_another_host_with_the_address_is_logged(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1")).wait_until("active")
    other = testbed.node("lb3")

    def is_told():
        # The bridge drops packets of a port before it has seen its carrier.
        other.run(sys.executable, "-c", CLAIM)
        return "02:00:00:00:00:01 announces our address as its own while we are Active" in balancer.log

    wait_until(is_told, lambda: f"the claim in the log:\n{balancer.log}")


def test_another_host_with_the_ipv6_address_is_logged(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={"address": "2001:db8::100/64"}).wait_until("active")
    other = testbed.node("lb3")

    def is_told():
        other.run(sys.executable, "-c", CLAIM6)
        return "02:00:00:00:00:02 announces our address as its own while we are Active" in balancer.log

    wait_until(is_told, lambda: f"the claim in the log:\n{balancer.log}")


# Sends a received advertisement back to the network, as a switching loop would.
ECHO = """
import socket
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86dd)) as frames:
    frames.bind(("eth0", 0))
    own = frames.getsockname()[4]
    while True:
        frame = frames.recv(2048)
        if frame[20] == 112:
            break
    for _ in range(5):
        frames.send(frame[:6] + own + frame[12:])
"""


def test_looped_own_advertisements_are_ignored_and_logged(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={"address": "2001:db8::100/64"}).wait_until("active")
    other = testbed.node("lb3")
    other.run(sys.executable, "-c", ECHO)
    balancer.wait_for_log("an advertisement from our own address fe80::.*: a loop in the network")
    assert "is Active as well" not in balancer.log
    assert balancer.status["routers"][0]["received"] == 0
