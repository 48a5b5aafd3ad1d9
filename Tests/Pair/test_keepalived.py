"""Belvedere and Debian's keepalived share an address, in every protocol variant that both support, in both roles; and
tshark decodes the configured values from the packets."""

import time

import pytest
from harness.waiting import stays, wait_until

PASS = "  authentication {\n    auth_type PASS\n    auth_pass pair51\n  }"

# The settings of Belvedere and of keepalived.
DIALECTS = {
    "version 2 with a password": (
        {"version": 2, "authentication": {"password": "pair51"}},
        {"version": 2, "extra": PASS},
    ),
    "version 2 without": ({"version": 2}, {"version": 2}),
    # keepalived 2.2 interprets RFC 5798 as most implementations do.
    "version 3": ({"checksum": "pseudo-header"}, {}),
    "version 3, unicast": (
        {"checksum": "pseudo-header", "peers": ["192.0.2.11", "192.0.2.12"]},
        {"extra": "  unicast_peer {\n    192.0.2.11\n  }"},
    ),
    "version 3 over IPv6": (
        {"address": "2001:db8::100/64"}, {"address": "2001:db8::100/64"},
    ),
    "version 3 over IPv6, unicast": (
        {"address": "2001:db8::100/64", "peers": ["2001:db8::11", "2001:db8::12"]},
        {
            "address": "2001:db8::100/64",
            # Its default is 64 here, which receivers discard (RFC 9568 §5.1.2.3).
            "extra": "  unicast_ttl 255\n  unicast_src_ip 2001:db8::12\n  unicast_peer {\n    2001:db8::11\n  }",
        },
    ),
}  # fmt: skip


def mixed(testbed, dialect, *, ours, theirs):
    """lb1 with Belvedere and lb2 with keepalived, neither started."""
    vrrp, options = DIALECTS[dialect]
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={**vrrp, "priority": ours}, start=False)
    return balancer, lambda: testbed.keepalived(testbed.node("lb2"), priority=theirs, **options)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keepalived_yields_to_belvedere_with_a_higher_priority_and_takes_over_from_it(testbed, dialect):
    balancer, start = mixed(testbed, dialect, ours=101, theirs=100)
    peer = start().wait_until("MASTER")
    capture = testbed.capture()
    balancer.start().wait_until("active")
    peer.wait_until("BACKUP")
    stays(lambda: balancer.log.count("active, was") == 1, "one take-over", 2)
    assert "rejected" not in balancer.log
    said = len(peer.log)
    balancer.stop()
    peer.wait_until("MASTER", since=said)
    ours = [p for p in capture.advertisements() if p["eth.src"] == balancer.node.hardware_address]
    check(ours, DIALECTS[dialect][0])


