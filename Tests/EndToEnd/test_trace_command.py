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
