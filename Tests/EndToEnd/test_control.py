"""The control socket: access, answers, and clients that misbehave."""

import json
import os
import socket
import stat
import subprocess

import pytest
from harness.service import belvedere, binary
from harness.waiting import wait_until

STATUS = b'{"version":1,"command":"status"}\n'


def connect(balancer):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(20)
    sock.connect(str(balancer.control))
    return sock


def everything(sock):
    """All bytes until the end."""
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def ask(balancer, line):
    with connect(balancer) as sock:
        sock.sendall(line)
        answer = everything(sock)
    assert answer.endswith(b"\n") and answer.count(b"\n") == 1, answer
    return json.loads(answer)


# No service


@pytest.mark.parametrize("command", [["reload"], ["status"], ["status", "--json"]])
def test_command_without_a_running_service_reports_that(tmp_path, command):
    path = tmp_path / "control"
    run = belvedere(*command, "--control", path)
    assert run.returncode == 69
    assert run.stdout == ""
    assert f"the service is not running: there is no {path}" in run.stderr and "systemctl start belvedere" in run.stderr


def test_socket_of_a_dead_service_is_reported_differently_from_a_missing_one(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    run = belvedere("status", "--control", path)
    assert run.returncode == 69
    assert f"no process listens at {path}" in run.stderr


def test_command_times_out_if_the_service_does_not_answer(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        run = belvedere("status", "--control", path)
    assert run.returncode == 69
    assert "has not answered for 5 s" in run.stderr


# The socket


def test_socket_is_accessible_to_owner_and_group_only(testbed):
    balancer = testbed.balance(testbed.server())
    mode = os.stat(balancer.control).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    balancer.stop()
    assert not balancer.control.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes on other users")
def test_other_users_are_refused_even_if_the_socket_is_writable(testbed, folder):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control = folder / "control"
    balancer.start().wait_until_serving()
    os.chmod(balancer.control, 0o666)
    os.chown(balancer.control, 0, 4242)

    def status_as(user, group, groups):
        def become():
            os.setgroups(groups)
            os.setgid(group)
            os.setuid(user)

        code = (
            "import socket,sys\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode())\n"
            "print(s.makefile().readline())"
        )
        run = subprocess.run(
            ["/usr/bin/python3", "-c", code, str(balancer.control), STATUS.decode()],
            preexec_fn=become, capture_output=True, text=True, timeout=30, cwd="/",
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    refused = status_as(4241, 4241, [])
    assert refused["ok"] is False and "permission denied" in refused["reasons"][0]
    balancer.wait_for_log(r"control: refused pid \d+, uid 4241")
    assert status_as(4241, 4242, [])["ok"] is True
    assert status_as(4241, 4241, [4240, 4242])["ok"] is True
    # Normally the file's mode already refuses other users.
    os.chmod(balancer.control, 0o660)

    def become():
        os.setgroups([])
        os.setgid(4241)
        os.setuid(4241)

    program = folder / "belvedere"
    program.write_bytes(binary().read_bytes())
    program.chmod(0o755)
    run = subprocess.run(
        [program, "status", "--control", balancer.control], preexec_fn=become, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 69 and "permission denied for the service" in run.stderr


def test_socket_left_by_an_earlier_service_is_replaced(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(balancer.control))
    balancer.start()
    assert balancer.status["pid"] == balancer.process.pid


def test_socket_of_a_running_service_is_not_replaced(testbed):
    server = testbed.server()
    first, second = testbed.balance(server), testbed.balance(server, start=False)
    second.control = first.control
    assert "Another belvedere runs and listens there" in second.refusal()
    assert first.status["pid"] == first.process.pid


def test_file_at_the_socket_path_is_kept_and_reported(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control.write_text("precious")
    assert "Something that is no socket is there" in balancer.refusal()
    assert balancer.control.read_text() == "precious"


def test_missing_directory_is_created_and_missing_parents_are_reported(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control = balancer.directory / "run" / "control"
    # The socket is created after the listeners.
    balancer.start().wait_until_serving()
    assert stat.S_IMODE(os.stat(balancer.directory / "run").st_mode) == 0o750
    assert balancer.status["state"] == "serving"
    lost = testbed.balance(testbed.server(), start=False)
    lost.control = lost.directory / "a" / "b" / "control"
    assert "Make the directory above" in lost.refusal()


def test_directory_is_the_runtime_directory_of_systemd(testbed, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    help = belvedere("status", "--help").stdout
    assert f"{tmp_path}/control.sock" in " ".join(help.split()).replace(" ", "") or f"{tmp_path}/control.sock" in help


# Invalid requests


GARBAGE = [
    (b"GET / HTTP/1.1\r\n\r\n", "not a request: malformed JSON"),
    (b'{"version":1,"command":"explode"}\n', "there is no command `explode`"),
    (b'{"version":1,"command":"status"', "malformed JSON"),
    (b"a" * 5000, "longer than 4096 bytes"),
]


@pytest.mark.parametrize("line, reason", GARBAGE, ids=range(len(GARBAGE)))
def test_invalid_request_is_answered_with_the_reason(shared_testbed, line, reason):
    if not shared_testbed.balancers:
        shared_testbed.balance(shared_testbed.server())
    balancer = shared_testbed.balancers[0]
    with connect(balancer) as sock:
        sock.sendall(line)
        sock.shutdown(socket.SHUT_WR)
        answer = json.loads(everything(sock))
    assert answer["version"] == 1 and answer["ok"] is False
    assert reason in answer["reasons"][0]
    assert ask(balancer, STATUS)["ok"] is True


def test_request_may_arrive_byte_by_byte_and_without_a_newline(testbed):
    balancer = testbed.balance(testbed.server())
    with connect(balancer) as sock:
        for byte in STATUS.strip():
            sock.sendall(bytes([byte]))
        sock.shutdown(socket.SHUT_WR)
        assert json.loads(everything(sock))["ok"] is True


def test_bytes_after_the_first_line_are_ignored(testbed):
    balancer = testbed.balance(testbed.server())
    assert ask(balancer, STATUS + b'{"version":1,"command":"reload"}\n')["ok"] is True
    assert balancer.status["configuration"]["number"] == 1


def test_silent_and_slow_clients_do_not_delay_others(testbed):
    """Half-open ones, some that never read, more than there may be: others are answered, traffic goes on, and the
    worker is not taken for hung."""
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    silent = [connect(balancer) for _ in range(8)]
    greedy = [connect(balancer) for _ in range(40)]
    try:
        for sock in greedy:
            sock.sendall(STATUS)
        for _ in range(3):
            assert balancer.get("/").status == 200
        # At most as long as the time-out of a silent client.
        assert balancer.call("status").returncode in (0, 69)
        wait_until(lambda: balancer.call("status").returncode == 0, "an answered client")
        for sock in silent:
            assert everything(sock) == b""
        assert balancer.worker == worker and balancer.get("/").status == 200
        descriptors = f"/proc/{balancer.process.pid}/fd"
        for sock in silent + greedy:
            sock.close()
        before = len(os.listdir(descriptors))
        for _ in range(20):
            assert ask(balancer, STATUS)["ok"] is True
        wait_until(lambda: len(os.listdir(descriptors)) <= before, "the connections' end")
    finally:
        for sock in silent + greedy:
            sock.close()


def test_clients_that_disconnect_before_their_answer_are_dropped(testbed):
    balancer = testbed.balance(testbed.server())
    for _ in range(30):
        with connect(balancer) as sock:
            sock.sendall(b'{"version":1,"command":"reload"}\n')
    assert balancer.status["configuration"]["number"] >= 1
    wait_until(lambda: balancer.get("/").status == 200, "a served request")
    assert balancer.reload() > 1
