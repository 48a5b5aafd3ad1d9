"""The control socket: who may ask, what is answered, and that nobody who asks badly is in anybody's way."""

import datetime
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import threading

import pytest
from harness.service import belvedere, binary
from harness.server import page
from harness.waiting import wait_until

STATUS = b'{"version":1,"command":"status"}\n'


def connect(balancer):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(20)
    sock.connect(str(balancer.control))
    return sock


def everything(sock):
    """What comes until the end."""
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


# Reload


def test_reload_says_which_generation_serves(testbed):
    balancer = testbed.balance(testbed.server())
    assert balancer.reload() == 2
    assert balancer.reload() == 3
    assert balancer.status["generation"]["number"] == 3


def test_reload_takes_the_configuration_over(testbed):
    balancer = testbed.balance(testbed.server("view01"))
    second = testbed.server("view02")
    balancer.configuration["servers"] = {
        "view02": {"address": second.address, "port": second.port, "trust": {"ca": str(testbed.certificates.authority.certificate)}}
    }
    balancer.reload()
    assert [server["name"] for server in balancer.status["servers"]] == ["view02"]
    wait_until(lambda: balancer.get("/whoami").status == 200, "the new server's answer")
    assert balancer.server_of("127.0.0.1") == "view02"


def test_refused_reload_shows_every_problem_with_its_place_and_changes_nothing(testbed):
    balancer = testbed.balance(testbed.server())
    good = dict(balancer.configuration)
    balancer.configuration = good | {"serverz": {}, "threads": "many"}
    balancer.write()
    run = balancer.call("reload")
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.search(r"belvedere.yaml:\d+:\d+: error: unknown key `serverz`", run.stderr), run.stderr
    assert "Did you mean `servers`?" in run.stderr
    assert re.search(r"belvedere.yaml:\d+:\d+: error: .*`many`", run.stderr), run.stderr
    assert run.stderr.endswith("the new configuration is refused, the previous one stays in use\n")
    assert balancer.get("/").status == 200
    assert balancer.status["generation"]["number"] == 1
    balancer.configuration = good
    # The refused one has had a number.
    assert balancer.reload() > 1


def test_reload_with_a_broken_certificate_names_the_file_and_goes_on(testbed):
    balancer = testbed.balance(testbed.server())
    broken = balancer.directory / "broken.pem"
    broken.write_text("no certificate\n")
    balancer.configuration["tls"] = {"certificate": str(broken)}
    balancer.write()
    run = balancer.call("reload")
    assert run.returncode == 1
    assert re.search(rf"belvedere.yaml:\d+:\d+: error: {broken}: holds no certificate", run.stderr), run.stderr
    assert balancer.get("/").status == 200


