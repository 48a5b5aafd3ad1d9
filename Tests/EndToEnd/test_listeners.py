"""Listeners that a reload adds and removes."""

import os
import signal
import socket

import pytest
from harness.client import connect_plain, connect_tls
from harness.view import view
from harness.waiting import free_port, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


@pytest.fixture
def blocked_manager(monkeypatch, tmp_path):
    """A service manager that keeps a duplicate of each listener because it does not read notifications."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield


def test_reload_is_refused_if_a_port_is_in_use(testbed):
    balancer = testbed.balance(testbed.server())
    other = testbed.server("other")
    since = len(balancer.log)
    balancer.write({"listen": [balancer.configuration["listen"], f"{other.address}:{other.port}"]})
    balancer.signal(signal.SIGHUP)
    told = balancer.wait_for_log(r"reload: refused.*", since=since)[0]
    assert f"{other.address}:{other.port} can't be bound" in told and "Another process listens there" in told
    assert balancer.get("/whoami").status == 200


@pytest.mark.usefixtures("blocked_manager")
def test_listeners_are_added_and_removed_although_another_process_has_duplicates(testbed):
    balancer = testbed.balance(testbed.server(script=view), timeouts={"keep-alive": "1m"})
    first = balancer.configuration["listen"]
    port = free_port(balancer.address)
    balancer.reload({"listen": [first, f"{balancer.address}:{port}"]})
    connect = lambda: connect_tls((balancer.address, port), balancer.context())  # noqa: E731
    kept = connect()
    assert kept.get("/whoami").status == 200
    # A connection in the backlog of a removed listener is served.
    worker = balancer.worker
    os.kill(worker, signal.SIGSTOP)
    waiting = [connect_plain((balancer.address, port)) for _ in range(8)]
    balancer.write({"listen": first})
    since = len(balancer.log)

    def is_under_way():
        """Whether another request gets this answer."""
        balancer.signal(signal.SIGHUP)
        return "reload: already running" in balancer.log[since:]

    wait_until(is_under_way, "the reload")
    os.kill(worker, signal.SIGCONT)
    balancer.wait_for_log(r"reload: configuration \d+ is in use", since=since)
    for client in waiting:
        client.send("not TLS at all\r\n\r\n")
        client.receive_to_end()
        assert client.ended != "reset" or client.received, "refused in the queue"
    assert kept.get("/whoami").status == 200
    # Several times, for there is a socket for each loop.
    for _ in range(20):
        with pytest.raises(ConnectionRefusedError):
            connect()
    assert balancer.get("/whoami").status == 200
