"""The effects of a move of the address on clients, in addition to test_interruptions.py."""

import threading
import time

from harness.server import page
from harness.waiting import wait_until


def test_link_loss_moves_the_address(testbed):
    first, second = testbed.pair()
    first.node.unplug()
    second.wait_until("active")
    wait_until(lambda: not first.node.holds(testbed.ADDRESS), "no address on a dead link")
    first.wait_for_log("fault, was active.*link eth0")
    probe = testbed.probe()
    since, said = time.monotonic(), len(first.log)
    first.node.plug()
    first.wait_until("active", since=said)
    probe.settle()
    wait_until(lambda: not second.node.holds(testbed.ADDRESS), "one holder")
    print(f"gap: {probe.gap(since) * 1000:.0f} ms")
    assert probe.gap(since) < 0.3


def test_takeover_loses_no_request_that_is_retried_once(testbed):
    # So slow that each move occurs during a request.
    testbed.server().script = lambda request: (time.sleep(0.2), page(request))
    # Late checks on a busy machine are not failures.
    first, second = testbed.pair(health={"interval": "1s", "timeout": "30s", "jitter": "0s", "rise": 1})
    # The start times of answered attempts.
    failures, answered, over = [], [], threading.Event()

    def ask():
        """Sends requests continuously; a failed connection is retried once, as clients do."""
        while not over.is_set():
            for attempt in (1, 2):
                began = time.monotonic()
                try:
                    answer = testbed.get()
                    # None: closed before the request, as by a stopping node.
                    assert answer and answer.status == 200, answer
                    answered.append(began)
                    break
                except (OSError, AssertionError) as error:
                    if attempt == 2:
                        failures.append(repr(error))
            time.sleep(0.01)

    def settle():
        """Waits between moves: every move cuts open connections, and two of them during one request may cut both
        attempts."""
        moved = time.monotonic()
        wait_until(lambda: failures or any(began > moved for began in answered), "an answer after the move")

    client = threading.Thread(target=ask)
    client.start()
    try:
        settle()
        first.stop()
        second.wait_until("active")
        settle()
        said = len(first.log)
        first.start().wait_until("active", since=said)
        settle()
        assert first.call("failover").returncode == 0
        settle()
        said = len(first.log)
        assert first.call("failover", "--back").returncode == 0
        first.wait_until("active", since=said)
        settle()
    finally:
        over.set()
        client.join()
    assert not failures
