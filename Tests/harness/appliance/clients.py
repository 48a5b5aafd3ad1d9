"""Clients that connect repeatedly: python3 clients.py ADDRESS CA SECONDS

Each client opens a connection per request, until standard input ends or the time is over, and then once more. A failed
connection is replaced by another one at once, as clients do. The program prints a line when as many requests have been
answered as there are clients, and at the end, as JSON, the number of answered requests, the serial numbers of the
certificates in the order of their first use, the longest time of a request, and the failures:

    refused   the connection was refused
    failures  these, and connections that ended during the handshake or had a wrong answer
    cut       connections that ended after the handshake without an answer, for example when a process ends
    lost      requests whose second connection failed as well
"""

import json
import socket
import ssl
import sys
import threading
import time

CLIENTS = 4
# The longest time for one connection and its answer. An accepted connection must also be served.
TIMEOUT = 30


class Cut(Exception):
    """An established connection that ended without an answer."""


class Refused(OSError):
    """A refused connection."""


class Load:
    def __init__(self, address, authority, seconds):
        self.address = address
        self.context = ssl.create_default_context(cafile=authority)
        self.deadline = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.answered, self.longest, self.serials = 0, 0.0, []
        self.refused, self.failures, self.cut, self.lost = [], [], [], []

    def connect(self):
        try:
            return socket.create_connection((self.address, 443), timeout=TIMEOUT)
        except OSError as error:
            raise Refused(repr(error)) from error

    def request(self):
        with self.connect() as plain:
            with self.context.wrap_socket(plain, server_hostname="view.domain.local") as connection:
                serial = connection.getpeercert()["serialNumber"]
                answer = self.answer(connection)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise OSError(f"answered with {answer[:60]!r}")
        return serial

    @staticmethod
    def answer(connection):
        answer = b""
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: view.domain.local\r\nConnection: close\r\n\r\n")
            while piece := connection.recv(4096):
                answer += piece
        except (ConnectionError, ssl.SSLError) as error:
            raise Cut(f"{error!r} after {answer[:60]!r}") from error
        if not answer:
            raise Cut("no answer")
        return answer

    def client(self):
        is_over = False
        while not is_over:
            began = time.monotonic()
            is_over = began >= self.deadline
            troubles = []
            serial = self.attempt(began, troubles) or self.attempt(began, troubles)
            with self.lock:
                if serial is None:
                    self.lost.append(troubles)
                else:
                    self.answered += 1
                    self.longest = max(self.longest, time.monotonic() - began)
                    if serial not in self.serials:
                        self.serials.append(serial)
            if serial is None:
                time.sleep(0.02)

    def attempt(self, began, troubles):
        """The serial number of the certificate of one request, or None."""
        try:
            return self.request()
        except (Cut, OSError) as error:
            troubles.append(f"after {time.monotonic() - began:.3f} s: {error!r}")
            with self.lock:
                (self.cut if isinstance(error, Cut) else self.failures).append(troubles[-1])
                if isinstance(error, Refused):
                    self.refused.append(troubles[-1])
            return None

    def run(self):
        threads = [threading.Thread(target=self.client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while self.answered < CLIENTS and time.monotonic() < self.deadline:
            time.sleep(0.01)
        print("began", flush=True)
        threading.Thread(target=self.watch_input, daemon=True).start()
        for thread in threads:
            thread.join()
        keys = ("answered", "longest", "serials", "refused", "failures", "cut", "lost")
        print(json.dumps({key: getattr(self, key) for key in keys}), flush=True)

    def watch_input(self):
        sys.stdin.read()
        self.deadline = 0


if __name__ == "__main__":
    Load(sys.argv[1], sys.argv[2], float(sys.argv[3])).run()
