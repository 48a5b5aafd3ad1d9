"""`belvedere doctor`: each line is caused by what it is about, on the machine or at a server."""

import contextlib
import json
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from harness.waiting import wait_until

pytestmark = pytest.mark.once


class Examination:
    """The findings of one run."""

    def __init__(self, run):
        assert run.returncode in (0, 1, 2), run.stderr
        self.status, self.text = run.returncode, run.stdout
        self.findings = json.loads(run.stdout)["findings"]

    def of(self, check, subject=None):
        """The check's only finding about this subject: its verdict, its text, and what to do."""
        found = [f for f in self.findings if f["check"] == check and subject in (None, f["subject"])]
        assert len(found) == 1, f"{check} {subject}: {found}\n{self.text}"
        return found[0]["verdict"], found[0]["text"], found[0]["fix"]


def examine(balancer, *options):
    """Beside the running service, or with its configuration before it starts. It may take a minute for the servers."""
    balancer.write()
    return Examination(balancer.call("doctor", "--json", "--configuration", balancer.file, *options, timeout=120))


@pytest.fixture()
def before(testbed):
    """A balancer before its start; its server answers `health`."""

    def make(health=200, certificate=None, server_changes=None, **changes):
        server = testbed.server(certificate=certificate, health=health)
        server_changes = {"view01": server_changes or {}}
        return testbed.balance(server, start=False, server_changes=server_changes, **changes)

    return make


def refusing(condition, status):
    """Answers with the status where the request's head meets the condition, else with 200."""

    def health(request):
        request.respond(status if condition(request.head) else 200, b"icon", f"Date: {formatdate(usegmt=True)}")

    return health


# The whole


def test_running_node_without_faults(testbed):
    balancer = testbed.balance(testbed.server())
    found = examine(balancer)
    assert not [f for f in found.findings if f["verdict"] == "fault"], found.text
    assert found.of("configuration")[0] == found.of("certificate")[0] == found.of("ports")[0] == "ok"
    verdict, text, _ = found.of("server", "view01")
    assert verdict == "ok" and text.endswith("answers 200")
    # It has changed nothing, and clients are served.
    assert balancer.get("/after").status == 200


def test_text_has_a_summary_columns_and_what_to_do(before):
    balancer = before(health=500)
    run = balancer.write().call("doctor", "--configuration", balancer.file)
    first, *lines = run.stdout.splitlines()
    assert run.returncode == 2 and "1 fault" in first, run.stdout
    [index] = [i for i, line in enumerate(lines) if line.startswith("  fault        server view01")]
    assert lines[index].endswith("answers 500 to its health check") and lines[index + 1].lstrip().startswith("→ ")
    assert all(len(line) <= 100 for line in lines if "/" not in line), run.stdout


# The configuration


def test_refused_configuration_is_a_fault_and_the_machine_is_checked_all_the_same(before):
    balancer = before(no_such_key=1)
    found = examine(balancer)
    assert found.status == 2
    verdict, text, _ = found.of("configuration")
    assert verdict == "fault" and "no-such-key" in text
    assert found.of("ports") == ("not checked", "the configuration is refused", "")
    assert any(f["check"] == "leftovers" for f in found.findings)


def test_missing_configuration_is_a_fault_and_the_machine_is_checked_all_the_same(before, tmp_path):
    missing = tmp_path / "missing.yaml"
    found = Examination(before().call("doctor", "--json", "--configuration", missing))
    verdict, text, fix = found.of("configuration")
    assert found.status == 2 and verdict == "fault" and fix
    assert text == f"{missing}: cannot be read: No such file or directory (ENOENT)"
    assert found.of("files") == found.of("ports") == ("not checked", "the configuration can't be read", "")
    assert any(f["check"] == "leftovers" for f in found.findings)
    run = before().call("doctor", "--configuration", missing)
    assert run.returncode == 2 and "fault        configuration" in run.stdout


