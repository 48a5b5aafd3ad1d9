"""The network of a test: this process moves into a new network namespace with a bridge; every node is another namespace
with an eth0 on that bridge. Nothing outside changes, and the namespaces end with the processes."""

import ctypes
import itertools
import os
import re
import shutil
import signal
import subprocess

from harness.commands import ip, printed_by
from harness.processes import die_with_parent
from harness.waiting import wait_until

CLONE_NEWNET = 0x40000000
# An unsolicited neighbour advertisement for the virtual address from a host that does not have it; the kernel adds the
# checksum.
CLAIM6 = """
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as messages:
    messages.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
    messages.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    target = socket.inet_pton(socket.AF_INET6, "2001:db8::100")
    advertisement = bytes([136, 0, 0, 0, 0x20, 0, 0, 0]) + target + bytes([2, 1]) + bytes.fromhex("020000000002")
    messages.sendto(advertisement, ("ff02::1", 0))
"""
_numbers = itertools.count(1)


def missing_requirement():
    """The reason why there can be no such network, or None."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    for tool in ("ip", "unshare", "nsenter", "tcpdump"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "ip", "link", "add", "near0", "type", "veth"], capture_output=True, text=True
    )
    return None if tried.returncode == 0 else f"network namespaces can't be made: {tried.stderr.strip()}"


class Lan:
    """192.0.2.0/24 and 2001:db8::/64. Clients and Connection Servers are in this process, on the bridge itself."""

    CLIENT = "192.0.2.1"
    SERVERS = ("192.0.2.21", "192.0.2.22")

    def __init__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        ip("link", "set", "lo", "up")
        # No multicast snooping: the bridge is a plain switch. Without an address of its own it takes the lowest of its
        # ports', so that a node that comes or goes could make the others resolve the servers' addresses again.
        ip("link", "add", "lan", "address", "02:00:00:00:00:01", "type", "bridge", "mcast_snooping", 0)
        ip("link", "set", "lan", "up")
        for address in (self.CLIENT, *self.SERVERS):
            ip("addr", "add", f"{address}/24", "dev", "lan")
        ip("-6", "addr", "add", "2001:db8::1/64", "dev", "lan", "nodad")


class Node:
    """A machine: its own network namespace and host name, with eth0 on the bridge."""

    def __init__(self, name, number):
        self.name = name
        self.address, self.address6 = f"192.0.2.{number}", f"2001:db8::{number}"
        self.port = f"port{next(_numbers)}"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sleep", "infinity"], preexec_fn=die_with_parent
        )
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != own, "a network namespace")
        wait_until(lambda: os.readlink(f"/proc/{self.pid}/ns/uts") != os.readlink("/proc/self/ns/uts"), "a name")
        ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.pid)
        ip("link", "set", self.port, "master", "lan", "up")
        self.run("hostname", name)
        for words in (
            "link set lo up",
            # Duplicate address detection would add a second to every test.
            "link set eth0 addrgenmode eui64",
            f"addr add {self.address}/24 dev eth0",
            f"-6 addr add {self.address6}/64 dev eth0 nodad",
            "link set eth0 up",
        ):
            if words == "link set eth0 up":
                self.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad")
            self.run("ip", *words.split())
        wait_until(lambda: "LOWER_UP" in self.run("ip", "link", "show", "eth0"), f"{name}'s carrier")
        wait_until(lambda: "fe80" in self.run("ip", "-6", "addr", "show", "eth0"), f"{name}'s link-local address")

    @property
    def pid(self):
        return self._holder.pid

    def command(self, *words):
        return ["nsenter", "--net", "--uts", "--target", str(self.pid), *map(str, words)]

    def run(self, *words):
        return printed_by(*self.command(*words))

    def start(self, *words, **options):
        return subprocess.Popen(self.command(*words), preexec_fn=die_with_parent, **options)

    def addresses(self):
        """The output of `ip` about eth0's addresses, one line each."""
        return self.run("ip", "-o", "addr", "show", "dev", "eth0").splitlines()

    def holds(self, address):
        return any(f" {address}/" in line for line in self.addresses())

    @property
    def hardware_address(self):
        return re.search(r"link/ether ([0-9a-f:]{17})", self.run("ip", "-o", "link", "show", "eth0"))[1]

    def filter(self, *rules):
        """Adds rules to the packet filter, each after its hook: `input meta l4proto 112 drop`. Those for ARP begin with
        `arp`."""
        for rule in rules:
            family, rule = ("arp", rule[4:]) if rule.startswith("arp ") else ("inet", rule)
            hook, rule = rule.split(" ", 1)
            self.run("nft", f"add table {family} test")
            self.run("nft", f"add chain {family} test {hook} {{ type filter hook {hook} priority 0; }}")
            self.run("nft", f"add rule {family} test {hook} {rule}")

    def remove_filter(self):
        self.run("nft", "flush ruleset")

    def unplug(self):
        """Unplugs the cable: the node has no carrier."""
        ip("link", "set", self.port, "down")

    def plug(self):
        ip("link", "set", self.port, "up")

    def isolate(self):
        """The switch forwards nothing between this node and the others; the node keeps its carrier."""
        ip("link", "set", self.port, "nomaster")

    def join(self):
        ip("link", "set", self.port, "master", "lan")

    def end(self):
        self._holder.send_signal(signal.SIGKILL)
        self._holder.wait()
        # The namespace lasts as long as a socket in it, which may outlive its process by minutes if the other end does not
        # confirm what was sent: with the cable this node would still use its address, also when another one has it.
        wait_until(lambda: _delete(self.port), "the cable's end")


def _delete(port):
    """Whether there is no such interface any more."""
    subprocess.run(["ip", "link", "del", port], capture_output=True)
    return subprocess.run(["ip", "link", "show", port], capture_output=True).returncode != 0
