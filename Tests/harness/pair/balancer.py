"""A Belvedere on a node, with a virtual router."""

import signal
import subprocess
import sys
import time

from harness.processes import open_files
from harness.service import Service, base_configuration, binary, merged
from harness.waiting import TIMEOUT, wait_until

# systemd's step after the end of a process of the unit: ExecStopPost=, with the unit's nice value.
AFTER = """
import os, select, sys
select.select([os.pidfd_open(int(sys.argv[1]))], [], [])
try:
    os.nice(-10)
except OSError:
    pass
os.execv(sys.argv[2], sys.argv[2:])
"""


class Balancer(Service):
    PORT = 443

    def __init__(self, node, directory, certificates, servers, vrrp, changes):
        self.node = node
        base = base_configuration(certificates, servers, {}) | {"redirect": "off", "threads": 1}
        router = {
            "interface": "eth0", "router": 51, "priority": {"lb1": 101, "lb2": 100}, "address": "192.0.2.100/24",
        }  # fmt: skip
        if isinstance(vrrp, list):
            # An empty list: no virtual router.
            base.update({"vrrp": vrrp} if vrrp else {})
        else:
            base["vrrp"] = merged(router, vrrp or {})
        super().__init__(directory, merged(base, {key.replace("_", "-"): value for key, value in changes.items()}))
        # Additional arguments of `run`.
        self.options = []

    def command(self, *words):
        return self.node.command(*super().command(*words))

    def start(self):
        return self.run("--die-with-parent", *self.options, stdout=subprocess.DEVNULL)

    def wait_until(self, role, *, since=0):
        """Waits until the log reports the role `active` or `backup`."""
        self.wait_for_log(rf"vrrp: .*: {role}, was", since=since)
        return self

    def kill(self):
        """Kills the process without any clean-up."""
        self.expects_killed = True
        self.signal(signal.SIGKILL)
        self.process.wait(TIMEOUT)

    def kill_under_systemd(self):
        """The same, with `belvedere release` afterwards, as run by systemd. Returns the time of the kill."""
        release = self.node.start(
            sys.executable, "-c", AFTER, self.process.pid, binary(), "release", "--control", self.control,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_until(lambda: "anon_inode:[pidfd]" in open_files(release.pid), "the process that waits for the end")
        moment = time.monotonic()
        self.kill()
        _, said = release.communicate(timeout=TIMEOUT)
        assert release.returncode == 0, said
        return moment

    def start_up(self):
        """How long it currently takes this machine to start and end such a process."""
        began = time.monotonic()
        subprocess.run(["nice", "-n", "-10", binary(), "version"], check=True, capture_output=True)
        return time.monotonic() - began
