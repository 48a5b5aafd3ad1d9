"""Two balancers of a pair, and a peer that implements their protocol."""

import hashlib
import hmac
import secrets
import struct
import subprocess
import time

from .waiting import free_port, fresh_address, wait_until

# Health checks that notice a change at once.
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
NAMES = ["lb1", "lb2"]

HELLO, KEEPALIVE, LEAVE, ASSIGNMENTS, FACTS, VITALS, STREAM = 1, 2, 3, 4, 7, 8, 9
RECORDS = 900


class Pair:
    """Two nodes with one configuration, except for their own addresses. lb2 makes the connections."""

    def __init__(self, testbed, servers, **changes):
        self.testbed, self.servers, self.changes = testbed, servers, changes
        self.addresses = {name: fresh_address() for name in NAMES}
        self.port = free_port(self.addresses["lb1"])
        self.secret = secrets.token_hex(32)
        self.nodes = {}

    def start(self, *names, secret=None, **options):
        """Starts nodes, both unless some are named, with the pair's secret or another one."""
        for name in names or NAMES:
            file = self.testbed.directory / f"{name}.key"
            file.write_text((secret or self.secret) + "\n")
            file.chmod(0o640)
            pair = {"nodes": self.addresses, "node": name, "secret": str(file), "port": self.port}
            self.nodes[name] = self.testbed.balance(*self.servers, health=QUICK, pair=pair, **options, **self.changes)
        return self

    def __getitem__(self, name):
        return self.nodes[name]

    def wait_until_joined(self):
        for name, other in zip(NAMES, reversed(NAMES)):
            self[name].wait_for_log(f"pair: {other} has joined", since=self[name]._began)
        return self

    def wait_until_alike(self, count):
        """Waits until both nodes know of so many clients, at the same servers, and none at view01 but who waited for
        the start."""

        def alike():
            one, other = (clients(self[name]) for name in NAMES)
            return one == other and sum(one.values()) >= count and one["view01"] <= 2

        wait_until(alike, lambda: f"the same clients: {[clients(self[name]) for name in NAMES]}")


def clients(node):
    """The number of clients that are assigned to each server."""
    return {server["name"]: (server["load"] or {"clients": 0})["clients"] for server in node.status["servers"]}


def derive(secret, label):
    """HKDF-SHA-256 without salt (RFC 5869): 32 bytes, in hexadecimal digits."""
    key = hmac.digest(bytes(32), bytes.fromhex(secret), hashlib.sha256)
    return hmac.digest(key, label + b"\x01", hashlib.sha256).hex()


def s_client(endpoint, source, *options, **streams):
    """`openssl s_client` from this address."""
    command = ["openssl", "s_client", "-connect", "{}:{}".format(*endpoint), "-bind", f"{source}:0", *options]
    return subprocess.Popen(command, **{name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}, **streams)


def identified(secret):
    """The options of `openssl` for a peer with the secret."""
    return ["-psk_identity", derive(secret, b"belvedere channel identity"), "-psk", derive(secret, b"belvedere channel")]


def frame(kind, payload):
    return struct.pack(">IB", len(payload), kind) + payload


def text(word):
    return bytes([len(word)]) + word.encode()


def hello(name, versions=(1, 1)):
    return frame(HELLO, b"BELVPAIR" + struct.pack(">HHQQ", *versions, time.time_ns(), 1) + text(name) + text("test"))


def identity(name):
    """The number of a server or a service (`ServerID`)."""
    value, mask = 0xCBF29CE484222325, (1 << 64) - 1
    for byte in name.encode():
        value = (value ^ byte) * 0x100000001B3 & mask
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ value >> shift) * factor & mask
    return value ^ value >> 31


def assignments(first, server, service=""):
    """Clients by address, at this server, as many as a message holds."""
    now = time.time_ns()
    records = b"".join(struct.pack(">QQQQI", 0, first + n, identity(server), now, 0) for n in range(RECORDS))
    return frame(ASSIGNMENTS, struct.pack(">QQBH", now, identity(service), 1, RECORDS) + records)
