"""Packets captured by tcpdump and decoded by tshark."""

import itertools
import json
import socket
import subprocess

from harness.processes import die_with_parent
from harness.waiting import wait_until


class Capture:
    """Captures VRRP, ARP, ICMPv6, and what else `also` says, into a file; read by `packets`."""

    FILTER = "ip proto 112 or ip6 proto 112 or arp or icmp6"
    # Unused addresses.
    _unused = itertools.cycle(range(160, 200))

    def __init__(self, path, also=""):
        self.path = path.with_suffix(".pcap")
        command = ["tcpdump", "-n", "-U", "--immediate-mode", "-i", "lan", "-w", str(self.path), self.FILTER + also]
        with open(path.with_suffix(".log"), "wb") as errors:
            self._process = subprocess.Popen(command, stderr=errors, preexec_fn=die_with_parent)
        wait_until(lambda: b"listening" in path.with_suffix(".log").read_bytes(), "tcpdump")

    def packets(self, display):
        """The packets that match a tshark filter, decoded: for each, its fields by name, as text."""
        self._catch_up()
        done = subprocess.run(
            ["tshark", "-n", "-r", str(self.path), "-Y", display, "-T", "json", "--no-duplicate-keys"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [flat(packet["_source"]["layers"]) for packet in json.loads(done.stdout or "[]")]

    def _catch_up(self):
        """Waits until all packets so far are in the file: sends an ARP request for an unused address, and waits for
        it."""
        unused = f"192.0.2.{next(self._unused)}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", (unused, 9))
        question = bytes(6) + socket.inet_aton(unused)
        wait_until(lambda: question in self.path.read_bytes(), "tcpdump to catch up")

    def advertisements(self, identifier=51):
        # Not those quoted in ICMP errors: a node without a VRRP socket answers unicast ones with an error.
        return self.packets(f"vrrp.virt_rtr_id == {identifier} && !icmp && !icmpv6")

    def end(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def flat(layers, found=None):
    """All fields of all layers by name; a field that occurs several times has its first value."""
    found = {} if found is None else found
    for name, value in layers.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                flat(item, found)
            else:
                found.setdefault(name, item)
    return found
