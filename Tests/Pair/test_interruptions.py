"""Interruptions at the default interval of a second, measured beside a pair of keepalived that goes through the same in
the same minute: a machine that is busy is busy for both. `make test-pair PYTEST='-n 0 -rP -k test_interruptions'`
prints the figures that docs/vrrp.md has.

A figure is the median of several trials. What is compared with keepalived differs by a wide factor; what is compared
with a time is a timer of the protocol, or has four times the room that it needs."""

import signal
import statistics
import time

import pytest
from harness.waiting import stays, wait_until

# The maximum time of an answer without an event, except on a busy machine.
QUIET = 0.1


def median(figures):
    return statistics.median(figures)


def shown(what, ours, theirs=None):
    """Prints milliseconds for the table in docs/vrrp.md."""

    def text(figures):
        return f"{median(figures) * 1000:.0f} ({', '.join(f'{figure * 1000:.0f}' for figure in sorted(figures))})"

    print(f"{what}: {text(ours)} ms" + (f"; keepalived: {text(theirs)} ms" if theirs else ""))


def test_restart_has_no_interruption_and_keepalived_one_of_its_skew_time(testbed):
    first, second = testbed.pair()
    theirs, their_second = testbed.keepalived_pair()
    probe, other = testbed.probe(), testbed.probe(testbed.OTHER_ADDRESS)
    stops, returns, their_stops, their_returns = [], [], [], []
    for _ in range(3):
        since, said, their_said = time.monotonic(), len(second.log), len(their_second.log)
        first.stop()
        theirs.stop()
        second.wait_until("active", since=said)
        their_second.wait_until("MASTER", since=their_said)
        for each in (probe, other):
            each.settle(0.3)
        stops.append(probe.gap(since))
        their_stops.append(other.gap(since))
        since, said, their_said = time.monotonic(), len(first.log), len(theirs.log)
        first.start()
        theirs.start()
        first.wait_until("active", since=said)
        theirs.wait_until("MASTER", since=their_said)
        for each in (probe, other):
            each.settle(0.3)
        returns.append(probe.gap(since))
        their_returns.append(other.gap(since))
        assert probe.refusals() == 0
    shown("orderly stop", stops, their_stops)
    shown("start, rejoin and preemption", returns, their_returns)
    # Its skew is 0.6 s.
    assert median(stops) < median(their_stops) / 4
    assert median(stops) < 0.1 and median(returns) < 0.1


def test_failover_and_failback_have_no_interruption(testbed):
    first, second = testbed.pair()
    probe = testbed.probe()
    gaps = []
    for _ in range(3):
        for holder, words in ((second, ["failover"]), (first, ["failover", "--back"])):
            since = time.monotonic()
            assert first.call(*words).returncode == 0
            wait_until(lambda: holder.node.holds(testbed.ADDRESS), "the address on the other node")
            probe.settle(0.3)
            gaps.append(probe.gap(since))
    shown("failover, there and back", gaps)
    assert median(gaps) < 0.1 and probe.refusals() == 0


def test_killed_service_releases_the_address_and_killed_keepalived_does_not(testbed):
    # Without preemption the next trial need not wait for the address to return.
    nodes = testbed.pair(vrrp={"preempt": False})
    theirs, their_second = testbed.keepalived_pair()
    probe = testbed.probe()
    watches = [testbed.watch(balancer.node) for balancer in nodes]
    theirs.kill()
    gone, taken, gaps, starts = [], [], [], []
    for trial in range(4):
        one, two = trial % 2, 1 - trial % 2
        starts.append(nodes[one].start_up())
        since = nodes[one].kill_under_systemd()
        gone.append(watches[one].went(testbed.ADDRESS, since) - since)
        taken.append(watches[two].came(testbed.ADDRESS, since) - since)
        probe.settle(0.3)
        gaps.append(probe.gap(since))
        said = len(nodes[one].log)
        nodes[one].start().wait_until("backup", since=said)
    their_second.wait_until("MASTER")
    shown("killed: the address is gone after", gone)
    shown("killed: the other one has it after", taken)
    shown("killed: no answer for", gaps)
    # Now two machines have the address permanently.
    assert theirs.node.holds(testbed.OTHER_ADDRESS) and their_second.node.holds(testbed.OTHER_ADDRESS)
    # Most of it is the start of a process of the debug build on a busy machine.
    shown("killed: of that, a process's start and end", starts)
    assert median(gone) - median(starts) < 0.2
    # At most its skew time of 0.6 s; a shutdown advertisement makes it shorter.
    assert median(taken) - median(gone) < 0.6


