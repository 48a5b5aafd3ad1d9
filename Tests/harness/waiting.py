"""Bounded waiting, and addresses that nobody else uses. No test sleeps to hope."""

import errno
import functools
import itertools
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Generous: it bounds a hang, it is no expectation of speed. Sanitizer builds on a busy machine are slow.
TIMEOUT = float(os.environ.get("BELVEDERE_TEST_TIMEOUT", "20"))

_POLL = 0.01


def wait_until(condition, what, timeout=None):
    """Returns the first true value of `condition()`, or fails saying `what` did not happen."""
    deadline = time.monotonic() + (TIMEOUT if timeout is None else timeout)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for: {what() if callable(what) else what}")
        time.sleep(_POLL)


def stays(condition, what, seconds):
    """Fails as soon as `condition()` is false within `seconds`. For "nothing happens": a bound from below only."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"did not stay: {what}"
        time.sleep(_POLL)


def accepts(endpoint):
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(endpoint, timeout=TIMEOUT).close()
        return True
    except OSError:
        return False


def all_at_once(act, arguments):
    """What `act` returns for each of the arguments, each on a thread of its own; a failure there is the test's."""
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(act, arguments))


_numbers = itertools.count(1)


@functools.cache
def _claim():
    """A network of this process's own in 127.0.0.0/8: its number, and the socket whose name says that it is taken."""
    for number in range(101, 251):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0belvedere-tests-127.{number}")
            return number, claim
        except OSError:
            claim.close()
    raise AssertionError("no network of 127.0.0.0/8 is left")


def fresh_address():
    """A loopback address of its own for one listener: ports on it cannot collide with another test's."""
    network, number = _claim()[0], next(_numbers)
    return f"127.{network}.{number // 250 % 250 + 1}.{number % 250 + 1}"


def free_port(address, besides=None):
    """A port that is free on this address, and another one than `besides`, which nobody has taken yet. It is none of
    those that the kernel gives to clients: one of them may have it when the listener comes."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(first_of_clients // 2, first_of_clients)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as fault:
                if fault.errno != errno.EADDRINUSE:
                    raise
                continue
        if port != besides:
            return port


def client_addresses(count, start=1):
    """Addresses for `count` different clients; a balancer that routes by client address tells them apart."""
    return [f"127.0.{100 + (start + n) // 250}.{(start + n) % 250 + 1}" for n in range(count)]
