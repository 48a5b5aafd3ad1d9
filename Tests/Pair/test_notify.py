"""Hooks and mail run by systemd: outside the service's sandbox, as another user. The test replaces systemd; the
units themselves are tested where a systemd is (Tests/Appliance)."""

import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from harness.commands import script
from harness.service import binary
from harness.waiting import TIMEOUT, wait_until

OTHER_USER = 65534
AS_OTHER_USER = ["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"]


@pytest.fixture
def place():
    """A directory that any user may write to; the test's own belongs to root."""
    path = Path(tempfile.mkdtemp(prefix="belvedere-notify-"))
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


class Systemd:
    """belvedere-notify.socket and belvedere-notify@.service."""

    def __init__(self, node, path, configuration):
        self._node, self._configuration = node, configuration
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self.lines, self.statuses = [], []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                # systemd passes the configuration as a credential, which the user may read.
                process = self._node.start(
                    *AS_OTHER_USER, binary(), "notify", "--configuration", self._configuration, stdin=connection
                )  # fmt: skip
                self.statuses.append(process.wait(TIMEOUT))

    def end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def installed(testbed, place, hooks):
    """A balancer whose hooks are run by systemd, and the replaced systemd."""
    if subprocess.run([*AS_OTHER_USER, binary(), "version"], capture_output=True).returncode != 0:
        pytest.skip("other users may not read the binary's folder")
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), start=False, vrrp={"notify": hooks, "name": "view"})
    path = place / "notify.sock"
    balancer.options = ["--notifier", path]
    copy = place / "belvedere.yaml"
    systemd = Systemd(balancer.node, path, copy)
    testbed.programs.append(systemd)
    # The socket exists before the first hook runs.
    shutil.copy(balancer.write().file, copy)
    copy.chmod(0o644)
    balancer.start()
    return balancer, systemd


def test_hooks_run_as_another_user_in_the_order_of_changes(testbed, place):
    hooks = [script(place / name, f'echo "{name} $(id -u) $*" >>{place}/told') for name in ("first", "second")]
    balancer, systemd = installed(testbed, place, hooks)
    balancer.wait_until("active")
    balancer.stop()
    wait_until(lambda: len(systemd.statuses) == 3, "the changes told")
    assert (place / "told").read_text().splitlines() == [
        f"{name} {OTHER_USER} INSTANCE view {state} 101"
        for state in ("BACKUP", "MASTER", "STOP") for name in ("first", "second")
    ]  # fmt: skip
    assert systemd.statuses == [0, 0, 0]


def test_exit_status_of_a_hook_is_logged(testbed, place):
    balancer, _ = installed(testbed, place, [script(place / "hook", "exit 3")])
    balancer.wait_for_log(r"vrrp: view: hook .*/hook: it ended with status 3")
    balancer.wait_for_log(r"vrrp: view on eth0: hook belvedere notify: it ended with status 1")


def test_only_programs_in_the_configuration_are_run(testbed, place):
    balancer, systemd = installed(testbed, place, [script(place / "hook", f"touch {place}/ran")])
    balancer.wait_until("active")
    wait_until(lambda: len(systemd.statuses) == 2, "the changes told")
    (place / "ran").unlink()
    for line in ("other backup active 101 why", "view backup ruler 101 why", "view; touch /tmp/x backup active 1 why"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sender:
            sender.connect(str(place / "notify.sock"))
            sender.sendall(f"{line}\n".encode())
            assert sender.recv(1) == b""
    wait_until(lambda: len(systemd.statuses) == 5, "the forged notices")
    assert systemd.statuses[2:] == [1, 1, 1] and not (place / "ran").exists()


def test_silent_or_incomplete_notification_is_disconnected(testbed, place):
    """systemd accepts at most 16 connections at a time."""
    ran = place / "ran"
    balancer = testbed.balancer(
        testbed.node("lb1"), testbed.server(), start=False,
        vrrp={"notify": [script(place / "hook", f"touch {ran}")], "name": "view"},
    ).write()  # fmt: skip
    ends = []
    try:
        for words in (b"", b"view backup active 101 why", b"\n"):
            ours, theirs = socket.socketpair()
            with theirs:
                process = balancer.node.start(
                    binary(), "notify", "--configuration", balancer.file, stdin=theirs, stderr=subprocess.DEVNULL
                )
            ends.append((ours, process, words))
            ours.sendall(words)
        statuses = [process.wait(TIMEOUT) for _, process, _ in ends]
    finally:
        for ours, process, _ in ends:
            ours.close()
            process.kill()
            process.wait()
    assert statuses == [1, 1, 1] and not ran.exists()
