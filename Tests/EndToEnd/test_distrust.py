"""A malicious worker, and other processes on the machine: floods of events, stray signals, files in
each other's reach."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from harness.processes import memory
from harness.service import binary, merged
from harness.waiting import TIMEOUT, stays, wait_until
from harness.worker_socket import LIBC, WorkerSocket, duplicate, text

pytestmark = pytest.mark.memory

# Kinds of events (Sources/WorkerProtocol/WorkerEvent.swift).
LOAD, SERVER_CHANGED, SERVER_LOAD, PROBLEM = 133, 132, 136, 138


def load(requests):
    return bytes([LOAD]) + struct.pack(">III6QI2Q", 1, 0, 1, requests, requests, 0, 0, 0, 0, 0, 0, 0)


def place(host, port):
    """The place of a server: address family, address, port."""
    return b"\x04" + socket.inet_aton(host) + struct.pack(">H", port)


def load_of_unknown_server(number):
    return bytes([SERVER_LOAD]) + text(f"unknown{number}") + place("127.0.0.1", 443) + struct.pack(">7I", 1, 1, 1, 1, 1, 1, 100)


def problem(words):
    return bytes([PROBLEM]) + struct.pack(">QI", 1_800_000_000_000, 1) + text(words)


def test_worker_that_floods_the_supervisor_is_replaced(testbed):
    balancer = testbed.balance(testbed.server())
    worker, before = balancer.worker, memory(balancer.process.pid)
    end = WorkerSocket(balancer.worker)
    said = 0
    while said < 400_000 and end.say(load_of_unknown_server(said) if said % 2 else load(said)):
        said += 1
    balancer.wait_for_log(r"protocol violation by the worker, .*: it floods: more than \d+ messages a second")
    balancer.wait_for_another_worker(worker)
    balancer.wait_until_serving()
    # Not a thing that names the configuration does not have.
    if before is not None:
        assert memory(balancer.process.pid) < before * 1.5 + 20_000
    assert [server["name"] for server in balancer.status["servers"]] == list(balancer.configuration["servers"])
    assert said < 100_000


def test_control_characters_from_a_worker_are_escaped(testbed):
    balancer = testbed.balance(testbed.server())
    end = WorkerSocket(balancer.worker)
    name, server = next(iter(balancer.configuration["servers"].items()))
    evil = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eno"
    assert end.say(bytes([SERVER_CHANGED]) + text(name) + place(server["address"], server["port"]) + b"\x02" + text(evil))
    assert end.say(problem(evil))
    wait_until(lambda: "owned" in str(balancer.status), "the forged message")
    for words in (["status"], ["status", "--json"], ["server", name, "weight", "1"]):
        told = balancer.call(*words)
        shown = told.stdout + told.stderr
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown), shown
    # A reload that the worker refuses with a text of its own.
    balancer.expects_worker_death = True
    balancer.write({"limits": {"connections": 500}})
    worker = balancer.worker
    os.kill(worker, signal.SIGSTOP)
    try:
        command = subprocess.Popen(
            [binary(), "reload", "--control", balancer.control],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        balancer.wait_for_log("reload: requested by")
        # The reload waits for one of these. Later ones do not belong to it, and the supervisor may have closed the
        # socket.
        for number in range(2, 6):
            end.say(bytes([131]) + struct.pack(">Q", number) + text(evil))
        shown = "".join(command.communicate(timeout=60))
    finally:
        # The message may have caused the worker's replacement.
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
    assert command.returncode == 1 and "owned" in shown
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", shown), shown


def is_listening(sock):
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def sockets(process):
    """Duplicates of a process's sockets."""
    numbers = []
    for entry in Path(f"/proc/{process}/fd").iterdir():
        # Other sockets may be closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(entry).startswith("socket:"):
                numbers.append(int(entry.name))
    return [duplicate(process, number) for number in numbers]


def listeners(process):
    """Duplicates of a process's listeners for clients."""
    return [sock for sock in sockets(process) if sock.family == socket.AF_INET and is_listening(sock)]


def disconnect(sock):
    """connect(2) to AF_UNSPEC."""
    assert LIBC.connect(sock.fileno(), bytes(16), 16) == 0


