"""Waiting with a time limit, and addresses that are used only once. No test relies on a fixed sleep."""

import errno
import functools
import itertools
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# It limits a hang and is no expectation of speed: sanitizer builds on a busy machine are slow.
TIMEOUT = float(os.environ.get("BELVEDERE_TEST_TIMEOUT", "20"))

_POLL = 0.01


def wait_until(condition, what, timeout=None):
    """Returns the first true value of `condition()`, or fails with a message that `what` did not happen."""
    deadline = time.monotonic() + (TIMEOUT if timeout is None else timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for: {what() if callable(what) else what}")
        time.sleep(_POLL)


def stays(condition, what, seconds):
    """Fails as soon as `condition()` is false within `seconds`. For "nothing happens": a lower bound only."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"did not stay: {what}"
        time.sleep(_POLL)


def accepts(endpoint):
    """Whether connections are accepted there."""
    try:
        socket.create_connection(endpoint, timeout=TIMEOUT).close()
        return True
    except OSError:
        return False


def all_at_once(act, arguments):
    """The results of `act` for each of the arguments, each on its own thread; an exception there fails the test."""
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(act, arguments))


_numbers = itertools.count(1)


@functools.cache
def _claim():
    """A network in 127.0.0.0/8 for this process: its number, and the socket whose name reserves it."""
    for number in range(101, 251):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0belvedere-tests-127.{number}")
            return number, claim
        except OSError:
            claim.close()
    raise AssertionError("no network of 127.0.0.0/8 is left")


def fresh_address():
    """A new loopback address for one listener: its ports cannot collide with those of another test."""
    network, number = _claim()[0], next(_numbers)
    return f"127.{network}.{number // 250 % 250 + 1}.{number % 250 + 1}"


_given_ports = set()


def free_port(address):
    """A free port on this address, and never one that was returned before, for any address: what asked for that one may
    not listen yet, and the nodes of a pair use one port. It is not in the range that the kernel assigns to clients: a
    client could take it before the listener does."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(first_of_clients // 2, first_of_clients)
        if port in _given_ports:
            continue
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE:
                    raise
                continue
        _given_ports.add(port)
        return port


def client_addresses(count, start=1):
    """Addresses for `count` different clients; a balancer that assigns servers by client address distinguishes them."""
    return [f"127.0.{100 + (start + n) // 250}.{(start + n) % 250 + 1}" for n in range(count)]
