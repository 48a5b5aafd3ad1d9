"""`belvedere apply` on one node: what it writes, what it refuses, and that a failure leaves nothing behind."""

import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import threading

import pytest
from harness.server import page
from harness.waiting import wait_until


@pytest.fixture
def node(testbed):
    """A node whose certificate is below the configuration's folder, and its server."""
    server = testbed.server("view01")
    node = testbed.balance(server, start=False)
    folder = node.directory / "tls"
    folder.mkdir()
    front = testbed.certificates.front
    shutil.copy(front.chain, folder / "view.pem")
    shutil.copy(front.key, folder / "view.key")
    (folder / "view.key").chmod(0o640)
    node.configuration["tls"] = {"certificate": "tls/view.pem", "key": "tls/view.key"}
    node.start().wait_until_serving()
    return node


def apply(node, *words):
    return node.call("apply", "--here", "--configuration", node.file, *words, timeout=60)


def draft(node, changes=None, *, certificate=None):
    """A folder with a new configuration, and beside it a new certificate, if any."""
    folder = node.directory / "next"
    (folder / "tls").mkdir(parents=True, exist_ok=True)
    file = folder / "belvedere.yaml"
    file.write_text(json.dumps(node.configuration | (changes or {})))
    if certificate:
        shutil.copy(certificate.chain, folder / "tls/view.pem")
        shutil.copy(certificate.key, folder / "tls/view.key")
    return file


