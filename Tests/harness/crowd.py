"""Many slow clients, in their own process so that they do not slow down the test's own client; and a regular client
beside them."""

import os
import resource
import select
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

from .processes import die_with_parent
from .waiting import TIMEOUT

# The number of clients in a crowd; CI has time and descriptors for no more than this.
SIZE = int(os.environ.get("BELVEDERE_TEST_CROWD", "400"))


class Crowd:
    """`count` clients of `endpoint` from `source`, which behave as `kind` and stay connected until `end`:

    silent: connect and send nothing; hello: send a ClientHello and nothing after it; piece: send half of one;
    record: send a ClientHello and the first bytes of a record;
    idle: complete the handshake and one request; reset: send a ClientHello and disconnect at once, one after the other;
    flow: send one UDP datagram.
    """

    def __init__(self, kind, endpoint, count, source="127.0.91.1"):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.crowd", kind, *map(str, endpoint), str(count), source],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
            preexec_fn=die_with_parent,
        )  # fmt: skip

    @property
    def is_complete(self):
        """Whether all clients are connected."""
        ready, _, _ = select.select([self.process.stdout], [], [], 0)
        return bool(ready)

    def wait(self):
        """Waits until all clients are connected."""
        ready, _, _ = select.select([self.process.stdout], [], [], TIMEOUT * 6)
        assert ready and self.process.stdout.readline() == "complete\n", "the crowd did not connect"
        return self

    def end(self):
        """Disconnects all clients."""
        self.process.stdin.close()
        self.process.wait(TIMEOUT * 3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Beside:
    """Measures how long requests take: on a new connection each, and on a kept one."""

    def __init__(self, connect, target="/", host="view.test"):
        self._connect, self._target, self._host = connect, target, host
        self.kept = connect("127.0.90.1")

    def request(self):
        began = time.monotonic()
        with self._connect("127.0.90.2") as client:
            assert client.get(self._target, "Connection: close", host=self._host).status == 200
            new = time.monotonic() - began
        began = time.monotonic()
        assert self.kept.get(self._target, host=self._host).status == 200
        return new, time.monotonic() - began

    def requests(self, count):
        return [self.request() for _ in range(count)]

    def requests_until(self, condition, atleast=20):
        samples = self.requests(atleast)
        deadline = time.monotonic() + TIMEOUT * 3
        while not condition() and time.monotonic() < deadline:
            samples.append(self.request())
        return samples

    def close(self):
        self.kept.close()


def percentile(samples, which, percent):
    """A percentile for new connections (0) or the kept one (1)."""
    return statistics.quantiles([sample[which] for sample in samples], n=100, method="inclusive")[percent - 1]


def context():
    """Accepts any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def client_hello():
    """The bytes of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = context().wrap_bio(incoming, outgoing, server_hostname="view.test")
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def connect(kind, endpoint, source):
    if kind == "flow":
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((source, 0))
        client.connect(endpoint)
        return client
    return socket.create_connection(endpoint, timeout=TIMEOUT * 3, source_address=(source, 0))


def gather(kind, endpoint, count, source):
    """Connects all clients."""
    hello, shared, kept = client_hello(), context(), []
    for _ in range(count):
        try:
            client = connect(kind, endpoint, source)
            if kind in ("hello", "reset"):
                client.sendall(hello)
            elif kind == "flow":
                client.send(b"x")
            elif kind == "piece":
                client.sendall(hello[: len(hello) // 2])
            elif kind == "record":
                client.sendall(hello + b"\x17\x03\x03\x40\x00")
            elif kind == "idle":
                client = shared.wrap_socket(client, server_hostname="view.test")
                client.sendall(b"GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
                client.recv(65536)
            if kind == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            else:
                kept.append(client)
        except OSError:
            # Refused, or already closed.
            continue
    return kept


def main(kind, address, port, count, source):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = gather(kind, (address, int(port)), int(count), source)
    print("complete", flush=True)
    sys.stdin.read()
    for client in clients:
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
