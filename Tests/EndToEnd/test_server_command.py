"""`belvedere server NAME drain|maintenance|ready|weight N`: who goes where then, for how long, and what operators
see."""

import json
import os
import signal
import socket
import subprocess

import pytest
from harness.service import binary
from harness.view import pair
from harness.waiting import all_at_once, client_addresses, wait_until

pytestmark = pytest.mark.threads


# Weight


def test_weight_changes_the_share_of_new_clients_and_moves_none(testbed):
    balancer = pair(testbed)
    sources = client_addresses(24)
    assigned = balancer.servers_of(sources)
    assert balancer.server("view01", "weight", "0").startswith("view01: up, weight 0, configured 1")
    assert balancer.servers_of(sources) == assigned
    assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
    balancer.reload({"threads": 1})
    assert {balancer.server_of(source) for source in client_addresses(20, start=130)} == {"view02"}
    balancer.server("view01", "weight", "256")
    new = [balancer.server_of(source) for source in client_addresses(60, start=160)]
    # 59.8 expected.
    assert new.count("view01") > 50
    assert balancer.server("view01", "weight", "configured").startswith("view01: up")
    assert balancer.status_of("view01")["admin_state"] is None
    assert {balancer.server_of(source) for source in client_addresses(30, start=230)} == {"view01", "view02"}


# Lifetime of administrative states


def test_admin_state_is_dropped_with_the_server(testbed):
    balancer = pair(testbed)
    balancer.server("view01", "drain")
    servers = dict(balancer.configuration["servers"])
    balancer.configuration["servers"] = {"view02": servers["view02"]}
    balancer.reload()
    run = balancer.call("server", "view01", "ready")
    assert run.returncode == 1 and "no server `view01`. Did you mean `view02`?" in run.stderr
    balancer.configuration["servers"] = servers
    balancer.reload()
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")
    assert balancer.status_of("view01")["admin_state"] is None


def test_admin_state_is_kept_by_a_server_that_moves_to_another_address(testbed):
    balancer = pair(testbed)
    balancer.server("view01", "maintenance")
    other = testbed.server("view01")
    balancer.configuration["servers"]["view01"] |= {"address": other.address, "port": other.port}
    balancer.reload()
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    wait_until(lambda: balancer.status_of("view01")["state"] == "maintenance", "the state of the new address")
    balancer.server("view01", "ready")
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")


def test_concurrent_actions_and_reloads_all_take_effect(testbed):
    balancer = pair(testbed)

    def give(words):
        for _ in range(6):
            run = balancer.call(*words.split())
            assert run.returncode == 0, f"{words}: {run.stderr}"

    all_at_once(give, ["reload", "server view01 drain", "server view02 weight 3", "status --json"])
    assert balancer.status_of("view01")["state"] == "drain"
    assert balancer.status_of("view02")["weight"] == 3
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}


def test_action_without_a_worker_applies_to_the_next_one(testbed):
    balancer = pair(testbed)
    balancer.expects_worker_death = True
    # While the supervisor is stopped, no worker is started; the worker's end and the command are both pending.
    os.kill(balancer.process.pid, signal.SIGSTOP)
    try:
        worker = balancer.worker
        command = subprocess.Popen(
            [binary(), "server", "view01", "drain", "--control", balancer.control],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.kill(worker, signal.SIGKILL)
    finally:
        os.kill(balancer.process.pid, signal.SIGCONT)
    command.communicate(timeout=60)
    assert command.returncode == 0
    balancer.wait_for_another_worker(worker)
    assert balancer.status_of("view01")["state"] == "drain"


# Refused commands


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["view1", "drain"], 1, "the configuration has no server `view1`. Did you mean `view01`?"),
        (["nonsense", "drain"], 1, "the configuration has no server `nonsense`. There are: view01"),
        (["view01", "weight"], 64, "`weight` takes a number from 0 to 256, or `configured`"),
        (["view01", "weight", "257"], 64, "`257` is no weight"),
        (["view01", "drain", "3"], 64, "`drain` takes no number"),
        (["view01", "stop"], 64, "stop"),
        (["view01"], 64, "action"),
    ],
)
def test_invalid_action_is_refused(shared_testbed, words, status, said):
    if not shared_testbed.balancers:
        shared_testbed.balance(shared_testbed.server("view01"))
    balancer = shared_testbed.balancers[0]
    run = balancer.call("server", *words)
    assert run.returncode == status and run.stdout == ""
    assert said in run.stderr
    assert balancer.status_of("view01")["admin_state"] is None


def test_action_over_the_socket_is_answered_with_the_server(testbed):
    balancer = pair(testbed)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(balancer.control))
        sock.sendall(b'{"version":1,"command":"server","name":"view01","action":"weight","weight":5}\n')
        answer = json.loads(sock.makefile().readline())
    assert answer["ok"] is True and answer["warnings"] == []
    assert answer["server"]["name"] == "view01"
    assert (answer["server"]["weight"], answer["server"]["configured_weight"]) == (5, 1)
    assert balancer.status_of("view01")["admin_state"]["weight"] == 5
