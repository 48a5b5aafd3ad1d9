"""Nodes of a pair resume each other's TLS sessions, by tickets whose keys are derived from the pair's secret."""

import os
import re
import signal
import subprocess
import time

import pytest
from harness.processes import remembers, resident
from harness.service import belvedere
from harness.waiting import free_port, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]

VERSIONS = ["-tls1_2", "-tls1_3"]


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "pair.key"
    made = belvedere("pair", "new-secret", path)
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture
def pair(testbed):
    """Two nodes on different addresses, each with its secret file."""

    def make(first, second, **changes):
        server = testbed.server()
        nodes = [testbed.balance(server, start=False, **changes) for _ in range(2)]
        port = free_port(nodes[0].address)
        for name, node, secret in zip("ab", nodes, (first, second)):
            addresses = {"a": nodes[0].address, "b": nodes[1].address}
            node.write({"pair": {"nodes": addresses, "node": name, "secret": str(secret), "port": port}})
            node.start().wait_until_serving()
        return nodes

    return make


def s_client(node, *arguments):
    """The output of `openssl s_client` after an answer: a TLS 1.3 ticket follows the handshake."""
    command = ["openssl", "s_client", "-connect", f"{node.address}:{node.port}", "-servername", "view.test", "-ign_eof"]
    request = "GET / HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n"
    done = subprocess.run(
        command + [str(a) for a in arguments], input=request, capture_output=True, text=True, timeout=60
    )
    assert "HTTP/1.1 200" in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def begin(tmp_path):
    """Starts a session at a node, and returns its file."""

    def begin(node, version):
        saved = tmp_path / f"session{version}-{node.address}"
        assert "New, TLSv1" in s_client(node, version, "-sess_out", saved)
        return saved

    return begin


def is_resumed(node, version, session):
    text = s_client(node, version, "-sess_in", session)
    assert ("Reused, TLSv1" in text) != ("New, TLSv1" in text), text
    return "Reused, TLSv1" in text


def test_session_is_resumed_at_the_other_node_also_after_restarts_and_crashes(pair, secret, begin):
    first, second = pair(secret, secret)
    sessions = [(version, begin(first, version)) for version in VERSIONS]
    for version, session in sessions:
        assert is_resumed(second, version, session)
    worker = first.worker
    os.kill(worker, signal.SIGKILL)
    first.wait_for_another_worker(worker)
    second.restart()
    for version, session in sessions:
        assert is_resumed(first, version, session)
        assert is_resumed(second, version, session)


def test_session_is_not_resumed_with_another_secret(pair, secret, tmp_path, begin):
    other = tmp_path / "other.key"
    assert belvedere("pair", "new-secret", other).returncode == 0
    first, second = pair(secret, other)
    for version in VERSIONS:
        session = begin(first, version)
        assert not is_resumed(second, version, session)
        assert is_resumed(first, version, session)


def test_no_session_is_resumed_where_tickets_are_off(pair, secret, tmp_path, begin):
    """Neither one from before the reload nor one of the other node, by ticket or by its ID."""
    first, second = pair(secret, secret)
    sessions = [(version, begin(node, version)) for node in (first, second) for version in VERSIONS]
    named = tmp_path / "named"
    s_client(second, "-tls1_2", "-no_ticket", "-sess_out", named)
    assert "Reused" in s_client(second, "-tls1_2", "-no_ticket", "-sess_in", named)
    for version, session in sessions:
        assert is_resumed(second, version, session)
    second.reload({"tls": {"tickets": False}})
    for version, session in sessions:
        assert not is_resumed(second, version, session)
        assert is_resumed(first, version, session)
    assert "Reused" not in s_client(second, "-tls1_2", "-no_ticket", "-sess_in", named)
    second.reload({"tls": {"tickets": True}})
    for version, session in sessions:
        assert is_resumed(second, version, session)