def test_hung_service_loses_the_address_with_its_lease_and_hung_keepalived_keeps_it(testbed):
    first, second = testbed.pair()
    theirs, their_second = testbed.keepalived_pair()
    leaving, coming = testbed.watch(first.node), testbed.watch(second.node)
    probe = testbed.probe()
    since = time.monotonic()
    first.signal(signal.SIGSTOP)
    theirs.signal(signal.SIGSTOP)
    gone, taken = leaving.went(testbed.ADDRESS, since), coming.came(testbed.ADDRESS, since)
    probe.settle()
    shown("hung: the address is gone after", [gone - since])
    shown("hung: the other one has it after", [taken - since])
    shown("hung: no answer for", [probe.gap(since)])
    assert gone < taken + 1
    their_second.wait_until("MASTER")
    assert theirs.node.holds(testbed.OTHER_ADDRESS)
    # It has the higher priority, and takes over again.
    first.signal(signal.SIGCONT)
    wait_until(lambda: first.node.holds(testbed.ADDRESS), "the address on the first node")
    wait_until(lambda: not second.node.holds(testbed.ADDRESS), "one holder")
    assert testbed.get().status == 200


def test_crash_of_the_worker_does_not_move_the_address_or_refuse_a_connection(testbed):
    first, second = testbed.pair()
    probe = testbed.probe()
    for _ in range(3):
        since, said, their_said = time.monotonic(), len(first.log), len(second.log)
        first.node.run("kill", "-KILL", first.status["worker"]["pid"])
        first.wait_for_log("the worker is ready and serves", since=said)
        if "fault, was active" not in first.log[said:]:
            break
        first.wait_until("active", since=said)
    else:
        pytest.skip("this machine is too busy to start a worker within the second that a node may be without one")
    assert testbed.get().status == 200
    probe.settle()
    shown("worker killed: no answer for", [probe.gap(since)])
    assert probe.refusals() == 0
    assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)
    assert "active, was backup" not in second.log[their_said:]


def test_node_that_reaches_no_server_loses_the_address(testbed):
    health = {"interval": "500ms", "timeout": "500ms", "fall": 2, "rise": 1, "jitter": "0s"}
    # The time until the checks have failed: an interval until the first failed check, its duration, and that of
    # the second one.
    fall = 0.5 + 2 * 0.5 + 0.5
    first, second = testbed.pair(health=health)
    coming = testbed.watch(second.node)
    probe = testbed.probe()
    taken, gaps = [], []
    # The worker, which makes the checks, has no raised priority: checks that are late on a busy machine are on time
    # again.
    while not taken or min(taken) >= fall + 1 and len(taken) < 3:
        since, said = time.monotonic(), len(first.log)
        first.node.run("ip", "route", "add", "blackhole", "192.0.2.21/32")
        taken.append(coming.came(testbed.ADDRESS, since) - since)
        first.wait_for_log(r"priority 1, was 101: servers", since=said)
        wait_until(lambda: not first.node.holds(testbed.ADDRESS), "one holder")
        probe.settle()
        gaps.append(probe.gap(since))
        assert testbed.get().status == 200
        # It reaches the servers again, and takes over again.
        said = len(first.log)
        first.node.run("ip", "route", "del", "blackhole", "192.0.2.21/32")
        first.wait_until("active", since=said)
        wait_until(lambda: first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "the address on the first node")
    shown("no server in reach: the other one has the address after", taken)
    shown("no server in reach: no answer for", gaps)
    assert min(taken) < fall + 1 and probe.refusals() == 0


def test_end_of_a_partition_has_no_interruption_in_either_order(testbed):
    first, second = testbed.pair()
    theirs, their_second = testbed.keepalived_pair()
    coming, leaving = testbed.watch(second.node), testbed.watch(second.node)
    probe, other = testbed.probe(), testbed.probe(testbed.OTHER_ADDRESS)
    gaps = {"the better one": [], "the other one": []}
    their_gaps = []
    for trial in range(4):
        # The nodes with the higher priority are isolated, and the clients stay with the others: their ARP entry has to
        # change.
        since, their_said = time.monotonic(), len(their_second.log)
        first.node.isolate()
        theirs.node.isolate()
        taken = coming.came(testbed.ADDRESS, since)
        their_second.wait_until("MASTER", since=their_said)
        for each in (probe, other):
            each.settle(0.1)
        # Both advertise once a second, the second node 0.6 s after the first one (its skew), and so at `taken` and in
        # whole seconds from there.
        speaker, phase = (("the better one", 0.15), ("the other one", 0.65))[trial % 2]
        wait = (taken + phase - time.monotonic()) % 1
        time.sleep(wait)
        since = time.monotonic()
        first.node.join()
        theirs.node.join()
        leaving.went(testbed.ADDRESS, since)
        probe.settle()
        gaps[speaker].append(probe.gap(since))
        their_gaps.append(max(other.gap(since), other.silence()))
        assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS)
    for speaker, figures in gaps.items():
        shown(f"a partition heals, and {speaker} is heard first", figures)
        assert median(figures) < QUIET
    shown("a partition heals", sum(gaps.values(), []), their_gaps)
    assert probe.refusals() == 0
    stays(lambda: not second.node.holds(testbed.ADDRESS), "one holder", 0.5)
