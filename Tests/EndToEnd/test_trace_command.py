"""`belvedere trace` as a command: what ends it, and what it leaves."""

import fcntl
import os
import resource
import select
import signal
import socket
import stat
import subprocess

import pytest
from harness.service import binary
from harness.tracing import Trace
from harness.waiting import client_addresses, wait_until

F_SETPIPE_SZ = 1031


@pytest.mark.parametrize("words", [["--json"], []])
def test_interrupt_ends_it_while_nothing_reads_its_output(testbed, words):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    command = [binary(), "trace", source, "--control", balancer.control, *words]
    # Its notes go the same way.
    process = subprocess.Popen(command, stdout=writer, stderr=writer)
    try:
        balancer.wait_for_log(f"trace: {source}, for 60 s, requested by pid {process.pid}")

        def is_full():
            socket.create_connection(balancer.endpoint, source_address=(source, 0)).close()
            return not select.select([], [writer], [], 0)[1]

        wait_until(is_full, "a full pipe")
        for _ in range(50):
            is_full()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        os.close(reader)
        os.close(writer)
        process.kill()
        process.wait()


def test_last_line_of_json_says_why_the_trace_has_ended(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, balancer.connect(source):
        trace.wait_for("secured")
        assert trace.interrupt() == 0
    assert [event["event"] for event in trace.events] == ["connected", "secured", "ended"]
    assert trace.events[-1]["reason"] == "interrupted"
    with Trace(balancer, source, "--for", "3") as trace:
        trace.wait_for("ended", reason="the time is over", count=1)
        assert trace.process.wait(timeout=60) == 0


def test_name_that_nothing_serves_gets_a_hint_at_once(testbed):
    balancer = testbed.balance(testbed.server())
    hint = "no service and no certificate has the name other.example"
    with Trace(balancer, "other.example") as trace:
        assert hint in trace.said
    with Trace(balancer, "View.test") as trace:
        assert "no service" not in trace.said


@pytest.mark.parametrize(
    "client, why",
    [
        ("127.0.0.1/8", "`127.0.0.1/8` has bits set after its prefix; the network is 127.0.0.0/8"),
        ("127.0.0.0/33", "`127.0.0.0/33` needs a prefix length from 0 to 32 after the slash"),
        ("a_b/8", "`a_b/8` is neither an address, nor a block of addresses, nor a host name"),
    ],
)
def test_block_that_is_none_is_explained(testbed, client, why):
    balancer = testbed.balance(testbed.server(), serving=False)
    run = balancer.call("trace", client)
    assert run.returncode == 64 and why in run.stderr


def test_no_file_is_left_when_the_trace_could_not_begin(testbed):
    balancer = testbed.balance(testbed.server())
    keys = balancer.directory / "keys"
    for files in range(3, 16):
        # Without room for the files that it opens, it fails at each of them.
        run = balancer.call(
            "trace", "192.0.2.7", "--for", "1", "--tls-keys", str(keys),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)),
        )  # fmt: skip
        if run.returncode == 0:
            break
        assert not keys.exists(), f"{files} files: {run.stderr}"
    assert run.returncode == 0 and stat.S_IMODE(keys.stat().st_mode) == 0o600
