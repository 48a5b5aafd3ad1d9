"""Debian's keepalived on a node, and a server that accepts connections to its address."""

import os
import shutil
import signal
import sys

import pytest
from harness.program import Program
from harness.waiting import TIMEOUT

# Accepts on a port of every address, with a long backlog, and closes.
ACCEPTOR = """
import socket, sys
listener = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
while True:
    listener.accept()[0].close()
"""


class Keepalived(Program):
    def __init__(self, node, directory, *, priority, address="192.0.2.100/24", router=51, version=3, state="BACKUP",
                 extra="", settings=""):  # fmt: skip
        if not shutil.which("keepalived"):
            pytest.skip("keepalived is not installed")
        super().__init__(directory / "log")
        self.node = node
        self._file = directory / "keepalived.conf"
        self._pids = [directory / "keepalived.pid", directory / "vrrp.pid"]
        self._file.write_text(
            "global_defs {\n"
            f"  vrrp_version {version}\n  vrrp_garp_master_refresh 60\n  enable_script_security\n{settings}\n}}\n"
            "vrrp_instance pair {\n"
            f"  interface eth0\n  virtual_router_id {router}\n  priority {priority}\n  state {state}\n  advert_int 1\n"
            f"{extra}\n  virtual_ipaddress {{\n    {address} dev eth0\n  }}\n}}\n"
        )
        self._acceptor = node.start(sys.executable, "-c", ACCEPTOR, "443")

    def start(self):
        return self.launch(self.node.command(
            "keepalived", "--use-file", self._file, "--pid", self._pids[0], "--vrrp_pid", self._pids[1], "--vrrp",
            "--dont-fork", "--log-console", "--log-detail",
        ))  # fmt: skip

    def wait_until(self, state, *, since=0):
        """Waits for the state `MASTER` or `BACKUP`."""
        self.wait_for_log(f"Entering {state} STATE", since=since)
        return self

    def signal(self, number):
        """Sends a signal to both of its processes."""
        for file in self._pids:
            os.kill(int(file.read_text()), number)

    def kill(self):
        """Kills both of its processes at once: if the parent dies alone, the child removes its addresses (SIGTERM)."""
        self.signal(signal.SIGSTOP)
        self.signal(signal.SIGKILL)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(TIMEOUT)

    def end(self):
        for process in (self.process, self._acceptor):
            if process and process.poll() is None:
                process.terminate()
                process.send_signal(signal.SIGCONT)
                process.wait()
