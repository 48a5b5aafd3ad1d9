"""A client that connects to the virtual address repeatedly and measures how long there is no answer, and a monitor of a
node's addresses. Both are separate processes with real-time priority where the machine allows it, so that they measure
the pair, not the load of the machine."""

import errno
import os
import re
import struct
import subprocess
import sys
import time
from datetime import datetime, timezone

from harness.processes import die_with_parent
from harness.waiting import wait_until

# New connections, 4 ms apart. A connection that is not established after 50 ms is abandoned: the kernel would repeat
# its SYN only after a second, and the gap is measured to a hundredth of a second. For each connection, writes to
# standard output: start, end, and 0 or the error of connect(2).
CLIENT = """
import os, socket, struct, sys, time
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
except OSError:
    pass
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
while True:
    began, fault = time.monotonic(), 0
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.05)
        # RST at the end: nothing lingers.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            sock.connect((address, port))
        except OSError as error:
            fault = error.errno or -1
    os.write(1, struct.pack("ddi", began, time.monotonic(), fault))
    time.sleep(0.004)
"""
RECORD = struct.Struct("ddi")


class Probe:
    def __init__(self, address, path, port=443):
        self._path = path
        with open(path, "wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CLIENT, address, str(port)], stdout=output, preexec_fn=die_with_parent
            )

    def _attempts(self, since=0):
        """`(began, ended, fault)` of every attempt that ended after the time `since` (time.monotonic())."""
        data = self._path.read_bytes()
        whole = data[: len(data) - len(data) % RECORD.size]
        return [attempt for attempt in RECORD.iter_unpack(whole) if attempt[1] >= since]

    @property
    def answers(self):
        return sum(fault == 0 for _, _, fault in self._attempts())

    def gap(self, since=0):
        """The longest time in seconds between the answer to one connection and the start of the next answered one,
        after the time `since`."""
        moments = [attempt for attempt in self._attempts(since) if attempt[2] == 0]
        assert len(moments) > 1, "there was no answer"
        return max(after[0] - before[1] for before, after in zip(moments, moments[1:]))

    def refusals(self, since=0):
        """The number of refused connections since that time. A connection that starts at one node and continues at the
        other is reset; it is not counted."""
        return sum(fault == errno.ECONNREFUSED for _, _, fault in self._attempts(since))

    def silence(self):
        """The time since the start of the last answered connection."""
        return time.monotonic() - max((began for began, _, fault in self._attempts() if fault == 0), default=0)

    def settle(self, seconds=0.5):
        """Waits until effects of a take-over would have been seen."""
        until, before = time.monotonic() + seconds, self.answers
        wait_until(lambda: time.monotonic() > until and self.answers > before + 10, "connections after the take-over")

    def end(self):
        self._process.terminate()
        self._process.wait()


class AddressWatch:
    """Records when addresses are added to and removed from a node."""

    _LINE = re.compile(r"^\[([^\]]+)\]\s*(Deleted )?\d+: eth0 +inet6? ([0-9a-f.:]+)/", re.MULTILINE)

    def __init__(self, node, path):
        self._path = path
        with open(path, "wb") as output:
            command = ["ip", "-ts", "-o", "monitor", "address"]
            self._process = node.start(*_first(command), stdout=output, env={**os.environ, "TZ": "UTC"})
        # `ip monitor` does not report its readiness, so an unused address is added until it is reported.
        self._probe = f"192.0.2.{200 + node.pid % 50}"

        def is_listening():
            node.run("ip", "addr", "replace", f"{self._probe}/32", "dev", "eth0")
            node.run("ip", "addr", "del", f"{self._probe}/32", "dev", "eth0")
            return self._probe in path.read_text()

        wait_until(is_listening, "ip monitor")

    def _moments(self, address, gone):
        # The difference of the clocks: results are in time.monotonic().
        offset = time.time() - time.monotonic()
        for stamp, deleted, found in self._LINE.findall(self._path.read_text()):
            if found == address and bool(deleted) == gone:
                yield datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp() - offset

    def came(self, address, since):
        """When the address was first seen on the node after the time `since`."""
        return self._first_after(address, False, since)

    def went(self, address, since):
        return self._first_after(address, True, since)

    def _first_after(self, address, gone, since):
        what = f"{address} {'gone' if gone else 'there'}"
        return wait_until(lambda: next((m for m in self._moments(address, gone) if m >= since), None), what)

    def end(self):
        self._process.terminate()
        self._process.wait()


def _first(command):
    """Runs a command with real-time priority where that is allowed."""
    tried = subprocess.run(["chrt", "-r", "2", "true"], capture_output=True)
    return ["chrt", "-r", "2", *command] if tried.returncode == 0 else command
