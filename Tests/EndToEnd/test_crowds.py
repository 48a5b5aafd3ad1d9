"""Many slow clients do not delay others, and their resources are released.

BELVEDERE_TEST_CROWD says how many there are: `BELVEDERE_TEST_CROWD=10000 pytest -s test_crowds.py` on the released
binary prints the figures that matter. Here the bounds are wide, for a machine that does other things besides."""

import math
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness.crowd import SIZE, Beside, Crowd, percentile
from harness.datagrams import PORT, Echo
from harness.processes import memory, open_files
from harness.waiting import TIMEOUT, free_port, wait_until

# The time-out of handshakes in tests would keep silent clients for long.
TIMEOUTS = {"tls-handshake": "5s", "http-request": "5s", "datagrams": "5s"}
HOLDS_ALL = {"connections": 40_000, "connections-per-address": "off"}


# Bytes for one of them, generous, for the debug binary. A connection for which TLS was made has 42 KiB until its
# handshake is done, and what a record takes where a part of one has come.
MOST = {"silent": 4 << 10, "piece": 4 << 10, "hello": 56 << 10, "record": 80 << 10}


def compare(what, quiet, beside):
    """Prints the figures, and checks a bound that is exceeded only by a client that waits for the crowd."""
    for which, name in enumerate(("new connection", "kept connection")):
        before, after = percentile(quiet, which, 99), percentile(beside, which, 99)
        print(f"{what}: {name}: p99 {before * 1000:.1f} ms quiet, {after * 1000:.1f} ms beside ({after / before:.1f} ×)")
        assert after < 10 * before + TIMEOUT / 10, what


def connections(balancer):
    return balancer.status["traffic"]["connections"]


def settled(balancer):
    """The worker's descriptors once only the kept client is connected, and the pools are empty."""
    wait_until(lambda: connections(balancer) <= 1, lambda: f"the crowd's end\n{balancer.status}")


@pytest.mark.parametrize("kind", ["silent", "piece", "hello", "record", "idle", "reset", "flow"])
def test_crowd_delays_no_client_and_its_resources_are_released(testbed, kind):
    server, changes = testbed.nginx(), {}
    if kind == "flow":
        testbed.others.append(Echo(server.name, server.address))
        changes = {"relay": {"udp": PORT}}
    balancer = testbed.balance(
        server, timeouts=TIMEOUTS, limits=HOLDS_ALL, pool={"idle-timeout": "500ms"}, log={"access": "off"}, **changes
    )
    endpoint = (balancer.address, PORT) if kind == "flow" else balancer.endpoint
    beside = Beside(balancer.connect)
    beside.requests(10)
    quiet = beside.requests(60)
    worker = balancer.worker
    time.sleep(0.6)
    memory_before, descriptors_before = memory(worker), len(open_files(worker))
    with Crowd(kind, endpoint, SIZE) as crowd:
        samples = beside.requests_until(lambda: crowd.is_complete)
        crowd.wait()
        samples += beside.requests(20)
        if memory_before is not None:
            each = (memory(worker) - memory_before) * 1024 / SIZE
            print(f"{kind}: {SIZE} clients, {memory(worker) // 1024} MB, {each:.0f} B each")
            assert each < MOST.get(kind, math.inf)
        crowd.end()
    compare(kind, quiet, samples)
    beside.close()
    settled(balancer)
    wait_until(
        lambda: len(open_files(worker)) <= descriptors_before,
        lambda: f"{descriptors_before} descriptors again: {open_files(worker)}",
    )
    if memory_before is not None:
        back = wait_until(lambda: is_back(worker, memory_before), lambda: f"{memory(worker)} kB of {memory_before}", 60)
        print(f"{kind}: {memory_before // 1024} MB before, {back // 1024} MB after")


@pytest.mark.parametrize("way", ["passthrough", "relay"])
def test_silent_crowd_releases_its_places_at_the_servers(testbed, way):
    """The tunnel time-out does not apply to a client that has sent nothing."""
    changes = {"mode": "passthrough", "tls": None} if way == "passthrough" else {}
    server = testbed.nginx()
    balancer = testbed.balance(server, start=False, timeouts={"client": "3s"}, limits=HOLDS_ALL, **changes)
    port = balancer.port
    if way == "relay":
        port = free_port(balancer.address)
        testbed.others.append(Listener(server.address, port))
        balancer.configuration["relay"] = {"tcp": port}
    balancer.write().start().wait_until_serving()
    with balancer.connect("127.0.90.1") as kept, Crowd("silent", (balancer.address, port), SIZE) as crowd:
        assert kept.get("/").status == 200
        crowd.wait()
        balancer.wait_for_access(rf"{way} servers/view01 .* cD-- ", count=SIZE)
        wait_until(lambda: places(balancer) == (1 if way == "passthrough" else 0), lambda: f"places\n{balancer.status}")
        if way == "passthrough":
            assert kept.get("/").status == 200


class Listener:
    """Its kernel accepts connections, and it never sends a byte."""

    def __init__(self, address, port):
        self.socket = socket.create_server((address, port), backlog=4096)

    def stop(self):
        self.socket.close()


def places(balancer):
    return balancer.status_of("view01")["load"]["exchanges"]


def is_back(worker, before):
    now = memory(worker)
    return now if now <= before * 1.2 + 1024 else None


def test_descriptor_table_never_grows(testbed):
    """When it grows, the kernel waits for every processor for up to 100 ms, and no thread gets a descriptor."""
    balancer = testbed.balance(testbed.server(), limits={"connections": 1000})

    def size():
        status = Path(f"/proc/{balancer.worker}/status").read_text()
        return int(re.search(r"^FDSize:\s*(\d+)", status, re.MULTILINE)[1])

    assert size() >= 2 * 1000
    balancer.reload({"limits": {"connections": 3000}})
    assert size() >= 2 * 3000


MODES = {
    "slow headers": ["-H", "-i", "1"],
    "slow body": ["-B", "-i", "1", "-s", "8192"],
    "range": ["-R", "-a", "5", "-b", "300"],
    "slow read": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"],
}


@pytest.mark.parametrize("mode", MODES)
def test_slowhttptest(testbed, mode):
    if not shutil.which("slowhttptest"):
        pytest.skip("slowhttptest is not installed")
    balancer = testbed.balance(testbed.nginx(), timeouts=TIMEOUTS, limits=HOLDS_ALL)
    beside = Beside(balancer.connect)
    beside.requests(10)
    quiet = beside.requests(40)
    address, port = balancer.endpoint
    attack = subprocess.Popen(
        ["slowhttptest", "-c", str(min(SIZE, 400)), "-r", "400", "-l", "4", "-u", f"https://{address}:{port}/", *MODES[mode]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        samples = beside.requests_until(lambda: attack.poll() is not None)
    finally:
        attack.kill()
        attack.wait()
    compare(mode, quiet, samples)
    beside.close()
    settled(balancer)


def test_silent_clients_are_evicted_at_the_limit(testbed):
    """When silent clients use all connections, other clients are served."""
    balancer = testbed.balance(
        testbed.server(), limits={"connections": 50, "connections-per-address": "off"}, timeouts={"tls-handshake": "1h"}
    )
    with Crowd("silent", balancer.endpoint, 200) as crowd:
        crowd.wait()
        for _ in range(20):
            assert balancer.get("/", source="127.0.90.1").status == 200
        balancer.wait_for_log(r"50 connections are open \(limits: connections\): new ones")
        crowd.end()
