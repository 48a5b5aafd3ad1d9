"""Jumps of the wall clock, as after a first synchronisation, a wrong time server or a suspend. Timers use
clocks that only run on."""

import time
from datetime import datetime

from harness.pair.clock import Clock
from harness.waiting import stays, wait_until

HOUR = 3600


def pair(testbed, **vrrp):
    """A pair whose nodes have separate clocks."""
    testbed.server()
    balancers = []
    for name, role in (("lb1", "active"), ("lb2", "backup")):
        balancer = testbed.balancer(testbed.node(name), start=False, vrrp=vrrp)
        balancer.clock = Clock(balancer.directory)
        balancer.prefix = balancer.clock.prefix
        balancers.append(balancer.start().wait_until(role))
    return balancers


def wall(balancer):
    """The offset of its clock from the machine's, by its own output."""
    return datetime.fromisoformat(balancer.status["time"].replace("Z", "+00:00")).timestamp() - time.time()


def jump(testbed, first, second):
    """Sets both clocks forwards and backwards, one or the other, and checks the pair."""
    for balancer, seconds in ((first, 5 * HOUR), (second, -30 * HOUR), (first, -7 * HOUR), (second, 2 * HOUR)):
        balancer.clock.set(seconds)
        assert abs(wall(balancer) - seconds) < HOUR / 2, "the process uses this clock"
        stays(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one holder", 1.5)


def test_jump_of_the_wall_clock_does_not_move_the_address(testbed):
    first, second = pair(testbed)
    capture = testbed.capture()
    sent = first.status["routers"][0]["sent"]
    jump(testbed, first, second)
    wait_until(lambda: first.status["routers"][0]["sent"] > sent + 5, "advertisements")
    moments = [float(packet["frame.time_epoch"]) for packet in capture.advertisements()]
    paces = [after - before for before, after in zip(moments, moments[1:])]
    # A Backup waits for 3.6 s.
    assert len(paces) > 4 and max(paces) < 2, paces
    assert "active, was backup" not in second.log
    # And a takeover still works.
    first.kill()
    second.wait_until("active")


def test_jump_of_the_wall_clock_does_not_move_the_address_with_signed_advertisements(testbed):
    first, second = pair(testbed, authentication={"keys": {1: testbed.key()}})
    jump(testbed, first, second)
    stays(lambda: not second.node.holds(testbed.ADDRESS), "every advertisement was believed", 4)
    assert "rejected" not in first.log + second.log


def test_clocks_that_differ_by_more_than_the_window_are_logged(testbed):
    first, second = pair(testbed, authentication={"keys": {1: testbed.key()}, "window": "60s"})
    first.clock.set(10)
    stays(lambda: not second.node.holds(testbed.ADDRESS), "within the window", 4)
    first.clock.set(HOUR)
    second.wait_for_log("advertisement from 192.0.2.11 rejected: .*clock")
    # It rejects all advertisements, but probes the address before it takes it, and is answered.
    second.wait_for_log("announces our address as its own, and the advertisements of 192.0.2.11 are rejected: .*clocks")
    assert "do not hear" not in second.log
    assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)
    # A sender's signed times only grow. The node whose clock is correct again restarts, and
    # is accepted once its time exceeds the former one, which was ten seconds ahead.
    first.clock.set(0)
    first.stop()
    second.wait_until("active")
    first.start()
    wait_until(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one holder")
