"""Local shortages are not blamed on servers: source ports in TIME_WAIT, and descriptors."""

import itertools
import os
import re
import resource
import threading
import time

import pytest
from harness.client import connect_socket
from harness.processes import takes_descriptors
from harness.server import page
from harness.waiting import TIMEOUT, all_at_once, stays, wait_until

pytestmark = pytest.mark.memory

HOST = "Host: view.test\r\n"


ESTABLISHED, TIME_WAIT = "01", "06"


def towards(server, state):
    """The number of source ports towards a server in this TCP state."""
    address = "".join(f"{int(part):02X}" for part in reversed(server.address.split(".")))
    remote = f"{address}:{server.port:04X}"
    with open("/proc/net/tcp") as table:
        return sum(1 for line in table if (words := line.split())[2] == remote and words[3] == state)


def quiet(testbed):
    """A server that closes without a close_notify: one that came behind our own close would make the kernel answer
    with a reset, and no port would wait."""
    server = testbed.server()
    server.answers_end = False
    return server


def ask(client):
    return client.get("/")


@pytest.fixture
def waves(testbed):
    """A server that answers once the requests of all clients have arrived."""
    server = quiet(testbed)
    gate = threading.Barrier(48)

    def script(request):
        gate.wait(TIMEOUT)
        page(request)

    server.script = script
    return server, gate.parties


def test_wave_of_requests_reuses_the_connections_of_the_previous_wave(testbed, waves):
    server, count = waves
    balancer = testbed.balance(server, threads=1, timeouts={"keep-alive": "1m"})
    clients = [balancer.connect() for _ in range(count)]
    try:
        for _ in range(4):
            assert {answer.status for answer in all_at_once(ask, clients)} == {200}
    finally:
        for client in clients:
            client.close()
    # 48 is more than `pool.idle-connections`, which is a minimum.
    assert len({id(request.connection) for request in server.requests}) == count
    assert towards(server, TIME_WAIT) < 8


def test_disconnected_clients_leave_no_source_port_in_time_wait(testbed):
    """Each client has its own connection, which ends with it."""
    server = quiet(testbed)
    balancer = testbed.balance(server, pool={"share": False})
    for _ in range(20):
        with balancer.connect() as client:
            assert client.get("/").status == 200
    wait_until(lambda: all(c.stream.closed for c in server.traffic), "the end of every connection")
    stays(lambda: towards(server, TIME_WAIT) < 5, "next to no port waits", 0.5)


def test_aborted_uploads_leave_no_source_port_in_time_wait(testbed):
    server = quiet(testbed)
    balancer = testbed.balance(server)
    for number in range(20):
        client = balancer.connect()
        client.send(f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nhalf")
        server.wait_for_requests(number + 1)
        client.close()
    wait_until(lambda: all(c.stream.closed for c in server.traffic), "the end of every connection")
    stays(lambda: towards(server, TIME_WAIT) < 5, "next to no port waits", 1)


def test_connection_that_the_server_does_not_close_is_reset(testbed):
    """The server has a second to close it."""
    server = quiet(testbed)
    gate, done = threading.Barrier(12), threading.Event()

    def script(request):
        gate.wait(TIMEOUT)
        page(request)
        # The server stops reading, also our end.
        done.wait(TIMEOUT)

    server.script = script
    balancer = testbed.balance(server, pool={"idle-timeout": "100ms"})
    clients = [balancer.connect() for _ in range(gate.parties)]
    try:
        assert {answer.status for answer in all_at_once(ask, clients)} == {200}
        wait_until(lambda: towards(server, ESTABLISHED) == 0, "the end of every connection")
        assert towards(server, TIME_WAIT) < 5
    finally:
        done.set()
        for client in clients:
            client.close()
    stays(lambda: towards(server, TIME_WAIT) < 5, "next to no port waits", 0.5)


# Descriptors


def limited(balancer, count):
    """Starts the balancer with this limit of descriptors for each of its processes."""
    balancer.prefix = ["prlimit", f"--nofile={count}:{count}"]
    return balancer.start().wait_until_serving()


@takes_descriptors
@pytest.mark.parametrize(("descriptors", "silent"), [(200, 400), (256, 239)])
def test_silent_clients_leave_descriptors_for_servers_and_checks(testbed, descriptors, silent):
    servers = [testbed.server(f"view0{number}") for number in (1, 2)]
    balancer = testbed.balance(
        *servers, start=False, health={"interval": "100ms", "fall": 2}, timeouts={"keep-alive": "1m"}
    )
    limited(balancer, descriptors)
    speaking = [balancer.connect(f"127.0.84.{number + 1}") for number in range(40)]
    crowd = []
    try:
        for client in speaking:
            assert client.get("/").status == 200
        for _ in range(silent):
            crowd.append(connect_socket(balancer.endpoint))
        checks = len(servers[0].checks)
        time.sleep(0.5)
        answers = all_at_once(ask, speaking)
        assert [answer.status for answer in answers if answer] == [200] * 40, balancer.log
        # Checks continue meanwhile.
        wait_until(lambda: len(servers[0].checks) > checks + 3, "checks")
    finally:
        for client in speaking + crowd:
            client.close()
    assert "is down" not in balancer.log
    assert "EMFILE" not in balancer.log
    # The start has warned that 4,000 are too many, with the calculation.
    assert re.search(r"LimitNOFILE=80\d\d", balancer.log)


def with_room_for(process, room):
    """Leaves a process this number of free descriptors; returns its former limit."""
    taken = {int(name) for name in os.listdir(f"/proc/{process}/fd")}
    free = (number for number in itertools.count() if number not in taken)
    limit = next(itertools.islice(free, room, None))
    return resource.prlimit(process, resource.RLIMIT_NOFILE, (limit, resource.prlimit(process, resource.RLIMIT_NOFILE)[1]))


@takes_descriptors
def test_reload_without_sufficient_descriptors_is_refused(testbed, tmp_path):
    """More threads need descriptors; without them no change of the file is applied."""
    folder = tmp_path / "worker"
    folder.mkdir()
    files = [folder / "first", folder / "second"]
    balancer = testbed.balance(testbed.server(), threads=1, log={"access": {"target": str(files[0])}})
    balancer.write({"threads": 3, "log": {"access": {"target": str(files[1])}}, "redirect": {"location": "https://view.test/new"}})
    refused = 0
    for room in itertools.count(4):
        limits = with_room_for(balancer.worker, room)
        run = balancer.call("reload")
        resource.prlimit(balancer.worker, resource.RLIMIT_NOFILE, limits)
        print(room, run.stdout, run.stderr)
        if run.returncode == 0:
            break
        refused += 1
        assert balancer.get(f"/before/{room}").status == 200
        wait_until(lambda room=room: f"/before/{room}" in files[0].read_text(), "the access log where it was")
    assert refused
    assert balancer.get("/after").status == 200
    wait_until(lambda: "/after" in files[1].read_text(), "the access log where it is now")
    assert "/before" not in files[1].read_text()
