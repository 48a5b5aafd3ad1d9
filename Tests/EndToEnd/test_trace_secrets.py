"""`belvedere trace --tls-keys`: the TLS secrets of one client, and the file that they are written to."""

import os
import shutil
import stat
import subprocess

import pytest
from harness.commands import openssl
from harness.processes import die_with_parent
from harness.service import binary
from harness.tracing import Trace
from harness.waiting import client_addresses, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


def test_secrets_are_those_of_the_client_and_in_a_private_new_file(testbed):
    balancer = testbed.balance(testbed.server())
    source, other = client_addresses(2)
    keys, own, others = (balancer.directory / name for name in ("keys", "own", "others"))
    with Trace(balancer, source, "--tls-keys", str(keys)) as trace:
        for client, path in ((source, own), (other, others)):
            context = balancer.context()
            context.keylog_filename = str(path)
            with balancer.connect(client, context=context) as connection:
                assert connection.get().status == 200
        trace.wait_for("closed")
        assert trace.interrupt() == 0
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    written, expected = secrets(keys), secrets(own)
    assert expected and expected <= written
    assert not written & secrets(others) and len({line.split()[1] for line in written}) == 1
    assert "secrets" in [event["event"] for event in trace.events]
    for line in expected:
        assert line.split()[2] not in trace.output.read_text() + balancer.log
    balancer.wait_for_log(rf"warning .*trace: the TLS secrets of {source} \(one address\) are given to pid")


def secrets(path):
    return {line for line in path.read_text().splitlines() if line and not line.startswith("#")}


def test_existing_file_and_a_folder_that_others_may_write_to_are_refused(testbed):
    balancer = testbed.balance(testbed.server())
    existing, link = balancer.directory / "existing", balancer.directory / "link"
    existing.write_text("")
    link.symlink_to(balancer.directory / "nothing")
    shared = balancer.directory / "shared"
    shared.mkdir()
    os.chmod(shared, 0o1777)
    for path, reason in ((existing, "it exists"), (link, "it exists"), (shared / "keys", "its folder must belong to")):
        run = balancer.call("trace", "192.0.2.7", "--tls-keys", str(path))
        assert run.returncode == 1 and f"{path}: {reason}" in run.stderr
    assert "TLS secrets" not in balancer.log


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_group_of_the_socket_may_trace_and_gets_no_secrets(folder, testbed):
    balancer, member = testbed.balance(testbed.server(), start=False), 65534
    balancer.control = folder / "control"
    balancer.start().wait_until_serving()
    os.chown(balancer.control, 0, member)
    os.chmod(balancer.control, 0o660)
    own = folder / "own"
    own.mkdir(mode=0o700)
    os.chown(own, member, member)

    def trace(*words):
        words = [binary(), "trace", "192.0.2.7", "--for", "1", "--control", balancer.control, *words]
        return subprocess.run(words, capture_output=True, text=True, user=member, group=member, extra_groups=[], cwd="/")

    assert trace().returncode == 0
    run = trace("--tls-keys", own / "keys")
    assert run.returncode == 1 and "be root to get TLS secrets" in run.stderr, run.stderr
    assert not list(own.iterdir())


def test_secrets_of_tls_1_2_are_those_of_the_client(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    keys, own = balancer.directory / "keys", balancer.directory / "own"
    with Trace(balancer, "view.test", "--tls-keys", str(keys)) as trace:
        openssl(
            "s_client", "-connect", f"{balancer.address}:{balancer.port}", "-bind", f"{source}:0", "-tls1_2",
            "-keylogfile", own, "-servername", "view.test", input="", timeout=60,
        )  # fmt: skip
        trace.wait_for("secured", tls_version="TLSv1.2")
        trace.wait_for("secrets")
    assert secrets(own) == secrets(keys) != set()


@pytest.mark.skipif(os.getuid() != 0, reason="only root captures packets")
def test_tshark_decrypts_the_client_with_the_file(testbed):
    if not all(shutil.which(tool) for tool in ("tcpdump", "tshark")):
        pytest.skip("tcpdump or tshark is not installed")
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    keys, packets, said = (balancer.directory / name for name in ("keys", "packets", "tcpdump"))
    with open(said, "wb") as errors:
        capture = subprocess.Popen(
            ["tcpdump", "-n", "-U", "--immediate-mode", "-Z", "root", "-i", "lo", "-w", packets, f"tcp port {balancer.port}"],
            stderr=errors, preexec_fn=die_with_parent,
        )  # fmt: skip
    try:
        wait_until(lambda: b"listening" in said.read_bytes() or capture.poll() is not None, "tcpdump")
        if capture.poll() is not None:
            pytest.skip(said.read_text())
        with Trace(balancer, source, "--tls-keys", str(keys)) as trace:
            assert balancer.get("/for-wireshark", source=source).status == 200
            trace.wait_for("closed")

        def decrypted():
            return subprocess.run(
                ["tshark", "-n", "-r", packets, "-o", f"tls.keylog_file:{keys}", "-d", f"tcp.port=={balancer.port},tls",
                 "-Y", "http.request", "-T", "fields", "-e", "http.request.uri"],
                capture_output=True, text=True, check=False,
            ).stdout.split()  # fmt: skip

        wait_until(lambda: decrypted() == ["/for-wireshark"], "a decrypted request", timeout=60)
    finally:
        capture.terminate()
        capture.wait()
