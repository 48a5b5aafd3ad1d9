"""Stops and crashes of processes under load."""

import os
import re
import resource
import signal
import threading

import pytest
from harness.client import connect_socket
from harness.processes import cpu_seconds, open_files, takes_descriptors
from harness.server import page
from harness.waiting import client_addresses, stays, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]

HOST = "Host: view.test\r\n"
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


class Load:
    """Clients that send requests continuously, and record the failures."""

    def __init__(self, balancer, sources, *, new_connection_each=False):
        self.balancer, self.sources, self.each = balancer, sources, new_connection_each
        self.refused, self.unconnected, self.failures, self.answers = [], [], [], []
        self.servers = {source: [] for source in sources}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(source,), daemon=True) for source in sources]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"

    def wait_for_answers(self, more):
        before = len(self.answers)
        wait_until(lambda: len(self.answers) >= before + more, lambda: f"{more} more answers\n{self.balancer.log}")

    def wait_for_each(self, more):
        """Waits until every client has received `more` further answers."""
        before = {source: len(self.servers[source]) for source in self.sources}
        wait_until(
            lambda: all(len(self.servers[source]) >= before[source] + more for source in self.sources),
            lambda: f"{more} more answers for each\n{self.balancer.log}",
        )

    def _run(self, source):
        while not self._stop.is_set():
            try:
                client = self.balancer.connect(source)
            except ConnectionRefusedError:
                self.refused.append(source)
                continue
            except OSError as fault:
                self.unconnected.append((source, repr(fault)))
                continue
            try:
                with client:
                    while not self._stop.is_set():
                        answer = client.get("/whoami")
                        if answer is None:
                            # An idle connection may always be closed before the next request.
                            break
                        if answer.status != 200:
                            self.failures.append((source, answer.status))
                        else:
                            self.servers[source].append(answer["X-Server"])
                            self.answers.append(source)
                        if self.each or (answer["Connection"] or "").lower() == "close":
                            break
            except (OSError, AssertionError) as fault:
                self.failures.append((source, repr(fault)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_under_load_cuts_no_answer(testbed, number):
    """Requests in progress are answered. Connections that were not accepted yet are reset or refused."""
    balancer = testbed.balance(testbed.nginx("view01"), testbed.nginx("view02"))
    load = Load(balancer, client_addresses(8))
    with load:
        load.wait_for_answers(100)
        balancer.signal(number)
        assert balancer.wait() == 0
    assert not load.failures, load.failures[:5]
    assert not [fault for _, fault in load.unconnected if "Timeout" in fault], load.unconnected[:5]


@pytest.mark.soak
def test_death_of_the_worker_refuses_no_connection(testbed):
    """Repeated kill -9 under load: the port is never closed, and the next worker serves the waiting connections."""
    balancer = testbed.balance(testbed.nginx("view01"), testbed.nginx("view02"))
    balancer.expects_worker_death = True
    sources = client_addresses(6)
    load = Load(balancer, sources, new_connection_each=True)
    refused = []
    done = threading.Event()

    def knock():
        while not done.is_set():
            try:
                connect_socket(balancer.endpoint).close()
            except ConnectionRefusedError as fault:
                refused.append(fault)
            except OSError:
                pass
            # Often enough to notice every gap, without causing the load itself.
            done.wait(0.002)

    knocker = threading.Thread(target=knock)
    knocker.start()
    try:
        with load:
            for _ in range(3):
                load.wait_for_answers(50)
                victim = balancer.worker
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda: balancer.worker not in (None, victim), "another worker")
                load.wait_for_answers(50)
    finally:
        done.set()
        knocker.join(30)
    assert not refused and not load.refused
    # Only exchanges of the dead worker failed.
    broken = load.failures + load.unconnected
    assert len(broken) <= 3 * len(sources), broken
    # The assignment is the same in every worker.
    for source in sources:
        assert len(set(load.servers[source])) == 1, (source, set(load.servers[source]))
    assert len(re.findall("worker is ready", balancer.log)) >= 4


def test_idle_worker_is_not_taken_for_hung(testbed):
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    stays(lambda: balancer.worker == worker, "the same worker", 6.5)


@pytest.mark.soak
def test_death_of_a_server_under_load_moves_its_clients_only(testbed):
    """kill -9 of one of three: only exchanges in progress may fail; after its return all clients stay."""
    servers = {f"view{n:02}": testbed.nginx(f"view{n:02}") for n in range(1, 4)}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    sources = client_addresses(18)
    load = Load(balancer, sources)
    with load:
        load.wait_for_each(10)
        before = {source: load.servers[source][-1] for source in sources}
        victims = [source for source in sources if before[source] == "view02"]
        assert victims
        servers["view02"].kill()
        balancer.wait_for_state("view02", "down")
        load.wait_for_each(10)
        during = {source: load.servers[source][-1] for source in sources}
        servers["view02"].start()
        balancer.wait_for_state("view02", "up")
        load.wait_for_each(10)
        after = {source: load.servers[source][-1] for source in sources}
    assert not load.refused and not load.unconnected
    assert {source for source, _ in load.failures} <= set(victims), load.failures
    assert len(load.failures) <= len(victims), load.failures
    for source in sources:
        if source in victims:
            assert during[source] != "view02"
        else:
            assert during[source] == before[source]
            assert set(load.servers[source]) == {before[source]}
    assert after == during
    assert balancer.get("/").status == 200


def test_many_resets_leak_no_descriptor(testbed):
    """After resets at every stage there are as many descriptors as before."""
    server = testbed.server()
    balancer = testbed.balance(server)
    balancer.get("/")

    before = open_files(balancer.worker)
    for number in range(60):
        client = balancer.connect(f"127.0.85.{number % 20 + 1}")
        stage = number % 5
        if stage == 1:
            client.send("GET / HT")
        elif stage == 2:
            client.send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\nhello")
        elif stage == 3:
            client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n" * 10)
        elif stage == 4:
            client.get("/")
        client.reset()
    wait_until(
        lambda: len(open_files(balancer.worker)) <= len(before) + 4,
        lambda: f"{open_files(balancer.worker)}, before: {before}",
    )
    assert balancer.get("/").status == 200
    server.script = page


@takes_descriptors
def test_service_recovers_when_descriptors_run_out(testbed):
    """EMFILE: accepting pauses, without a busy loop, and continues when descriptors are free."""
    server = testbed.server()
    balancer = testbed.balance(server, threads=1)
    worker = balancer.worker
    limit = len(os.listdir(f"/proc/{worker}/fd")) + 20
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (limit, limit))
    kept = []
    try:
        for _ in range(40):
            kept.append(connect_socket(balancer.endpoint))
        wait_until(lambda: re.search("pause|descriptor|too many|EMFILE", balancer.log, re.IGNORECASE), "a log line")
        spent = cpu_seconds(worker)
        stays(lambda: balancer.worker == worker, "the same worker", 1)
        # It waits without a busy loop.
        assert cpu_seconds(worker) - spent < 0.6
    finally:
        for sock in kept:
            sock.close()
    wait_until(lambda: balancer.get("/").status == 200, "a served request")


def test_idle_service_uses_no_processor_time(testbed):
    """No frequent timers, and no busy loop on an idle connection."""
    balancer = testbed.balance(testbed.server())
    with balancer.connect() as client, balancer.connect_plain():
        assert client.get("/").status == 200
        worker = balancer.worker
        spent = cpu_seconds(worker)
        stays(lambda: True, "", 2)
        assert cpu_seconds(worker) - spent < 0.2


