"""A client that keeps connecting to the virtual address, and knows how long nobody answered; and a watch on a node's
addresses. Both are processes of their own, in front of every other one where the machine allows it: what they measure
is the pair, not who else wants the processor."""

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

# One new connection after the other, 4 ms apart. One that is not there after 50 ms is given up for the next: the kernel
# would send its SYN again only after a second, and the gap is to be known to the hundredth. To standard output, for
# each: when it began, when it ended, and 0, or what connect(2) failed with.
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
        """`(began, ended, fault)` of every attempt that ended after the moment `since`, of time.monotonic()."""
        data = self._path.read_bytes()
        whole = data[: len(data) - len(data) % RECORD.size]
        return [attempt for attempt in RECORD.iter_unpack(whole) if attempt[1] >= since]

    @property
    def answers(self):
        return sum(fault == 0 for _, _, fault in self._attempts())

    def gap(self, since=0):
        """The longest time, in seconds, between the answer to one connection and the beginning of the next that was
        answered too, after the moment `since`."""
        moments = [attempt for attempt in self._attempts(since) if attempt[2] == 0]
        assert len(moments) > 1, "nobody ever answered"
        return max(after[0] - before[1] for before, after in zip(moments, moments[1:]))

    def refusals(self, since=0):
        """How many connections were refused, since that moment. One that was begun with one node and goes on with the
        other is reset, which is another matter."""
        return sum(fault == errno.ECONNREFUSED for _, _, fault in self._attempts(since))

    def silence(self):
        """For how long nobody has answered now."""
        return time.monotonic() - max((began for began, _, fault in self._attempts() if fault == 0), default=0)

    def settle(self, seconds=0.5):
        """Gives what comes after a take-over the time to be seen."""
        until, before = time.monotonic() + seconds, self.answers
        wait_until(lambda: time.monotonic() > until and self.answers > before + 10, "connections after the take-over")

    def end(self):
        self._process.terminate()
        self._process.wait()


class AddressWatch:
    """When addresses came to a node and went."""

    _LINE = re.compile(r"^\[([^\]]+)\]\s*(Deleted )?\d+: eth0 +inet6? ([0-9a-f.:]+)/", re.MULTILINE)

    def __init__(self, node, path):
        self._path = path
        with open(path, "wb") as output:
            command = ["ip", "-ts", "-o", "monitor", "address"]
            self._process = node.start(*_first(command), stdout=output, env={**os.environ, "TZ": "UTC"})
        # It says nothing of its own readiness: an address of no consequence does.
        self._probe = f"192.0.2.{200 + node.pid % 50}"

        def is_listening():
            node.run("ip", "addr", "replace", f"{self._probe}/32", "dev", "eth0")
            node.run("ip", "addr", "del", f"{self._probe}/32", "dev", "eth0")
            return self._probe in path.read_text()

        wait_until(is_listening, "ip monitor")

    def _moments(self, address, gone):
        # The clocks' difference, for what follows is told in time.monotonic().
        offset = time.time() - time.monotonic()
        for stamp, deleted, found in self._LINE.findall(self._path.read_text()):
            if found == address and bool(deleted) == gone:
                yield datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp() - offset

    def came(self, address, since):
        """When the address was first seen there after the moment `since`."""
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
    """In front of every other process where that is allowed."""
    tried = subprocess.run(["chrt", "-r", "2", "true"], capture_output=True)
    return ["chrt", "-r", "2", *command] if tried.returncode == 0 else command
