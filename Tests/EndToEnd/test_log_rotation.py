"""The access log's file is renamed, deleted or can't be opened again: SIGUSR1 and a reload, as logrotate uses them."""

import re
import signal
import subprocess
import threading

import pytest
from harness import ROOT
from harness.waiting import wait_until

pytestmark = pytest.mark.memory


@pytest.fixture()
def logged(testbed, tmp_path):
    """A balancer that logs to a file, in a folder of its own."""
    folder = tmp_path / "access-log"
    folder.mkdir()
    file = folder / "access.log"
    return testbed.balance(testbed.server(), log={"access": {"target": str(file)}}), file


def by_signal(balancer):
    before = len(balancer.log)
    balancer.signal(signal.SIGUSR1)
    balancer.wait_for_log("access log: .* was opened again", since=before)


def by_reload(balancer):
    balancer.reload()


def numbers(*files):
    """The numbers of the logged requests."""
    text = "".join(file.read_text() for file in files if file.exists())
    assert not text or text.endswith("\n")
    return [int(number) for number in re.findall(r'"GET /line/(\d+) HTTP/1.1"\n', text)]


def wait_for_line(file, target):
    wait_until(lambda: file.exists() and target in file.read_text(), f"{target} in {file.name}")


@pytest.mark.parametrize("reopen", [by_signal, by_reload])
def test_no_line_is_lost_when_the_file_is_moved_under_load(logged, reopen):
    balancer, file = logged
    over, sent = threading.Event(), []

    def ask():
        with balancer.connect() as client:
            while not over.is_set():
                assert client.get(f"/line/{len(sent)}").status == 200
                sent.append(len(sent))

    client = threading.Thread(target=ask)
    client.start()
    moved = [file.with_suffix(f".{number}") for number in range(5)]
    try:
        for old in moved:
            count = len(sent)
            wait_until(lambda: len(sent) > count + 20, "requests before the move")
            file.rename(old)
            reopen(balancer)
    finally:
        over.set()
        client.join()
    wait_until(lambda: len(numbers(*moved, file)) >= len(sent), "the last line")
    assert numbers(*moved, file) == sent
    assert all(numbers(old) for old in moved)


@pytest.mark.parametrize("reopen", [by_signal, by_reload])
def test_deleted_file_is_created_again(logged, reopen):
    balancer, file = logged
    file.unlink()
    reopen(balancer)
    assert balancer.get("/after").status == 200
    wait_for_line(file, "/after")


def test_file_that_can_not_be_opened_leaves_the_old_one_in_use(logged):
    balancer, file = logged
    old = file.with_suffix(".1")
    file.rename(old)
    # Not even root can create a file there.
    file.mkdir()
    balancer.signal(signal.SIGUSR1)
    balancer.wait_for_log("access log: .*EISDIR.*; lines go on to the file that was open before")
    assert balancer.get("/kept").status == 200
    wait_for_line(old, "/kept")
    # A reload is refused for the same reason, and changes nothing.
    assert balancer.call("reload").returncode == 1
    assert balancer.get("/kept-still").status == 200
    wait_for_line(old, "/kept-still")
    file.rmdir()
    by_signal(balancer)
    assert balancer.get("/new").status == 200
    wait_for_line(file, "/new")


def test_signal_without_a_file_does_nothing(testbed):
    balancer = testbed.balance(testbed.server())
    worker = balancer.worker
    for _ in range(100):
        balancer.signal(signal.SIGUSR1)
    assert balancer.get("/as-before").status == 200
    balancer.wait_for_access("/as-before")
    assert balancer.worker == worker and "opened again" not in balancer.log


def test_rotation_of_the_package_works(logged, tmp_path):
    """Its logrotate file, with another path, owner and service."""
    balancer, file = logged
    packaged = (ROOT / "packaging/logrotate.conf").read_text()
    changes = {
        r"/var/log/belvedere/": f"{file.parent}/",
        r"su belvedere belvedere": "su root root",
        r"systemctl kill --kill-whom=main --signal=USR1 belvedere.service": f"kill -USR1 {balancer.process.pid}",
    }
    for pattern, replacement in changes.items():
        packaged, count = re.subn(pattern, replacement, packaged)
        assert count >= 1, pattern
    rules = tmp_path / "logrotate.conf"
    rules.write_text(packaged)
    rules.chmod(0o644)
    file.parent.chmod(0o755)
    for number in range(3):
        assert balancer.get(f"/line/{number}").status == 200
        wait_for_line(file, f"/line/{number}")
        before = len(balancer.log)
        command = ["/usr/sbin/logrotate", "--force", "--state", tmp_path / "state", rules]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        balancer.wait_for_log("opened again", since=before)
    assert file.read_text() == "" and "/line/2" in file.with_name("access.log.1").read_text()
    assert file.with_name("access.log.2.gz").exists() and file.with_name("access.log.3.gz").exists()
