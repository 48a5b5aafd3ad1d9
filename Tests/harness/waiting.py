"""Bounded waiting, and addresses that nobody else uses. No test sleeps to hope."""

import itertools
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

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


_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_process = os.getpid() % 200
_numbers = itertools.count(1)


def fresh_address():
    """A loopback address of its own for one listener: ports on it cannot collide with another test's."""
    number = next(_numbers)
    return f"127.{(40 + _process + _worker) % 250 + 1}.{number // 250 % 250 + 1}.{number % 250 + 1}"


def free_port(address, besides=None):
    """A port that is free on this address, and another one than `besides`, which nobody has taken yet."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, 0))
            port = probe.getsockname()[1]
        if port != besides:
            return port


def client_addresses(count, start=1):
    """Addresses for `count` different clients; a balancer that routes by client address tells them apart."""
    return [f"127.0.{100 + (start + n) // 250}.{(start + n) % 250 + 1}" for n in range(count)]
