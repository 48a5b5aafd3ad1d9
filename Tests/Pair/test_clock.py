"""Wall clocks that jump, as a first synchronisation, a bad time server or a resumed machine makes them. Timers go by
clocks that only run on."""

import time
from datetime import datetime

from harness.pair.clock import Clock
from harness.waiting import stays, wait_until

HOUR = 3600


def pair(testbed, **vrrp):
    """A pair, each with a clock of its own."""
    testbed.server()
    balancers = []
    for name, role in (("lb1", "active"), ("lb2", "backup")):
        balancer = testbed.balancer(testbed.node(name), start=False, vrrp=vrrp)
        balancer.clock = Clock(balancer.directory)
        balancer.prefix = balancer.clock.prefix
        balancers.append(balancer.start().wait_until(role))
    return balancers


def wall(balancer):
    """How far its clock is ahead of the machine's, as it says itself."""
    return datetime.fromisoformat(balancer.status["time"].replace("Z", "+00:00")).timestamp() - time.time()


def jump(testbed, first, second):
    """Sets both clocks to and fro, now one and now the other, and looks on."""
    for balancer, seconds in ((first, 5 * HOUR), (second, -30 * HOUR), (first, -7 * HOUR), (second, 2 * HOUR)):
        balancer.clock.set(seconds)
        assert abs(wall(balancer) - seconds) < HOUR / 2, "the process goes by this clock"
        stays(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one holder", 1.5)


def test_a_wall_clock_that_jumps_moves_nothing(testbed):
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
    # And who has to, still takes over.
    first.kill()
    second.wait_until("active")


def test_a_wall_clock_that_jumps_moves_nothing_where_advertisements_are_signed_by_it(testbed):
    first, second = pair(testbed, authentication={"keys": {1: testbed.key()}})
    jump(testbed, first, second)
    stays(lambda: not second.node.holds(testbed.ADDRESS), "every advertisement was believed", 4)
    assert "rejected" not in first.log + second.log


def test_clocks_that_disagree_by_more_than_the_window_are_told_of(testbed):
    first, second = pair(testbed, authentication={"keys": {1: testbed.key()}, "window": "60s"})
    first.clock.set(10)
    stays(lambda: not second.node.holds(testbed.ADDRESS), "within the window", 4)
    first.clock.set(HOUR)
    second.wait_for_log("advertisement from 192.0.2.11 rejected: .*clock")
    # It believes nothing of what it hears, but asks before it takes the address, and is answered.
    second.wait_for_log("announces our address as its own, and the advertisements of 192.0.2.11 are rejected: .*clocks")
    assert "do not hear" not in second.log
    assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)
    # What was signed cannot be unsaid: a sender's times only grow. The node whose clock is right again begins anew, and
    # is believed once it has come past what it said before, ten seconds ahead.
    first.clock.set(0)
    first.stop()
    second.wait_until("active")
    first.start()
    wait_until(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one holder")
