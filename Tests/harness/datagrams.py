"""UDP: servers that answer datagrams, and clients that send them."""

import contextlib
import os
import select
import socket
import threading

from .waiting import TIMEOUT, wait_until

# Used by this process's tests only, since some listen on every address; below the kernel's range of source ports.
PORT = 10_000 + os.getpid() % 20_000
NAMES = [b"view01", b"view02", b"extra"]


class Echo:
    """A server's UDP port: sends each datagram back, `greeting` in front of the first few bytes, and notes its
    peers."""

    def __init__(self, name, address, port=PORT):
        self.name, self.received, self.peers = name.encode(), [], set()
        self.answers = lambda datagram: [datagram]
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((address, port))
        self.socket.settimeout(0.1)
        self.is_open = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.is_open:
            with contextlib.suppress(TimeoutError, ConnectionError):
                datagram, peer = self.socket.recvfrom(1 << 16)
                self.received.append(datagram)
                self.peers.add(peer)
                for answer in [self.name] if datagram == b"who" else self.answers(datagram):
                    self.socket.sendto(answer, peer)

    def stop(self):
        self.is_open = False
        self.thread.join()
        self.socket.close()


class Client:
    """A connected UDP client: it accepts answers only from the address that it sends to."""

    def __init__(self, balancer, source=None, port=PORT, source_port=0, address=None):
        address = address or balancer.address
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        if source:
            self.socket.bind((source, source_port))
        # With the interface of a link-local address.
        self.socket.connect(socket.getaddrinfo(address, port)[0][4])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, datagram):
        # An ICMP error for an earlier datagram is reported here.
        with contextlib.suppress(ConnectionRefusedError):
            self.socket.send(datagram)

    def receive(self, within=TIMEOUT):
        if not select.select([self.socket], [], [], within)[0]:
            return None
        return self.socket.recv(1 << 16)

    def ask(self):
        """The name of the server; repeats the datagram, which may be lost."""

        def answered():
            self.send(b"who")
            answer = self.receive(within=1)
            while answer is not None and answer not in NAMES:
                answer = self.receive(within=1)
            return answer

        return wait_until(answered, "a server's name").decode()