def test_reload_without_a_file_is_refused(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.file.unlink()
    run = balancer.call("reload")
    assert run.returncode == 1
    assert "cannot be read: No such file or directory (ENOENT)" in run.stderr
    assert balancer.get("/").status == 200


def test_reload_shows_warnings_and_succeeds(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.configuration["affinity"] = {"hold": "5m"}
    balancer.write()
    run = balancer.call("reload")
    assert (run.returncode, run.stdout) == (0, "generation 2 serves\n")
    assert re.search(r"belvedere.yaml:\d+:\d+: warning: a View client may be idle for 90 minutes", run.stderr)


def test_reloads_at_the_same_time_are_all_answered(testbed):
    balancer = testbed.balance(testbed.server())
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(balancer.call("reload"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.returncode for run in answers] == [0] * 8, [run.stderr for run in answers]
    assert balancer.get("/").status == 200


def test_reload_while_the_service_stops_is_refused(testbed):
    server = testbed.server(script=lambda request: released.wait(60) and request.respond(200, b"done"))
    released = threading.Event()
    balancer = testbed.balance(server, serving=False, timeouts={"stop": "1h"})
    client = balancer.connect()
    client.send(b"GET /slow HTTP/1.1\r\nHost: view.test\r\n\r\n")
    wait_until(lambda: server.requests, "the request")
    balancer.signal(signal.SIGTERM)
    wait_until(lambda: balancer.status["state"] == "stopping", "the stop")
    run = balancer.call("reload")
    assert run.returncode == 1 and "stop" in run.stderr
    released.set()
    assert client.answer().status == 200
    assert balancer.wait() == 0


def test_reload_that_waits_for_another_is_refused_when_the_service_stops(testbed):
    balancer = testbed.balance(testbed.server())
    os.kill(balancer.worker, signal.SIGSTOP)
    balancer.signal(signal.SIGHUP)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(balancer.call("reload")))
    thread.start()
    balancer.wait_for_log("another one follows")
    # The second signal ends the worker that stands still.
    balancer.signal(signal.SIGTERM)
    wait_until(lambda: balancer.status["state"] == "stopping", "the stop")
    balancer.signal(signal.SIGTERM)
    thread.join()
    assert (answers[0].returncode, "the service stops" in answers[0].stderr) == (1, True), answers[0].stderr
    assert balancer.wait() == 0


# Nobody to ask


@pytest.mark.parametrize("command", [["reload"], ["status"], ["status", "--json"]])
def test_without_a_service_the_command_says_so(tmp_path, command):
    path = tmp_path / "control"
    run = belvedere(*command, "--control", path)
    assert run.returncode == 69
    assert run.stdout == ""
    assert f"the service is not running: there is no {path}" in run.stderr and "systemctl start belvedere" in run.stderr


def test_socket_whose_owner_has_died_is_told_from_one_that_is_missing(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    run = belvedere("status", "--control", path)
    assert run.returncode == 69
    assert f"no process listens at {path}" in run.stderr


def test_service_that_does_not_answer_is_given_up(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        run = belvedere("status", "--control", path)
    assert run.returncode == 69
    assert "has not answered for 5 s" in run.stderr


# The socket


def test_socket_is_its_owners_and_its_groups_alone(testbed):
    balancer = testbed.balance(testbed.server())
    mode = os.stat(balancer.control).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    assert not balancer.control.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes on other users")
def test_strangers_are_refused_even_when_the_file_lets_them_in(testbed):
    balancer = testbed.balance(testbed.server())
    os.chmod(balancer.control, 0o666)
    os.chown(balancer.control, 0, 4242)
    for directory in [balancer.control.parent, *balancer.control.parent.parents]:
        os.chmod(directory, os.stat(directory).st_mode | 0o111)

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
    # By its own mode the file keeps strangers out before that.
    os.chmod(balancer.control, 0o660)

    def become():
        os.setgroups([])
        os.setgid(4241)
        os.setuid(4241)

    program = balancer.directory / "belvedere"
    program.write_bytes(binary().read_bytes())
    program.chmod(0o755)
    run = subprocess.run(
        [program, "status", "--control", balancer.control], preexec_fn=become, capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 69 and "permission denied for the service" in run.stderr


def test_socket_that_an_earlier_service_left_is_replaced(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(balancer.control))
    balancer.start()
    assert balancer.status["pid"] == balancer.process.pid


def refusal(balancer):
    balancer.expects_killed = True
    balancer.start(wait=False)
    assert balancer.wait() == 1
    return balancer.log


def test_socket_of_a_living_service_is_not_taken(testbed):
    server = testbed.server()
    first, second = testbed.balance(server), testbed.balance(server, start=False)
    second.control = first.control
    assert "Another belvedere runs and listens there" in refusal(second)
    assert first.status["pid"] == first.process.pid


def test_file_in_the_sockets_place_is_kept_and_named(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control.write_text("precious")
    assert "Something that is no socket is there" in refusal(balancer)
    assert balancer.control.read_text() == "precious"


def test_missing_directory_is_made_and_a_missing_tree_is_named(testbed):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control = balancer.directory / "run" / "control"
    # The socket comes after the listeners.
    balancer.start().wait_until_serving()
    assert stat.S_IMODE(os.stat(balancer.directory / "run").st_mode) == 0o750
    assert balancer.status["state"] == "serving"
    lost = testbed.balance(testbed.server(), start=False)
    lost.control = lost.directory / "a" / "b" / "control"
    assert "Make the directory above" in refusal(lost)


def test_directory_is_the_one_that_systemd_names(testbed, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    help = belvedere("status", "--help").stdout
    assert f"{tmp_path}/control.sock" in " ".join(help.split()).replace(" ", "") or f"{tmp_path}/control.sock" in help


# What is no request


GARBAGE = [
    (b"\n", "cut short"),
    (b"GET / HTTP/1.1\r\n\r\n", "no JSON from byte 0 on"),
    (b"\x00\xff\xfe\n", "no JSON"),
    (b'{"version":1}\n', "`command` is missing"),
    (b'{"version":2,"command":"status"}\n', "version 2 of the control protocol"),
    (b'{"version":1,"command":"explode"}\n', "there is no command `explode`"),
    (b'{"version":1,"command":"reload","force":true}\n', "`force`"),
    (b'{"version":1,"command":"status"', "cut short"),
    (b"[" * 3000 + b"\n", "nested deeper"),
    (b"a" * 5000, "longer than 4096 bytes"),
]


@pytest.mark.parametrize("line, reason", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_request_is_answered_with_why(shared_testbed, line, reason):
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


def test_request_may_come_byte_by_byte_and_without_its_lines_end(testbed):
    balancer = testbed.balance(testbed.server())
    with connect(balancer) as sock:
        for byte in STATUS.strip():
            sock.sendall(bytes([byte]))
        sock.shutdown(socket.SHUT_WR)
        assert json.loads(everything(sock))["ok"] is True


def test_what_follows_the_first_line_is_not_read(testbed):
    balancer = testbed.balance(testbed.server())
    assert ask(balancer, STATUS + b'{"version":1,"command":"reload"}\n')["ok"] is True
    assert balancer.status["generation"]["number"] == 1


def test_silent_slow_and_greedy_clients_are_in_nobodys_way(testbed):
    """Half-open ones, some that never read, more than there may be: others are answered, traffic goes on, and the worker
    is not taken for hung."""
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    silent = [connect(balancer) for _ in range(8)]
    greedy = [connect(balancer) for _ in range(40)]
    try:
        for sock in greedy:
            sock.sendall(STATUS)
        for _ in range(3):
            assert balancer.get("/").status == 200
        # At most as long as a silent one is waited for.
        assert balancer.call("status").returncode in (0, 69)
        wait_until(lambda: balancer.call("status").returncode == 0, "an answered operator")
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


def test_operators_who_leave_before_their_answer_are_forgotten(testbed):
    balancer = testbed.balance(testbed.server())
    for _ in range(30):
        with connect(balancer) as sock:
            sock.sendall(b'{"version":1,"command":"reload"}\n')
    assert balancer.status["generation"]["number"] >= 1
    wait_until(lambda: balancer.get("/").status == 200, "a served request")
    assert balancer.reload() > 1


# Status


def test_status_for_a_person_fits_80_columns_and_has_no_colours_in_a_pipe(testbed):
    balancer = testbed.balance(testbed.server("view01"), testbed.server("view02"))
    run = balancer.call("status")
    assert run.returncode == 0 and run.stderr == ""
    lines = run.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines), lines
    assert "\x1b" not in run.stdout
    assert re.match(r"belvedere \d+\.\d+\.\d+ on \S+: serving$", lines[0]), lines
    for name in ("view01", "view02"):
        assert re.search(rf"^{name} +up +\d+ s$", run.stdout, re.MULTILINE), run.stdout


def test_status_shows_the_certificate_that_clients_see_before_and_after_a_reload(testbed, certificates):
    balancer = testbed.balance(testbed.server())

    def shown():
        (certificate,) = wait_until(lambda: balancer.status["certificates"], "a certificate")
        with balancer.connect() as client:
            seen = client.tls.getpeercert()
        assert int(certificate["serial"], 16) == int(seen["serialNumber"], 16)
        assert certificate["names"] == [name for _, name in seen["subjectAltName"]]
        ends = ssl.cert_time_to_seconds(seen["notAfter"])
        assert datetime.datetime.fromisoformat(certificate["not_after"]).timestamp() == ends
        return certificate

    first = shown()
    assert first["file"] == str(certificates.front.chain)
    other = certificates.authority.issue("view.test")
    balancer.reload({"tls": {"certificate": str(other.chain), "key": str(other.key)}})
    second = shown()
    assert second["file"] == str(other.chain) and second["fingerprint"] != first["fingerprint"]


def test_status_counts_what_comes_what_runs_and_what_is_refused(testbed):
    arrived, released = threading.Event(), threading.Event()

    def held(request):
        if request.target == "/hold":
            arrived.set()
            assert released.wait(60)
        return page(request)

    balancer = testbed.balance(testbed.server("view01", script=held))
    before = wait_until(lambda: balancer.status["servers"][0]["load"] and balancer.status["traffic"], "the first figures")
    for _ in range(5):
        assert balancer.get("/").status == 200
    with balancer.connect() as client:
        assert client.exchange(b"GET / HTTP/1.1\r\nHost: view.test\r\nBad Name: x\r\n\r\n").status == 400
    with balancer.connect_plain() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.receive_to_end()
    with balancer.connect() as client:
        client.send(b"GET /hold HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert arrived.wait(20)

        def settled():
            status = balancer.status
            traffic, load = status["traffic"], status["servers"][0]["load"]
            return (
                traffic["accepted"] >= before["accepted"] + 8
                and traffic["requests"] >= before["requests"] + 6
                and traffic["refused"]["requests"] == 1
                and traffic["refused"]["handshakes"] >= 1
                and (traffic["connections"], traffic["exchanges"]) == (1, 1)
                and (load["exchanges"], load["sessions"]) == (1, 1)
                and load["connections"] >= 1
                and traffic["per_second"] is not None
            )

        wait_until(settled, lambda: f"the figures: {balancer.status}")
        # A loop that goes and comes back does not count anew.
        figures = balancer.status["traffic"]
        for threads in (1, 4, 2):
            balancer.reload({"threads": threads})
        wait_until(lambda: balancer.status["generation"]["alive"] == 2, lambda: f"{balancer.status['generation']}")
        later = balancer.status["traffic"]
        assert later["accepted"] >= figures["accepted"] and later["requests"] >= figures["requests"]
        released.set()
        assert client.answer().status == 200
    wait_until(lambda: balancer.status["generation"]["alive"] == 1, lambda: f"{balancer.status['generation']}")


def test_status_shows_the_last_problems_of_both_roles_and_counts_what_comes_again(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health={"interval": "200ms", "timeout": "1s", "rise": 1, "fall": 1, "jitter": "0s"})
    assert balancer.status["problems"] == []

    def problems(words):
        return [p for p in balancer.status["problems"] if words in p["text"]]

    for times in (1, 2):
        servers[1].die()
        balancer.wait_for_state("view02", "down")
        # The check may find nobody there, or be cut short.
        wait_until(
            lambda: sum(p["count"] for p in problems("server view02 is down, was up")) == times,
            lambda: f"{balancer.status['problems']}",
        )
        servers[1].start()
        balancer.wait_for_state("view02", "up")
    worker = balancer.worker
    balancer.expects_worker_death = True
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: problems("the worker died"), lambda: f"{balancer.status['problems']}")
    assert "last problems" in balancer.call("status").stdout


def test_status_on_a_terminal_is_coloured_unless_NO_COLOR_says_not(testbed):
    balancer = testbed.balance(testbed.server())

    def on_terminal(**environment):
        ours, theirs = os.openpty()
        run = balancer.call("status", capture_output=False, stdout=theirs, env=os.environ | environment)
        os.close(theirs)
        assert run.returncode == 0
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass
        os.close(ours)
        return shown.decode()

    assert "\x1b[32mup" in on_terminal(NO_COLOR="")
    assert "\x1b" not in on_terminal(NO_COLOR="1")


def test_status_is_shown_again_and_again_through_a_restart_of_the_worker(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    watch = subprocess.Popen(
        [binary(), "status", "--json", "--watch", "--control", balancer.control], stdout=subprocess.PIPE, text=True
    )
    try:
        first = json.loads(watch.stdout.readline())
        os.kill(balancer.worker, signal.SIGKILL)
        wait_until(lambda: json.loads(watch.stdout.readline())["worker"] not in (None, first["worker"]), "another worker")
    finally:
        watch.kill()
        watch.wait()
