"""The network of the guide, 192.168.1.0/24: a bridge in its own namespace, with the clients and servers."""

import os
import subprocess

from harness.commands import ip
from harness.processes import die_with_parent


class Network:
    # The test itself, and the two Connection Servers.
    ADDRESSES = ("192.168.1.20", "192.168.1.165", "192.168.1.166")

    def __init__(self):
        self.name = f"belvedere-{os.getpid()}"
        ip("netns", "add", self.name)
        try:
            self._inside("link", "set", "lo", "up")
            # By default a bridge uses the lowest address of its ports, and changes it when that port is removed: the
            # neighbour table entries of the servers on the bridge would be wrong.
            self._inside("link", "add", "lan", "address", "02:00:00:00:00:01", "type", "bridge")
            self._inside("link", "set", "lan", "up")
            for address in self.ADDRESSES:
                self._inside("addr", "add", f"{address}/24", "dev", "lan")
        except BaseException:
            self.end()
            raise

    def _inside(self, *words):
        ip("-netns", self.name, *words)

    def attach(self, machine, address):
        """Connects a machine: an eth0 with this address."""
        port = f"to-{machine.name}"
        # The port of an earlier boot is removed some time after the machine stopped.
        subprocess.run(["ip", "-netns", self.name, "link", "del", port], capture_output=True)
        self._inside("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", machine.init)
        self._inside("link", "set", port, "master", "lan", "up")
        machine.run(f"ip addr add {address}/24 dev eth0 && ip link set eth0 up")

    def unplug(self, machine):
        self._inside("link", "set", f"to-{machine.name}", "down")

    def plug(self, machine):
        self._inside("link", "set", f"to-{machine.name}", "up")

    def start(self, *command, **options):
        """Starts a program on this network, outside the machines."""
        command = ["ip", "netns", "exec", self.name, *map(str, command)]
        return subprocess.Popen(command, text=True, preexec_fn=die_with_parent, **options)

    def run(self, *command, timeout=60):
        command = ["ip", "netns", "exec", self.name, *map(str, command)]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout)

    def end(self):
        ip("netns", "del", self.name)