def test_file_that_the_user_of_the_service_can_not_read_is_a_fault(before):
    if os.geteuid() != 0:
        pytest.skip("only root can check as another user")
    balancer = before()
    # A folder that every user may enter.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        key, chain = folder / "view.key", folder / "view.pem"
        shutil.copy(balancer.certificates.front.key, key)
        shutil.copy(balancer.certificates.front.chain, chain)
        ca = folder / "ca.pem"
        shutil.copy(balancer.certificates.authority.certificate, ca)
        balancer.file = folder / "belvedere.yaml"
        balancer.configuration["tls"] = {"certificate": str(chain), "key": str(key)}
        balancer.configuration["servers"]["view01"]["trust"] = {"ca": str(ca)}
        for mode, verdict in [(0o600, "fault"), (0o644, "ok")]:
            for file in (chain, ca):
                file.chmod(0o644)
            key.chmod(mode)
            balancer.write()
            balancer.file.chmod(0o644)
            run = balancer.call("doctor", "--json", "--configuration", balancer.file, "--user", "daemon")
            found = [f for f in json.loads(run.stdout)["findings"] if f["check"] == "files"]
            assert [f["verdict"] for f in found][:1] == [verdict] or verdict == "ok", run.stdout
            refused = [f for f in found if "Permission denied" in f["text"] and "view.key" in f["text"]]
            assert len(refused) == (mode == 0o600), found
    finally:
        shutil.rmtree(folder)


def test_credential_that_only_the_service_gets_is_not_checked(before):
    balancer = before()
    balancer.configuration["tls"]["key"] = "credential:view.key"
    found = examine(balancer)
    verdict, text, _ = found.of("configuration")
    assert verdict == "not checked" and "credential:view.key: is passed by systemd" in text
    assert not [f for f in found.findings if f["verdict"] in ("warning", "fault") and "credential" in f["text"]]


def test_user_that_does_not_exist_is_not_checked(before):
    assert examine(before(), "--user", "no-such-user").of("files")[0] == "not checked"


# Certificates


def validity(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400))


def test_certificate_that_ends_soon_or_has_ended(before, certificates):
    for days, verdict, words in [(10, "warning", "expires on"), (40, "ok", "is valid until")]:
        front = certificates.authority.issue("view.test", end=validity(days))
        balancer = before(tls={"certificate": str(front.chain), "key": str(front.key)})
        found = examine(balancer).of("certificate")
        assert found[0] == verdict and words in found[1], found


def test_servers_certificate_is_compared_with_that_of_clients(before, certificates):
    other = certificates.authority.issue("view.test")
    verdict, text, _ = examine(before(certificate=other)).of("thumbprint", "view01")
    assert verdict == "warning" and other.fingerprint[:16] in text
    assert examine(before()).of("thumbprint", "view01")[0] == "ok"


# Servers


def test_server_that_is_down_is_a_fault(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, start=False)
    server.die()
    found = examine(balancer)
    verdict, text, _ = found.of("server", "view01")
    assert found.status == 2 and verdict == "fault" and "refused" in text.lower()
    # Nothing else is asked of it.
    assert not [f for f in found.findings if f["check"] in ("host", "clock", "thumbprint")]


def test_server_with_an_untrusted_certificate_is_a_fault_with_its_fingerprint(before, tmp_path, certificates):
    from harness.certificates import Authority

    other = Authority(tmp_path / "other").issue("view.test")
    found = examine(before(certificate=other))
    verdict, text, _ = found.of("server", "view01")
    assert verdict == "fault" and other.fingerprint in text
    assert found.of("thumbprint", "view01")[0] == "warning"


def test_server_that_sends_interim_responses_for_ever_is_given_up(before):
    def health(request):
        with contextlib.suppress(OSError):
            while True:
                request.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)

    balancer = before(health=health)
    balancer.configuration["health"] = {"timeout": "500ms"}
    verdict, text, _ = examine(balancer).of("server", "view01")
    assert verdict == "fault" and "no answer for 500 ms" in text


def test_server_in_maintenance_is_not_asked_and_no_fault(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, testbed.server("view02"))
    balancer.server("view01", "maintenance")
    server.die()
    wait_until(lambda: balancer.status_of("view01")["state"] == "maintenance", "maintenance")
    found = examine(balancer)
    verdict, text, _ = found.of("server", "view01")
    assert verdict == "ok" and text.endswith("is in maintenance, as an administrator has requested")
    assert not [f for f in found.findings if f["check"] in ("host", "clock", "thumbprint") and f["subject"] == "view01"]
    assert found.of("server", "view02")[0] == "ok"