def connect_elsewhere(sock, server):
    disconnect(sock)
    # It works for one of the sockets that share a port.
    with contextlib.suppress(OSError):
        sock.connect((server.address, server.port))


DAMAGES = {
    "shut down": lambda sock, server: sock.shutdown(socket.SHUT_RD),
    "disconnected": lambda sock, server: disconnect(sock),
    "connected": connect_elsewhere,
    "made to block": lambda sock, server: sock.setblocking(True),
    "made to reset": lambda sock, server: sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_listeners_that_a_worker_has_damaged_serve_with_the_next_worker(testbed, damage):
    server = testbed.server()
    balancer = testbed.balance(server)
    balancer.expects_worker_death = True
    worker = balancer.worker
    # The worker has the same ones.
    copies = listeners(balancer.process.pid)
    try:
        assert len(copies) >= 4
        for sock in copies:
            DAMAGES[damage](sock, server)
        os.kill(worker, signal.SIGKILL)
        balancer.wait_for_another_worker(worker)
        balancer.wait_until_serving()
        for sock in copies:
            assert is_listening(sock) and not os.get_blocking(sock.fileno())
            assert struct.unpack("ii", sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0] == 0
    finally:
        for sock in copies:
            sock.close()
    # Several, for there is a listener for each loop.
    for _ in range(10):
        assert balancer.get("/").status == 200


DATAGRAM_DAMAGES = {
    # shutdown fails with ENOTCONN, but closes the direction.
    "shut down": lambda sock: sock.shutdown(socket.SHUT_WR),
    "connected": lambda sock: sock.connect(("127.0.0.1", 9)),
    "reporting errors": lambda sock: sock.setsockopt(socket.IPPROTO_IP, 11, 1),
}


@pytest.mark.parametrize("damage", DATAGRAM_DAMAGES)
def test_datagrams_pass_after_a_worker_has_damaged_their_listeners(testbed, damage):
    server = testbed.server()
    balancer = testbed.balance(server, relay={"udp": [4172]})
    worker = balancer.worker
    copies = [sock for sock in sockets(balancer.process.pid) if sock.family == socket.AF_INET and is_for_datagrams(sock)]
    assert len(copies) == 2
    for sock in copies:
        with contextlib.suppress(OSError):
            DATAGRAM_DAMAGES[damage](sock)
        sock.close()
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind((server.address, 4172))
        # Several, for there is a listener for each loop.
        for _ in range(10):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect((balancer.address, 4172))
                client.settimeout(TIMEOUT)
                echo.settimeout(TIMEOUT)
                client.send(b"question")
                datagram, peer = echo.recvfrom(100)
                echo.sendto(datagram, peer)
                assert client.recv(100) == b"question"


def is_for_datagrams(sock):
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM


@pytest.mark.parametrize("role", ["supervisor", "worker"])
def test_signals_of_common_tools_do_not_end_the_service(testbed, role):
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    process = balancer.process.pid if role == "supervisor" else worker
    names = "ALRM VTALRM PROF USR1 USR2 IO PWR STKFLT XCPU XFSZ PIPE URG WINCH CHLD CONT".split()
    for name in names:
        os.kill(process, getattr(signal, f"SIG{name}", 16))
    for number in (signal.SIGRTMIN, signal.SIGRTMIN + 2, signal.SIGRTMAX):
        os.kill(process, number)
    if role == "supervisor":
        balancer.wait_for_log(r"SIGUSR2 \(User defined signal 2\) is ignored")
    stays(lambda: balancer.worker == worker and balancer.process.poll() is None, "both processes", 0.5)
    balancer.wait_until_serving()


def test_worker_is_killed_before_the_supervisor_when_memory_runs_out(testbed):
    balancer = testbed.balance(testbed.server())

    def score(process):
        return int(Path(f"/proc/{process}/oom_score_adj").read_text())

    assert score(balancer.worker) == min(1000, score(balancer.process.pid) + 100)


# Files


def test_files_of_the_supervisors_within_the_workers_reach_are_refused(testbed, certificates, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    state = tmp_path / "state"
    state.mkdir()
    hook = state / "hook"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    own = copied(certificates, tmp_path / "tls")
    key = tmp_path / "tls" / "vrrp.key"
    key.write_text("0123456789abcdef" * 4 + "\n")
    shared = copied(certificates, state)
    page = state / "503.html"
    page.write_text("<h1>Sorry</h1>\n")
    router = {"interface": "lo", "router": 51, "address": "192.0.2.100/24", "priority": 100}
    exposed = {
        "server states": {"affinity": {"file": str(state / "clients")}, "server-state-file": str(state / "servers")},
        "server states beside the access log": {
            "log": {"access": {"target": str(state / "access.log")}},
            "server-state-file": str(state / "servers"),
        },
        "a hook": {"affinity": {"file": str(state / "clients")}, "vrrp": router | {"notify": str(hook)}},
        "a CA file": {"affinity": {"file": str(state / "clients")}, "trust": {"ca": shared["certificate"]}},
        "a certificate": {"affinity": {"file": str(state / "clients")}, "tls": shared},
        "an error page": {"affinity": {"file": str(state / "clients")}, "errors": {"503": str(page)}},
        "a key of the router's beside the access log": {
            "log": {"access": {"target": str(tmp_path / "tls" / "access.log")}},
            "vrrp": router | {"authentication": {"keys": {1: str(key)}}},
        },
    }
    for what, changes in exposed.items():
        assert_refused(check(balancer, changes), REPLACED, what)
    told = check(balancer, {"tls": own, "vrrp": router | {"authentication": {"keys": {1: str(key)}}}})
    assert_refused(told, "is in a folder that the worker can read, and the worker does not need it", "a key beside a certificate")
    # A file that the worker may read there anyway is no secret.
    told = check(balancer, {"tls": own, "server-state-file": str(tmp_path / "tls" / "servers")})
    assert told.returncode == 0, told.stderr
    (tmp_path / "own").mkdir()
    told = check(balancer, {"affinity": {"file": str(state / "clients")}, "server-state-file": str(tmp_path / "own" / "servers")})
    assert told.returncode == 0, told.stderr


def test_files_that_the_configuration_does_not_name_within_the_workers_reach_are_refused(testbed, tmp_path):
    balancer = testbed.balance(testbed.server())
    place, log = balancer.directory / "check", balancer.directory / "access.log"
    place.mkdir()
    for changes in ({"affinity": {"file": str(place / "clients")}}, {"log": {"access": {"target": str(log)}}}):
        assert_refused(check(balancer, changes), f"the folder of {place / 'belvedere.yaml'}, which it could replace", changes)
    # The directory in which systemd has created the control socket.
    run = tmp_path / "run"
    run.mkdir()
    told = check(balancer, {"affinity": {"file": str(run / "clients")}}, RUNTIME_DIRECTORY=str(run))
    assert_refused(told, f"the folder of {run / 'control.sock'}, which it could replace", "the control socket")
    assert check(balancer, {"affinity": {"file": str(run / "clients")}}).returncode == 0
    # The same applies to a reload.
    balancer.write({"affinity": {"file": str(tmp_path / "clients")}})
    told = balancer.call("reload")
    assert told.returncode == 1 and "which it could replace" in told.stderr, told.stderr
    assert balancer.get("/").status == 200


REPLACED = "is in a folder that the worker can write to, and could be replaced by it"


def assert_refused(told, words, what):
    assert told.returncode == 1, what
    assert words in told.stderr, told.stderr
    assert re.search(r"^.*belvedere\.yaml:\d+:\d+: error: ", told.stderr, re.MULTILINE), told.stderr


def copied(certificates, folder):
    """Copies the service's certificate and key into another folder; returns their configuration."""
    folder.mkdir(exist_ok=True)
    return {
        "certificate": str(shutil.copy(certificates.front.chain, folder / "view.pem")),
        "key": str(shutil.copy(certificates.front.key, folder / "view.key")),
    }


def check(balancer, changes, **environment):
    """`belvedere check` of another configuration, in its own folder."""
    file = balancer.directory / "check" / "belvedere.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(merged(balancer.configuration, changes), indent=2) + "\n")
    command = [binary(), "check", "--configuration", file]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | environment)
