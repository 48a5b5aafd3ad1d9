"""The death of all processes of the Active node, and clients that reconnect."""

import statistics
import sys
import threading
import time

from harness.waiting import stays, wait_until

# Keeps a duplicate of every listener of a process, as systemd does for the next one.
STORE = """
import ctypes, os, socket, sys, time
pid, kept = int(sys.argv[1]), []
libc, handle = ctypes.CDLL(None, use_errno=True), os.pidfd_open(pid)
for name in os.listdir(f"/proc/{pid}/fd"):
    pidfd_getfd = 438
    number = libc.syscall(pidfd_getfd, handle, int(name), 0)
    try:
        listener = socket.socket(fileno=number)
        if listener.family != socket.AF_UNIX and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            kept.append(listener)
        else:
            listener.close()
    except OSError:
        number < 0 or os.close(number)
print(len(kept), flush=True)
time.sleep(600)
"""


# The value in the packages' unit.
RESTART_SECONDS = 0.25


class Visitor(threading.Thread):
    """Sends requests continuously, each on a new connection, and at once after a failure."""

    def __init__(self, testbed):
        super().__init__()
        self._scene, self.over, self.served = testbed, threading.Event(), []
        self.start()

    def run(self):
        while not self.over.wait(0.003):
            began = time.monotonic()
            try:
                answer = self._scene.get()
                if answer and answer.status == 200:
                    self.served.append((began, time.monotonic()))
            except (OSError, AssertionError):
                pass

    def wait_after(self, moment):
        """The time from that moment until a later attempt was answered."""
        ended = wait_until(lambda: next((after for began, after in self.served if began > moment), None), "an answer")
        return ended - moment


def test_clients_that_reconnect_after_the_death_of_all_processes_are_served_soon(testbed):
    nodes = testbed.pair(vrrp={"preempt": False})
    visitors = [Visitor(testbed) for _ in range(3)]
    longest, ordinary = [], []
    try:
        for trial in range(3):
            dying, other = nodes[trial % 2], nodes[1 - trial % 2]
            wait_until(lambda: all(len(each.served) > 3 for each in visitors), "answers")
            ordinary += [after - began for each in visitors for began, after in each.served[-3:]]
            store = dying.node.start(sys.executable, "-c", STORE, str(dying.process.pid), stdout=-1, text=True)
            assert int(store.stdout.readline()) > 0
            said, began = len(other.log), dying.start_up()
            moment = dying.kill_under_systemd()
            longest.append(max(each.wait_after(moment) for each in visitors) - began)
            other.wait_until("active", since=said)
            store.kill()
            store.wait()
            said = len(dying.log)
            dying.start().wait_until("backup", since=said)
    finally:
        for each in visitors:
            each.over.set()
        for each in visitors:
            each.join()
    print("served after", ", ".join(f"{each * 1000:.0f} ms" for each in longest))
    # In addition to the time of such a request on this machine at the moment.
    assert statistics.median(longest) < 1 + 3 * statistics.median(ordinary), (longest, ordinary)


def test_recovered_node_preempts_unless_configured_otherwise(testbed):
    """The figures for docs/vrrp.md: make test-pair PYTEST='-n 0 -rP -k recovered_node'"""
    first, second = testbed.pair()
    probe = testbed.probe()
    figures = []
    for delay in ("0s", "20s"):
        first.configuration["vrrp"]["preempt-delay"] = delay
        said, own = len(second.log), len(first.log)
        moment = first.kill_under_systemd()
        second.wait_until("active", since=said)
        time.sleep(RESTART_SECONDS)
        started = time.monotonic()
        first.start().wait_until("backup", since=own)
        ready = time.monotonic()
        figures.append(
            f"preempt-delay {delay}: no answer for {probe.gap(moment) * 1000:.0f} ms; back and ready after "
            f"{ready - moment:.2f} s, {ready - started:.2f} of them for the start"
        )
        if delay == "0s":
            first.wait_until("active", since=own)
            again = time.monotonic()
            probe.settle()
            figures.append(f"takes the address {again - moment:.2f} s after its death: {probe.gap(ready) * 1000:.0f} ms")
            assert first.node.holds(testbed.ADDRESS)
        else:
            # Longer than a Backup waits before it preempts.
            stays(lambda: second.node.holds(testbed.ADDRESS), "the address stays where it is", 4.5)
            assert "active, was backup" not in first.log[own:]
    print("\n".join(figures))
