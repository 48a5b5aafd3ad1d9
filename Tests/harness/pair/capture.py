"""Packets as tcpdump and tshark see them."""

import json
import subprocess

from harness.processes import die_with_parent
from harness.waiting import wait_until


class Capture:
    """Of VRRP, ARP and ICMPv6, into a file, until `packets` is asked for."""

    FILTER = "ip proto 112 or ip6 proto 112 or arp or icmp6"

    def __init__(self, path, node=None):
        self.path = path.with_suffix(".pcap")
        # -U and --immediate-mode: what has passed is in the file.
        command = ["tcpdump", "-n", "-U", "--immediate-mode", "-i", "eth0" if node else "lan", "-w", str(self.path), self.FILTER]
        errors = open(path.with_suffix(".log"), "wb")
        if node:
            self._process = node.start(*command, stderr=errors)
        else:
            self._process = subprocess.Popen(command, stderr=errors, preexec_fn=die_with_parent)
        errors.close()
        wait_until(lambda: b"listening" in path.with_suffix(".log").read_bytes(), "tcpdump")

    def packets(self, display):
        """What tshark makes of those that match its filter: for each, its fields by name, as text."""
        done = subprocess.run(
            ["tshark", "-n", "-r", str(self.path), "-Y", display, "-T", "json", "--no-duplicate-keys"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [flat(packet["_source"]["layers"]) for packet in json.loads(done.stdout or "[]")]

    def advertisements(self, identifier=51):
        # Not those that a complaint quotes: a machine that does not listen says so about unicast ones.
        return self.packets(f"vrrp.virt_rtr_id == {identifier} && !icmp && !icmpv6")

    def end(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def flat(layers, found=None):
    """Every field of every layer by its name; one that is there several times has the first of its values."""
    found = {} if found is None else found
    for name, value in layers.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                flat(item, found)
            else:
                found.setdefault(name, item)
    return found
