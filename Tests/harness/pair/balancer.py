"""A Belvedere that takes part in a virtual router, on a node."""

import json
import os
import re
import signal
import subprocess
import sys
import time

from harness.belvedere import CRASH, binary, merged, server_entry
from harness.waiting import TIMEOUT, wait_until


# What systemd does for the unit when a process has ended: its ExecStopPost=, with its nice value.
AFTER = """
import os, select, sys
select.select([os.pidfd_open(int(sys.argv[1]))], [], [])
try:
    os.nice(-10)
except OSError:
    pass
os.execv(sys.argv[2], sys.argv[2:])
"""


class Balancer:
    PORT = 443

    def __init__(self, node, directory, certificates, servers, vrrp, changes):
        self.node, self.directory = node, directory
        front = certificates.front
        base = {
            "service": certificates.service_name,
            "redirect": "off",
            "tls": {"certificate": str(front.chain), "key": str(front.key)},
            "servers": {s.name: server_entry(s, certificates.authority.certificate) for s in servers},
            "threads": 1,
            "health": {"interval": "1h", "jitter": "0s"},
        }
        router = {
            "interface": "eth0", "router": 51, "priority": {"lb1": 101, "lb2": 100}, "address": "192.0.2.100/24",
        }  # fmt: skip
        if isinstance(vrrp, list):
            # An empty list: takes no part in anything.
            base.update({"vrrp": vrrp} if vrrp else {})
        else:
            base["vrrp"] = merged(router, vrrp or {})
        self.configuration = merged(base, {key.replace("_", "-"): value for key, value in changes.items()})
        self.file, self.control = directory / "belvedere.yaml", directory / "control.sock"
        self.log_file = directory / "log"
        self.process = None
        # What stands in front of the command, to change whom it runs as.
        self.prefix = []
        # And what is said to `run` besides.
        self.options = []
        self.expects_killed = False

    def write(self):
        # JSON is YAML.
        self.file.write_text(json.dumps(self.configuration, indent=2) + "\n")
        return self

    def start(self):
        self.write()
        with open(self.log_file, "ab") as log:
            self.process = self.node.start(
                *self.prefix, binary(), "run", "--configuration", self.file, "--control", self.control, "--die-with-parent",
                *self.options,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        return self

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_for_log(self, pattern, *, since=0, timeout=None):
        return wait_until(
            lambda: re.search(pattern, self.log[since:], re.MULTILINE),
            lambda: f"{pattern!r} in the log of {self.node.name}:\n{self.log}", timeout,
        )  # fmt: skip

    def wait_until(self, role, *, since=0):
        """`active`, `backup`: what the log says that it became."""
        self.wait_for_log(rf"vrrp: .*: {role}, was", since=since)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """Power is cut off for this process: nothing is tidied up."""
        self.expects_killed = True
        self.signal(signal.SIGKILL)
        self.process.wait(TIMEOUT)

    def kill_under_systemd(self):
        """The same, with systemd there to run `belvedere release`. Returns the moment of the death."""
        release = self.node.start(
            sys.executable, "-c", AFTER, self.process.pid, binary(), "release", "--control", self.control,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_until(lambda: "anon_inode:[pidfd]" in _files(release.pid), "the one that waits for the end")
        moment = time.monotonic()
        self.kill()
        _, said = release.communicate(timeout=TIMEOUT)
        assert release.returncode == 0, said
        return moment

    def start_up(self):
        """How long this machine takes at the moment to start and end such a process."""
        began = time.monotonic()
        subprocess.run(["nice", "-n", "-10", binary(), "version"], check=True, capture_output=True)
        return time.monotonic() - began

    def stop(self):
        self.signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT) == 0, self.log

    def call(self, *arguments):
        """`belvedere ARGUMENTS`, asked of this one."""
        return subprocess.run(
            self.node.command(*self.prefix, binary(), *arguments, "--control", self.control),
            capture_output=True, text=True, timeout=TIMEOUT,
        )  # fmt: skip

    def call_plainly(self, *arguments):
        """The same for what asks nothing of a service."""
        return subprocess.run(
            self.node.command(*self.prefix, binary(), *arguments), capture_output=True, text=True, timeout=TIMEOUT
        )

    @property
    def status(self):
        run = self.call("status", "--json")
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return json.loads(run.stdout)

    def end(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"{self.node.name} did not end:\n{self.log}") from None
        fault = CRASH.search(self.log)
        assert not fault, f"the log tells of a crash ({fault.group()}):\n{self.log}"
        if self.process and not self.expects_killed:
            assert self.process.returncode == 0, f"{self.node.name} ended with {self.process.returncode}:\n{self.log}"


def _files(pid):
    try:
        return [os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")]
    except OSError:
        return []
