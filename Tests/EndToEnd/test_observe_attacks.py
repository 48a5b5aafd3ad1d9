"""`belvedere observe` with clients that mean it harm: none of them keeps another from its scrape."""

import copy
import re
import socket
import threading

import pytest
from harness.observer import Observer, observers, wait_for_reports
from harness.waiting import TIMEOUT, wait_until

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def observed(testbed):
    """Starts a balancer and its observer; `changes` are merged over the section `observe`."""
    with observers() as begin:

        def start(**changes):
            balancer, observer = begin(Observer(testbed.balance(testbed.server("view01"), start=False, observe=changes)))
            observer.wait_until_up()
            return balancer, observer

        yield start


def connect(observer, source="127.0.0.1"):
    return socket.create_connection(observer.endpoint, timeout=TIMEOUT, source_address=(source, 0))


def answer_on(client):
    """The first bytes of the answer to a request on this connection."""
    client.sendall(REQUEST)
    return client.recv(15)


def read_rest(client):
    """The body of an answer whose first bytes were read."""
    head, _, body = client.recv(1 << 16).partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        part = client.recv(1 << 16)
        assert part, "the answer is not complete"
        body += part
    return body


def test_a_client_that_sends_without_end_after_its_last_answer_has_no_more_than_its_turn(observed):
    _, observer = observed()
    ended = []

    def flood():
        with connect(observer) as client:
            try:
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
                while True:
                    client.sendall(bytes(1 << 20))
            except OSError as error:
                ended.append(error)

    floods = [threading.Thread(target=flood) for _ in range(3)]
    for thread in floods:
        thread.start()
    try:
        for _ in range(5):
            assert observer.ask().status == 200
        # Its time limit applies, although there is always more to read.
        wait_until(lambda: len(ended) == 3, lambda: f"the end of the connections: {ended}")
        assert not any(isinstance(error, TimeoutError) for error in ended), ended
    finally:
        observer.process.terminate()
        for thread in floods:
            thread.join()


def test_clients_outside_the_networks_take_no_place_of_others(observed):
    _, observer = observed(networks=["127.250.0.0/24", "127.0.0.1"])
    with connect(observer, "127.250.0.9") as scraper:
        assert answer_on(scraper) == b"HTTP/1.1 200 OK"
        others = []
        try:
            for _ in range(200):
                others.append(connect(observer, "127.251.0.9"))
            assert answer_on(others[-1]) == b"HTTP/1.1 403 Fo"
            assert read_rest(scraper).endswith(b"\n")
            assert answer_on(scraper) == b"HTTP/1.1 200 OK"
        finally:
            for client in others:
                client.close()


def test_a_new_client_does_not_make_room_before_older_ones_that_have_asked_nothing(observed):
    _, observer = observed()
    clients = [connect(observer) for _ in range(64)]
    try:
        for client in clients:
            client.sendall(REQUEST[:10])
        with connect(observer) as scraper:
            clients += [connect(observer) for _ in range(20)]
            assert answer_on(scraper) == b"HTTP/1.1 200 OK"
    finally:
        for client in clients:
            client.close()


def test_open_pages_are_limited(observed):
    _, observer = observed()
    clients = [connect(observer) for _ in range(17)]

    def answer(client):
        client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(15)

    try:
        assert [answer(client) for client in clients] == [b"HTTP/1.1 200 OK"] * 16 + [b"HTTP/1.1 503 Se"]
        assert observer.ask().status == 200
        clients.pop(0).close()

        def has_room():
            clients.append(connect(observer))
            return answer(clients[-1]) == b"HTTP/1.1 200 OK"

        wait_until(has_room, "room for another page")
    finally:
        for client in clients:
            client.close()


def memory(process):
    """The resident bytes of a process."""
    lines = open(f"/proc/{process.pid}/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:"))


def test_clients_that_read_nothing_do_not_multiply_the_answer(observed):
    balancer, observer = observed()
    report = balancer.status
    balancer.stop()
    for number in range(1000):
        server = copy.deepcopy(report["servers"][0])
        server["name"] = f"server-{number}"
        report["servers"].append(server)
    with observer.report(report):
        size = 0

        def is_large():
            nonlocal size
            size = len(observer.ask().text)
            return size > 500_000

        wait_until(is_large, lambda: f"the report:\n{observer.log}")
        before = memory(observer.process)
        clients = []
        try:
            for _ in range(64):
                client = socket.socket()
                clients.append(client)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(TIMEOUT)
                client.connect(observer.endpoint)
                client.sendall(REQUEST * 4)
            assert observer.ask().status == 200
            assert memory(observer.process) - before < 8 * size
        finally:
            for client in clients:
                client.close()


def test_a_connection_replaces_the_service_only_with_its_first_bytes(observed):
    balancer, observer = observed()
    report = balancer.status
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(observer.socket))
        before = observer.metrics.get("report_timestamp_seconds")
        observer.wait_for(lambda metrics: (metrics.get("report_timestamp_seconds") or 0) > before, "another report")
    report["node"] = "restarted"
    with observer.report(report):
        observer.wait_for(
            lambda metrics: metrics.get("build_info", version=report["version"], node="restarted"), "the new report"
        )


def test_the_service_logs_once_that_there_is_no_observer(testbed):
    balancer = testbed.balance(testbed.server(), start=False, observe={})
    balancer.options += ["--observer", balancer.directory / "observer"]
    balancer.start().wait_until_serving()
    line = "observe: reports can't be sent: connect"
    wait_until(lambda: line in balancer.log, lambda: balancer.log)
    wait_for_reports(balancer, 2)
    assert balancer.log.count(line) == 1