class Silent(threading.Thread):
    """Accepts at every address of this machine and never answers; counts who is connected at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.seen, self.most = 0, 0
        self.start()

    def run(self):
        waiting = selectors.DefaultSelector()
        waiting.register(self.listener, selectors.EVENT_READ)
        connected = set()
        while True:
            for key, _ in waiting.select():
                if key.fileobj is self.listener:
                    connection = self.listener.accept()[0]
                    waiting.register(connection, selectors.EVENT_READ)
                    connected.add(connection)
                    self.seen += 1
                elif not receive(key.fileobj):
                    waiting.unregister(key.fileobj)
                    connected.discard(key.fileobj)
                    key.fileobj.close()
            self.most = max(self.most, len(connected))


def receive(connection):
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""


@pytest.mark.threads
def test_a_hundred_silent_servers_are_asked_together_within_a_bound(before):
    silent = Silent()
    balancer = before()
    balancer.configuration["health"] = {"timeout": "500ms"}
    trust = balancer.configuration["servers"]["view01"]["trust"]
    balancer.configuration["servers"] = {
        f"s{n}": {"address": f"127.78.0.{n + 1}", "port": silent.port, "trust": trust} for n in range(100)
    }
    found = examine(balancer)
    assert [f["verdict"] for f in found.findings if f["check"] == "server"] == ["fault"] * 100
    assert silent.seen == 100
    # One that is given up is closed here a moment before it is closed there.
    assert 8 <= silent.most <= 64, silent.most


@pytest.mark.parametrize(("status", "verdict"), [(200, "ok"), (503, "warning"), (500, "fault"), (404, "fault")])
def test_answer_to_the_health_check(before, status, verdict):
    found, text, _ = examine(before(health=status)).of("server", "view01")
    assert found == verdict and f"answers {status}" in text


def test_name_that_a_server_refuses_gets_its_line_of_locked_properties(before):
    balancer = before(
        health=refusing(lambda head: head.get("Host") == "view01.test", 421), server_changes={"names": ["view01.test"]}
    )
    verdict, text, fix = examine(balancer).of("host", "view01")
    assert verdict == "fault" and "421 to Host: view01.test" in text
    assert fix.endswith("portalHost.1=view01.test")


def test_service_name_that_a_server_refuses_is_its_balanced_host(before):
    found = examine(before(health=refusing(lambda head: head.get("Host") == "view.test", 400)))
    verdict, _, fix = found.of("host", "view01")
    assert verdict == "fault" and fix.endswith("balancedHost=view.test")


def test_origin_that_a_server_refuses(before):
    found = examine(before(health=refusing(lambda head: head.get("Origin") == "https://view.test", 403)))
    verdict, text, _ = found.of("host", "view01")
    assert verdict == "fault" and "403 to Origin: https://view.test" in text


@pytest.mark.parametrize(("offset", "verdict", "words"), [
    (0, "ok", "within"), (300, "warning", "ahead of"), (-300, "warning", "behind"), (None, "not checked", "no Date"),
])  # fmt: skip
def test_clock_of_a_server(before, offset, verdict, words):
    def health(request):
        date = [] if offset is None else [f"Date: {formatdate(time.time() + offset, usegmt=True)}"]
        request.respond(200, b"icon", *date)

    found, text, _ = examine(before(health=health)).of("clock", "view01")
    assert found == verdict and words in text


# The machine


def test_port_that_another_program_has_is_a_fault_with_its_name(before):
    balancer = before()
    with socket.create_server((balancer.address, balancer.port)):
        verdict, text, _ = examine(balancer).of("ports", f"{balancer.address}:{balancer.port}")
    assert verdict == "fault" and f"(process {os.getpid()})" in text
    assert examine(balancer).of("ports")[0] == "ok"


def test_limit_above_the_source_ports_is_a_warning(before):
    verdict, text, _ = examine(before(server_changes={"connections": 65_000})).of("limits")
    assert verdict == "warning" and "source ports" in text


def test_leftover_program_is_a_warning(before, tmp_path):
    program = tmp_path / "haproxy"
    shutil.copy(shutil.which("sleep"), program)
    process = subprocess.Popen([program, "60"])
    try:
        verdict, text, fix = examine(before()).of("leftovers", "haproxy")
    finally:
        process.kill()
        process.wait()
    assert verdict == "warning" and text.startswith("it runs") and fix.endswith(": systemctl disable --now haproxy")