def test_secret_is_changed_on_one_node_after_the_other(pair, tmp_path, begin):
    """As docs/pair.md says."""
    files = [tmp_path / "first.key", tmp_path / "second.key"]
    assert belvedere("pair", "new-secret", files[0]).returncode == 0
    files[1].write_bytes(files[0].read_bytes())
    files[1].chmod(0o600)
    first, second = pair(*files)
    before = {version: begin(second, version) for version in VERSIONS}

    assert belvedere("pair", "rotate-secret", files[0]).returncode == 0
    first.reload()
    during = {version: begin(first, version) for version in VERSIONS}
    for version in VERSIONS:
        assert is_resumed(first, version, before[version])
        assert not is_resumed(second, version, during[version])

    files[1].write_bytes(files[0].read_bytes())
    second.reload()
    for version in VERSIONS:
        assert is_resumed(first, version, before[version])
        assert is_resumed(second, version, before[version])
        assert is_resumed(second, version, during[version])

    # After another change the first secret is not accepted any more.
    assert belvedere("pair", "rotate-secret", files[0]).returncode == 0
    first.reload()
    for version in VERSIONS:
        assert not is_resumed(first, version, before[version])
        assert is_resumed(first, version, during[version])


@pytest.mark.soak
def test_session_is_resumed_in_the_next_epoch(pair, secret, begin):
    first, second = pair(secret, secret, tls={"ticket-rotation": "1m"})
    epoch = int(time.time()) // 60
    sessions = {version: begin(first, version) for version in VERSIONS}
    wait_until(lambda: int(time.time()) // 60 > epoch, "the next minute", timeout=90)
    for version in VERSIONS:
        assert is_resumed(second, version, sessions[version])


def test_damaged_secret_is_refused_at_a_reload(pair, secret, begin):
    first, second = pair(secret, secret)
    session = begin(first, "-tls1_3")
    secret.write_text("gone\n")
    refused = first.call("reload")
    assert refused.returncode == 1 and "pair.key: line 1 is no secret" in refused.stderr, refused.stderr
    assert is_resumed(second, "-tls1_3", session)
    told = belvedere("pair", "rotate-secret", secret).stderr
    assert told == f"belvedere: {secret}: line 1 is no secret: expected 64 hexadecimal digits\n"
    assert secret.read_text() == "gone\n"


def test_change_of_the_other_nodes_needs_a_restart(pair, secret):
    first, _ = pair(secret, secret)
    first.write({"pair": {"port": first.configuration["pair"]["port"] + 1}})
    refused = first.call("reload")
    assert refused.returncode == 1 and "pair can't change while the service runs" in refused.stderr, refused.stderr


def test_pair_secret_command_creates_and_rotates_the_file_and_keeps_its_owner_and_permissions(tmp_path):
    path = tmp_path / "pair.key"
    assert belvedere("pair", "new-secret", path).returncode == 0
    made = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640 and path.stat().st_gid == tmp_path.stat().st_gid
    again = belvedere("pair", "new-secret", path)
    assert again.returncode == 1 and "pair.key exists; `belvedere pair rotate-secret` replaces its secret" in again.stderr
    assert path.read_text() == made
    path.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    assert belvedere("pair", "rotate-secret", path).returncode == 0
    (first,), (new, former, seed) = (
        [line for line in text.splitlines() if not line.startswith("#")] for text in (made, path.read_text())
    )
    assert former == first != new and re.fullmatch(r"seed [0-9a-f]{32}", seed)
    status = path.stat()
    assert status.st_mode & 0o777 == 0o400
    assert (status.st_uid, status.st_gid) == (65534, 65534) or os.geteuid() != 0
    assert list(tmp_path.iterdir()) == [path]
    nowhere = belvedere("pair", "new-secret", tmp_path / "missing" / "pair.key")
    assert nowhere.returncode == 1 and "No such file or directory" in nowhere.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="root may read the memory of these processes")
def test_text_of_the_secret_is_not_left_in_memory(pair, secret):
    digits = [line for line in secret.read_text().splitlines() if not line.startswith("#")]
    for node in pair(secret, secret):
        # Under a sanitizer a process has terabytes to be searched.
        resident(node.process.pid)
        node.reload()
        for process in (node.worker, node.process.pid):
            # The text of the configuration is there.
            assert remembers(process, str(secret))
            assert not remembers(process, digits[0])