def tree(folder):
    """Every file with its contents."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def state(node):
    """The files of the configuration, without drafts of a test and logs."""
    return {"yaml": node.file.read_bytes(), **tree(node.directory / "tls")}


def served(node):
    """The fingerprint of the certificate that clients get."""
    return node.status["certificates"][0]["fingerprint"]


def test_new_certificate_and_configuration_are_taken_over_together(node, testbed):
    new = testbed.certificates.authority.issue("view.test")
    before = state(node)
    run = apply(node, draft(node, {"retries": 2}, certificate=new))
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].endswith(": the configuration is in order")
    assert lines[1].endswith(": configuration 2 is in use")
    assert lines[2].endswith(f": serves at {node.address}:{node.port}")
    assert lines[3].startswith("the configuration is in use on ")
    wait_until(lambda: served(node) == new.fingerprint, lambda: f"{new.fingerprint}, not {served(node)}")
    assert (node.directory / "tls/view.pem").read_bytes() == new.chain.read_bytes()
    assert json.loads(node.file.read_text())["retries"] == 2
    # The old ones stay beside, and the owner's permissions stay.
    assert node.file.with_name("belvedere.yaml.before").read_bytes() == before["yaml"]
    assert (node.directory / "tls/view.key.before").read_bytes() == before[node.directory / "tls/view.key"]
    assert stat.S_IMODE((node.directory / "tls/view.key").stat().st_mode) == 0o640
    assert node.get("/").status == 200


def test_certificates_that_were_renewed_in_place_are_applied_without_a_file(node, testbed):
    new = testbed.certificates.authority.issue("view.test")
    shutil.copy(new.chain, node.directory / "tls/view.pem")
    shutil.copy(new.key, node.directory / "tls/view.key")
    run = apply(node)
    assert run.returncode == 0, run.stderr
    wait_until(lambda: served(node) == new.fingerprint, lambda: f"{new.fingerprint}, not {served(node)}")
    # Nothing was to be written.
    assert not list(node.directory.rglob("*.before"))


def test_trial_changes_nothing(node, testbed):
    before = state(node)
    run = apply(node, draft(node, {"retries": 2}, certificate=testbed.certificates.authority.issue("view.test")), "--dry-run")
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "nothing was changed"), run.stderr
    assert state(node) == before
    assert node.status["configuration"]["number"] == 1


def test_refused_configuration_is_not_written_and_all_its_mistakes_are_named(node):
    before = state(node)
    (node.directory / "next/tls").mkdir(parents=True)
    (node.directory / "next/tls/view.key").write_text("no key")
    run = apply(node, draft(node, {"threads": "many"}))
    assert run.returncode == 1
    assert "`many`" in run.stderr
    run = apply(node, draft(node))
    assert run.returncode == 1
    # The path is that of the place where the file belongs.
    assert f"{node.directory}/tls/view.key" in run.stderr and "/dev/shm" not in run.stderr, run.stderr
    assert run.stderr.endswith("nothing was changed\n")
    assert state(node) == before
    assert node.status["configuration"]["number"] == 1


def test_configuration_that_serves_no_client_is_put_back(node, testbed):
    """It is in order, and the service takes it over; but nothing listens where its server should be."""
    before = state(node)
    servers = {"view02": {"address": "127.0.0.1", "port": 1, "trust": {"ca": str(testbed.certificates.authority.certificate)}}}
    run = apply(node, draft(node, {"servers": servers}, certificate=testbed.certificates.authority.issue("view.test")))
    assert run.returncode == 1
    assert "no server of the service is up: view02" in run.stderr, run.stderr
    assert run.stderr.endswith("the former configuration is in use\n")
    assert state(node) == before
    assert not list(node.directory.rglob("*.before"))
    assert [server["name"] for server in node.status["servers"] if not server["removed"]] == ["view01"]
    assert node.get("/").status == 200


def test_files_that_the_configuration_does_not_name_are_not_taken(node):
    draft(node)
    (node.directory / "next/tls/other.pem").write_text("x")
    assert apply(node, node.directory / "next/belvedere.yaml").returncode == 0
    assert not (node.directory / "tls/other.pem").exists()


def test_symbolic_link_is_not_replaced(node, testbed):
    elsewhere = node.directory / "elsewhere.pem"
    (node.directory / "tls/view.pem").rename(elsewhere)
    (node.directory / "tls/view.pem").symlink_to(elsewhere)
    run = apply(node, draft(node, certificate=testbed.certificates.authority.issue("view.test")))
    assert run.returncode == 1
    assert "tls/view.pem can't be replaced: Too many levels of symbolic links (ELOOP)" in run.stderr


def test_folder_where_another_user_may_write_is_refused(node, testbed):
    """That user could put another folder in its place between the check and the change."""
    before = state(node)
    (node.directory / "tls").chmod(0o770)
    run = apply(node, draft(node, certificate=testbed.certificates.authority.issue("view.test")))
    assert run.returncode == 1
    assert f"{node.directory}/tls must belong to root, and only root may write to it" in run.stderr, run.stderr
    assert state(node) == before
    (node.directory / "tls").chmod(0o700)


def test_only_one_change_at_a_time(node):
    folder = os.open(node.directory, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        run = apply(node)
        assert (run.returncode, "another `belvedere apply` is at work on this node" in run.stderr) == (1, True), run.stderr
    finally:
        os.close(folder)
    assert apply(node).returncode == 0


def test_without_a_service_or_a_pair_nothing_is_changed(node, testbed):
    file = draft(node, {"retries": 2})
    run = node.call("apply", "--configuration", node.file, file)
    assert run.returncode == 1
    assert "the configuration has no `pair`: --here applies it to this node only" in run.stderr
    node.stop()
    run = apply(node, file)
    assert run.returncode == 1
    assert "the service is not running" in run.stderr
    assert "retries" not in json.loads(node.file.read_text())


def test_interrupted_change_is_put_back(node, testbed):
    """Ctrl-C, or a connection of the administrator that breaks, while a server is asked for an answer."""
    before = state(node)
    released, server = threading.Event(), testbed.servers[0]

    def hold(request):
        released.wait(60)
        page(request)

    server.script = hold
    words = node.command("apply", "--here", "--configuration", node.file, "--control", node.control, draft(node, {"retries": 2}))
    run = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: server.requests, "the request of `apply`")
    assert state(node) != before
    run.send_signal(signal.SIGINT)
    released.set()
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 1
    assert said.splitlines()[-2:] == [f"{os.uname().nodename}: interrupted", "the former configuration is in use"]
    assert state(node) == before
