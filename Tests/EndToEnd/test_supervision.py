"""The supervisor: replacement of workers, stops, failed starts, and notifications to systemd."""

import os
import re
import signal
import socket
import time

import pytest
from harness.server import Held
from harness.service import belvedere
from harness.waiting import stays, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


def start_slow_request(balancer, gate):
    client = balancer.connect()
    client.send(b"GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
    assert gate.arrived.wait(20)
    return client


def is_refused(endpoint):
    try:
        socket.create_connection(endpoint, timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # It ended during the connect: the next one is refused.
    return False


# A worker's death


def test_connection_made_without_a_worker_is_served_by_the_next_one(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    # While the supervisor is stopped, no worker is started.
    os.kill(balancer.process.pid, signal.SIGSTOP)
    try:
        worker = balancer.worker
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: balancer.worker is None, "the worker's end")
        waiting = [socket.create_connection(balancer.endpoint) for _ in range(5)]
    finally:
        os.kill(balancer.process.pid, signal.SIGCONT)
    for sock in waiting:
        with balancer.context().wrap_socket(sock, server_hostname="view.test") as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"


def test_workers_that_die_repeatedly_are_replaced_with_growing_delays(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    for _ in range(6):
        worker = wait_until(lambda: balancer.worker, lambda: f"a worker:\n{balancer.log}")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: balancer.worker != worker, "the worker's end")
    balancer.wait_for_log(r"workers keep dying, 4 within 30 s: the next one starts in 50 ms")
    balancer.wait_for_log(r"workers keep dying, 6 within 30 s: the next one starts in 200 ms")
    balancer.wait_until_serving()


def test_supervisor_that_was_suspended_does_not_blame_the_worker(testbed):
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    for pid in (worker, balancer.process.pid):
        os.kill(pid, signal.SIGSTOP)
    # Longer than the bound for a hang.
    stays(lambda: balancer.worker == worker, "the worker", 6)
    for pid in (balancer.process.pid, worker):
        os.kill(pid, signal.SIGCONT)
    balancer.wait_until_serving()
    assert balancer.worker == worker


# A stop


@pytest.mark.parametrize("recipient", ["supervisor", "group"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful_stop_lets_an_exchange_finish(testbed, recipient, number):
    """A terminal's Ctrl-C, or a service manager, may signal the whole process group."""
    gate = Held()
    balancer = testbed.balance(testbed.server(script=gate))
    client = start_slow_request(balancer, gate)
    if recipient == "group":
        os.killpg(balancer.process.pid, number)
    else:
        balancer.signal(number)
    wait_until(lambda: is_refused(balancer.endpoint), lambda: f"the listener's end:\n{balancer.log}")
    assert balancer.process.poll() is None
    gate.released.set()
    answer = client.answer()
    assert (answer.status, answer.content) == (200, b"view01")
    assert balancer.wait() == 0


def test_second_signal_stops_at_once(testbed):
    gate = Held()
    balancer = testbed.balance(testbed.server(script=gate), timeouts={"stop": "1h"})
    start_slow_request(balancer, gate)
    balancer.signal(signal.SIGTERM)
    balancer.wait_for_log("stopping: no new connections")
    balancer.stop()
    gate.released.set()


# A start that fails


def test_start_with_an_invalid_certificate_is_refused_with_the_reason(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    broken = balancer.directory / "broken.pem"
    broken.write_text("no certificate\n")
    balancer.configuration["tls"]["certificate"] = str(broken)
    log = balancer.refusal()
    assert re.search(rf"belvedere.yaml:\d+:\d+: {broken}: holds no certificate", log), log


def test_certificate_that_expires_soon_is_logged_once_while_it_is_in_use(testbed, certificates):
    soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 20 * 86_400 + 60))
    front = certificates.authority.issue(certificates.service_name, end=soon)
    balancer = testbed.balance(testbed.server(), tls={"certificate": str(front.chain), "key": str(front.key)})
    told = rf"warning worker: the certificate for {certificates.service_name} in {front.chain} expires in 20 days; renew it"
    balancer.wait_for_log(told)
    balancer.reload()
    # A certificate kept by a reload is not logged again: the line of another one appears, and this one's does not.
    later = certificates.authority.issue(certificates.service_name, end=soon)
    balancer.configuration["tls"] = {"certificate": str(later.chain), "key": str(later.key)}
    balancer.write()
    balancer.reload()
    balancer.wait_for_log(rf"warning worker: the certificate for \S+ in {later.chain} expires in 20 days")
    assert len(re.findall("expires in", balancer.log)) == 2, balancer.log


def test_start_with_an_invalid_configuration_is_refused_with_all_problems(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.configuration["serverz"] = {}
    balancer.configuration["threads"] = "many"
    log = balancer.refusal()
    assert "unknown key `serverz`" in log and re.search(r"belvedere.yaml:\d+:\d+: error: .*threads", log, re.S), log


# systemd


class Manager:
    """A substitute for systemd: receives the notifications of the service."""

    def __init__(self, listening):
        self._socket = listening
        self.heard = []

    def hear(self, pattern):
        """Waits until a line received since the last `forget` matches."""
        while not (found := [match for line in self.heard if (match := re.search(pattern, line))]):
            self.heard.extend(self._socket.recv(4096).decode().splitlines())
        return found[0]

    def forget(self):
        self.heard.clear()

    def is_full(self):
        """Whether its socket's queue is full; adds a line otherwise."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as another:
            try:
                another.sendto(b"another's", socket.MSG_DONTWAIT, self._socket.getsockname())
            except BlockingIOError:
                return True
        return False

    def queued(self):
        """The notifications that were not read yet."""
        self._socket.setblocking(False)
        lines = []
        while True:
            try:
                lines += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return lines


@pytest.fixture
def manager(monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield Manager(sock)


def test_systemd_is_notified_of_readiness_status_watchdog_and_stop(testbed, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    balancer = testbed.balance(testbed.server())
    environment = open(f"/proc/{balancer.worker}/environ").read()
    assert "NOTIFY_SOCKET" not in environment and "WATCHDOG_USEC" not in environment
    manager.hear("^READY=1$")
    manager.hear(r"^STATUS=\d+ sessions, \d+ connections, \d+ requests; servers: 1 of 1 up$")
    for _ in range(2):
        manager.forget()
        manager.hear("^WATCHDOG=1$")
    balancer.signal(signal.SIGTERM)
    manager.hear("^STOPPING=1$")
    assert balancer.wait() == 0


def test_systemd_is_not_notified_of_a_reload_after_the_stop(testbed, manager):
    balancer = testbed.balance(testbed.server())
    manager.hear("^READY=1$")
    os.kill(balancer.worker, signal.SIGSTOP)
    balancer.signal(signal.SIGHUP)
    manager.hear("^RELOADING=1$")
    balancer.signal(signal.SIGTERM)
    manager.hear("^STOPPING=1$")
    balancer.signal(signal.SIGHUP)
    os.kill(balancer.worker, signal.SIGCONT)
    assert balancer.wait() == 0
    told = manager.heard + manager.queued()
    assert not [line for line in told[told.index("STOPPING=1") :] if line.startswith(("READY", "RELOADING"))], told


def test_systemd_that_does_not_read_delays_nothing(testbed, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    balancer = testbed.balance(testbed.server())
    manager.hear("^READY=1$")
    # A watchdog notification every millisecond or two.
    wait_until(manager.is_full, "a full queue")
    assert balancer.get("/").status == 200
    assert balancer.status["servers"]
    balancer.reload()
    balancer.stop()
    # The socket's queue was full until the end, otherwise the test proves nothing.
    assert "STOPPING=1" not in manager.queued()


def test_systemd_is_notified_of_the_begin_and_end_of_a_reload(testbed, manager):
    balancer = testbed.balance(testbed.server())
    manager.hear("^READY=1$")
    for is_refused_one in (False, True):
        if is_refused_one:
            balancer.configuration["serverz"] = {}
            balancer.write()
        manager.forget()
        before = time.clock_gettime(time.CLOCK_MONOTONIC)
        balancer.signal(signal.SIGHUP)
        began = int(manager.hear(r"^MONOTONIC_USEC=(\d+)$")[1]) / 1e6
        # Type=notify-reload expects READY=1 after these two.
        assert before - 0.001 <= began <= time.clock_gettime(time.CLOCK_MONOTONIC)
        manager.hear("^READY=1$")
        assert manager.heard.index("RELOADING=1") < manager.heard.index("READY=1")


def test_systemd_is_asked_for_enough_time_to_stop(testbed, manager):
    balancer = testbed.balance(testbed.server(), timeouts={"stop": "1h"})
    manager.hear("^READY=1$")
    balancer.signal(signal.SIGTERM)
    assert int(manager.hear(r"^EXTEND_TIMEOUT_USEC=(\d+)$")[1]) >= 3600 * 1_000_000
    assert balancer.wait() == 0


def test_hung_worker_is_replaced(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    worker = balancer.worker
    os.kill(worker, signal.SIGSTOP)
    balancer.wait_for_log(r"the worker hung: event loop \d+ has not turned for 5 s", timeout=60)
    balancer.wait_for_another_worker(worker)
    balancer.wait_until_serving()


def test_worker_does_not_outlive_its_supervisor(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_killed = balancer.expects_worker_death = True
    wait_until(lambda: balancer.worker, "a worker")
    balancer.signal(signal.SIGKILL)
    # Waits for the end of the whole group.
    balancer.wait()


def test_stop_cuts_exchanges_at_its_timeout(testbed):
    gate = Held()
    balancer = testbed.balance(testbed.server(script=gate), timeouts={"stop": "1s"})
    client = start_slow_request(balancer, gate)
    balancer.stop()
    assert client.answer() is None
    gate.released.set()


def test_idle_connections_do_not_delay_a_stop(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"stop": "1h", "keep-alive": "1h"})
    with balancer.connect() as client:
        assert client.get("/").status == 200
        balancer.stop()


def test_start_on_an_address_in_use_is_refused(testbed):
    """With SO_REUSEPORT, two instances of one user would silently share the port and the clients."""
    server = testbed.server()
    first, second = testbed.balance(server), testbed.balance(server, start=False)
    second.configuration["listen"] = first.configuration["listen"]
    log = second.refusal()
    assert re.search(rf"listener on {first.address}:{first.port} can't be bound: Address already in use", log), log
    assert "Another process listens there" in log


def test_start_without_a_configuration_file_is_refused(tmp_path):
    run = belvedere("run", "-c", tmp_path / "none.yaml")
    assert run.returncode == 1
    assert run.stderr == f"{tmp_path}/none.yaml: error: cannot be read: No such file or directory (ENOENT)\n"
