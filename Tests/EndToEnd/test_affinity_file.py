"""Clients that stay against their hash's will stay so over a restart, when a file remembers them."""

import os
import re
import signal
import stat

import pytest
from harness.service import belvedere
from harness.waiting import client_addresses

# Checks that find a change in a moment.
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


def assigned(balancer, sources):
    return {source: balancer.server_of(source) for source in sources}


def restart(balancer):
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    balancer.start()
    return balancer.wait_until_serving()


def displaced(testbed, **affinity):
    """A balancer whose clients are all on view01, some of them only because view02 was gone for a while; and those."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK, affinity=affinity)
    sources = client_addresses(20)
    before = assigned(balancer, sources)
    moved = [source for source in sources if before[source] == "view02"]
    assert moved
    servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    assert set(assigned(balancer, sources).values()) == {"view01"}
    servers["view02"].start()
    balancer.wait_for_state("view02", "up")
    return balancer, moved


def test_clients_stay_over_a_restart(testbed):
    file = testbed.directory / "affinity"
    balancer, moved = displaced(testbed, file=str(file))
    restart(balancer)
    assert set(assigned(balancer, moved).values()) == {"view01"}
    assert [path.name for path in testbed.directory.glob("affinity*")] == ["affinity"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Twenty, and who waited until the balancer served.
    assert re.search(rf"info +worker: affinity: {re.escape(str(file))} has 21 clients, of \d+ s ago", balancer.log)


def test_without_a_file_the_hash_decides_after_a_restart(testbed):
    balancer, moved = displaced(testbed)
    restart(balancer)
    assert set(assigned(balancer, moved).values()) == {"view02"}


def test_clients_stay_when_the_worker_crashes(testbed):
    balancer, moved = displaced(testbed, file=str(testbed.directory / "affinity"))
    restart(balancer)
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    assert set(assigned(balancer, moved).values()) == {"view01"}


@pytest.mark.parametrize("damage", ["shortened", "changed", "foreign", "too-new", "empty", "a-directory"])
def test_file_that_does_not_read_is_ignored_with_one_line(testbed, damage):
    file = testbed.directory / "affinity"
    balancer, moved = displaced(testbed, file=str(file))
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    content = file.read_bytes()
    if damage == "a-directory":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes({
            "shortened": content[:-1],
            "changed": content[:60] + bytes([content[60] ^ 1]) + content[61:],
            "foreign": b"service: view.test\n",
            "too-new": content[:11] + b"\x02" + content[12:],
            "empty": b"",
        }[damage])  # fmt: skip
    balancer.start()
    balancer.wait_until_serving()
    assert set(assigned(balancer, moved).values()) == {"view02"}
    lines = [line for line in balancer.log.splitlines() if "the file is ignored" in line]
    assert len(lines) == 1 and str(file) in lines[0]
    if damage == "a-directory":
        file.rmdir()


def test_place_that_cannot_be_written_is_refused_by_check_and_told_by_run(testbed):
    file = testbed.directory / "missing" / "affinity"
    balancer = testbed.balance(testbed.server(), affinity={"file": str(file)})
    words = f"{file}: can't be used: No such file or directory"
    balancer.wait_for_log(re.escape(words))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1
    assert words in check.stdout + check.stderr
    assert balancer.server_of("127.0.94.1") == "view01"
    restart(balancer)
    assert "assignments are not kept across a restart" in balancer.log