def check(packets, vrrp):
    """Checks the fields that tshark decodes from Belvedere's packets."""
    assert packets
    version = vrrp.get("version", 3)
    is_v6 = ":" in vrrp.get("address", "")
    for packet in packets:
        assert packet["vrrp.version"] == str(version)
        assert packet["vrrp.type"] == "1"
        assert packet["vrrp.virt_rtr_id"] == "51"
        assert packet["vrrp.addr_count"] == "1"
        assert packet["vrrp.prio"] in ("0", "101")
        assert packet["ipv6.hlim" if is_v6 else "ip.ttl"] == "255"
        if is_v6:
            assert packet["vrrp.ipv6_addr"] == "2001:db8::100"
            assert packet["ipv6.dst"] == ("2001:db8::12" if "peers" in vrrp else "ff02::12")
        else:
            assert packet["vrrp.ip_addr"] == "192.0.2.100"
            assert packet["ip.dst"] == ("192.0.2.12" if "peers" in vrrp else "224.0.0.18")
            assert packet["ip.dsfield"] == "0xc0"
        # Tshark knows the checksum with a pseudo-header, which IPv6 always has.
        if version == 2 or is_v6 or vrrp.get("checksum") == "pseudo-header":
            assert packet["vrrp.checksum.status"] == "1", packet
        if version == 2 and "authentication" in vrrp:
            assert packet["vrrp.auth_type"] == "1"
        if packet["vrrp.prio"] == "101":
            interval = packet["vrrp.adver_int"] if version == 2 else packet["vrrp.short_adver_int"]
            assert interval in (("1",) if version == 2 else ("100", "1"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_belvedere_yields_to_keepalived_with_a_higher_priority_and_takes_over_from_it(testbed, dialect):
    balancer, start = mixed(testbed, dialect, ours=100, theirs=101)
    peer = start().wait_until("MASTER")
    balancer.start().wait_until("backup")
    # Longer than Active_Down_Interval.
    stays(lambda: "active, was" not in balancer.log, "a Backup", 5)
    assert "rejected" not in balancer.log
    peer.stop()
    balancer.wait_until("active")
    assert testbed.get(DIALECTS[dialect][0].get("address", "192.0.2.100/24").split("/")[0]).status == 200
    # It returns with the higher priority.
    said = len(balancer.log)
    peer.start()
    balancer.wait_until("backup", since=said)
    address = DIALECTS[dialect][0].get("address", "192.0.2.100/24").split("/")[0]
    # keepalived logs its MASTER state before it adds the address.
    wait_until(lambda: peer.node.holds(address) and not balancer.node.holds(address), "the address there")


@pytest.mark.parametrize("dialect", ["version 2 with a password", "version 3", "version 3 over IPv6"])
def test_handover_to_keepalived_and_back_has_no_gap(testbed, dialect):
    balancer, start = mixed(testbed, dialect, ours=101, theirs=100)
    balancer.start().wait_until("active")
    peer = start().wait_until("BACKUP")
    address = DIALECTS[dialect][0].get("address", "192.0.2.100/24").split("/")[0]
    probe = testbed.probe(address)
    since = time.monotonic()
    assert balancer.call("failover").returncode == 0
    wait_until(lambda: peer.node.holds(address) and not balancer.node.holds(address), "the address on the other node")
    assert balancer.call("failover", "--back").returncode == 0
    wait_until(lambda: balancer.node.holds(address) and not peer.node.holds(address), "the address on the first node")
    said = len(peer.log)
    balancer.stop()
    peer.wait_until("MASTER", since=said)
    probe.settle()
    print(f"gap: {probe.gap(since) * 1000:.0f} ms")
    # keepalived waits for its skew time of 0.6 s each time, and the address stays until then.
    assert probe.gap(since) < 0.3 and probe.refusals() == 0


def test_belvedere_without_preemption_does_not_take_over_from_keepalived(testbed):
    testbed.server()
    peer = testbed.keepalived(testbed.node("lb2"), priority=100).wait_until("MASTER")
    vrrp = {"checksum": "pseudo-header", "preempt": False}
    balancer = testbed.balancer(testbed.node("lb1"), vrrp=vrrp).wait_until("backup")
    stays(lambda: "active, was" not in balancer.log, "a Backup", 5)
    peer.stop()
    balancer.wait_until("active")


def test_peer_with_the_other_checksum_convention_is_logged(testbed):
    testbed.server()
    testbed.keepalived(testbed.node("lb2"), priority=100).wait_until("MASTER")
    balancer = testbed.balancer(testbed.node("lb1"))
    balancer.wait_for_log("advertisement from 192.0.2.12 rejected: its checksum follows the other convention")


def test_keepalived_takes_over_if_belvedere_reaches_no_server(testbed):
    testbed.server()
    health = {"interval": "500ms", "timeout": "500ms", "fall": 2, "rise": 1, "jitter": "0s"}
    vrrp = {"checksum": "pseudo-header"}
    balancer = testbed.balancer(testbed.node("lb1"), vrrp=vrrp, health=health).wait_until("active")
    peer = testbed.keepalived(testbed.node("lb2"), priority=100).wait_until("BACKUP")
    balancer.node.run("ip", "route", "add", "blackhole", "192.0.2.21/32")
    peer.wait_until("MASTER")
    wait_until(lambda: not balancer.node.holds(testbed.ADDRESS), "the address on the other node")
