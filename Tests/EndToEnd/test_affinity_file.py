"""The affinity file keeps assignments that differ from the hash over a restart."""

import os
import re
import signal
import stat

import pytest
from harness.service import belvedere
from harness.waiting import client_addresses

pytestmark = [pytest.mark.threads, pytest.mark.memory]

# Health checks that notice a change at once.
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


def displaced(testbed, **changes):
    """A balancer whose clients are all on view01, and the clients that are there only because view02 was down."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK, **changes)
    sources = client_addresses(20)
    before = balancer.servers_of(sources)
    moved = [source for source in sources if before[source] == "view02"]
    assert moved
    servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    assert set(balancer.servers_of(sources).values()) == {"view01"}
    servers["view02"].start()
    balancer.wait_for_state("view02", "up")
    return balancer, moved


def test_clients_keep_their_servers_over_a_restart(testbed):
    file = testbed.directory / "affinity"
    balancer, moved = displaced(testbed, affinity={"file": str(file)})
    balancer.restart()
    assert set(balancer.servers_of(moved).values()) == {"view01"}
    assert [path.name for path in testbed.directory.glob("affinity*")] == ["affinity"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Twenty, and the client that waited until the balancer served.
    assert re.search(rf"info +worker: affinity: {re.escape(str(file))} has 21 clients, of \d+ s ago", balancer.log)


def test_without_a_file_the_hash_decides_after_a_restart(testbed):
    balancer, moved = displaced(testbed)
    balancer.restart()
    assert set(balancer.servers_of(moved).values()) == {"view02"}


def test_clients_keep_their_servers_when_the_worker_crashes(testbed):
    balancer, moved = displaced(testbed, affinity={"file": str(testbed.directory / "affinity")})
    balancer.restart()
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    assert set(balancer.servers_of(moved).values()) == {"view01"}


# Damage to the two files: assignments in binary, administrative states in JSON.
DAMAGE = {
    "shortened": lambda content: content[:-4],
    "changed": lambda content: content[:30] + bytes([content[30] ^ 0x81]) + content[31:],
    "foreign": lambda content: b"service: view.test\n",
    "too-new": lambda content: content.replace(b'"version":1', b'"version":9') if content[:1] == b"{" else content[:11] + b"\x02" + content[12:],
    "empty": lambda content: b"",
    "a-directory": None,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_invalid_files_are_ignored_with_one_log_line_each(testbed, damage):
    files = [testbed.directory / name for name in ("affinity", "servers")]
    balancer, moved = displaced(testbed, affinity={"file": str(files[0])}, server_state_file=str(files[1]))
    balancer.server("view01", "weight", "7")
    balancer.stop()
    for file in files:
        content = file.read_bytes()
        if DAMAGE[damage]:
            file.write_bytes(DAMAGE[damage](content))
        else:
            file.unlink()
            file.mkdir()
    balancer.start().wait_until_serving()
    assert set(balancer.servers_of(moved).values()) == {"view02"}
    assert balancer.status_of("view01")["admin_state"] is None
    for file in files:
        [_] = [line for line in balancer.log.splitlines() if "the file is ignored" in line and str(file) in line]


def test_unwritable_path_is_refused_by_check_and_logged_by_run(testbed):
    file = testbed.directory / "missing" / "affinity"
    balancer = testbed.balance(testbed.server(), affinity={"file": str(file)})
    words = f"{file}: can't be used: No such file or directory"
    balancer.wait_for_log(re.escape(words))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1
    assert words in check.stdout + check.stderr
    assert balancer.server_of("127.0.94.1") == "view01"
    balancer.restart()
    assert "assignments are not kept across a restart" in balancer.log
