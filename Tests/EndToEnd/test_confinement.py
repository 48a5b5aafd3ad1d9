"""The sandbox of a worker, and the service inside it. Forbidden operations are tested in
Tests/Worker/ConfinementTests.swift."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from harness.processes import status


@pytest.fixture
def confined(testbed):
    """A balancer whose worker is confined."""
    balancer = testbed.balance(testbed.server())
    if "not in a build with a sanitizer" in balancer.log:
        pytest.skip("a build with a sanitizer is not confined")
    assert "confinement:" not in balancer.log
    return balancer


def test_every_thread_of_the_worker_is_confined(confined):
    threads = list(Path(f"/proc/{confined.worker}/task").iterdir())
    assert len(threads) > 3
    for thread in threads:
        fields = status(f"{confined.worker}/task/{thread.name}")
        assert fields["NoNewPrivs"] == "1"
        assert fields["Seccomp"] == "2" and fields["Seccomp_filters"] == "2"
        # The bounding and the inheritable set apply to executed programs, which the worker can't start.
        for kind in ("CapPrm", "CapEff", "CapAmb"):
            assert int(fields[kind], 16) == 0, kind


def test_supervisor_keeps_only_the_capabilities_for_the_virtual_address(testbed):
    balancer = testbed.balance(testbed.server())
    # CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW, and CAP_SYS_NICE.
    kept = 1 << 10 | 1 << 12 | 1 << 13 | 1 << 23
    for thread in Path(f"/proc/{balancer.process.pid}/task").iterdir():
        fields = status(f"{balancer.process.pid}/task/{thread.name}")
        assert fields["NoNewPrivs"] == "1"
        for kind in ("CapPrm", "CapEff"):
            assert int(fields[kind], 16) & ~kept == 0, kind
        if os.geteuid() == 0:
            assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == kept
        assert int(fields["CapAmb"], 16) == 0


def certificate_in(folder, certificates):
    """Copies the service's certificate and key into a folder; returns their configuration."""
    folder.mkdir()
    shutil.copy(certificates.front.chain, folder / "view.pem")
    shutil.copy(certificates.front.key, folder / "view.key")
    return {"certificate": str(folder / "view.pem"), "key": str(folder / "view.key")}


def test_reload_with_a_file_in_another_folder_asks_for_a_restart(confined, certificates, tmp_path):
    balancer = confined
    elsewhere = certificate_in(tmp_path / "elsewhere", certificates)
    balancer.write({"tls": elsewhere})
    run = balancer.call("reload")
    assert run.returncode == 1
    assert re.search(r"belvedere\.yaml:\d+:\d+: .*elsewhere/view\.pem: is in a folder that the running worker has no access to", run.stderr)
    assert "systemctl restart belvedere" in run.stderr
    # One reason for each file, without consequential errors.
    assert "Permission denied" not in run.stderr
    assert balancer.get("/").status == 200

    # A new worker starts with the current configuration; a restart uses the new one.
    balancer.restart()
    assert balancer.get("/").status == 200


def test_reload_after_the_folder_was_replaced_asks_for_a_restart(confined, certificates, tmp_path):
    folder = tmp_path / "tls"
    confined.configuration["tls"] = certificate_in(folder, certificates)
    confined.restart()
    folder.rename(tmp_path / "before")
    certificate_in(folder, certificates)
    told = confined.call("reload")
    assert told.returncode == 1
    assert "is in a folder that was replaced since the running worker's start" in told.stderr
    assert "systemctl restart belvedere" in told.stderr
    # A parent folder that stays allows files put into it.
    folder.rename(tmp_path / "after")
    (tmp_path / "before").rename(folder)
    assert confined.call("reload").returncode == 0


def test_certificate_can_be_rotated_in_its_folder_and_through_a_link(testbed, certificates, tmp_path):
    """As with certbot: the link stays, and leads to another file of the archive's folder."""
    certificate_in(tmp_path / "archive", certificates)
    live = tmp_path / "live"
    live.mkdir()
    for name in ("view.pem", "view.key"):
        (live / name).symlink_to(tmp_path / "archive" / name)
    balancer = testbed.balance(testbed.server(), tls={"certificate": str(live / "view.pem"), "key": str(live / "view.key")})
    for name in ("view.pem", "view.key"):
        shutil.copy(tmp_path / "archive" / name, tmp_path / "archive" / f"2-{name}")
        (live / f"{name}.new").symlink_to(tmp_path / "archive" / f"2-{name}")
        (live / f"{name}.new").rename(live / name)
    assert balancer.reload() == 2
    # And a file that replaces the link.
    for name in ("view.pem", "view.key"):
        (live / name).unlink()
        shutil.copy(tmp_path / "archive" / name, live / name)
    assert balancer.reload() == 3
    assert balancer.get("/").status == 200


def test_worker_that_made_a_forbidden_system_call_is_reported_and_replaced(testbed):
    balancer = testbed.balance(testbed.server())
    victim = balancer.worker
    os.kill(victim, signal.SIGSYS)
    balancer.wait_for_another_worker(victim)
    balancer.wait_for_log("critical supervisor: the worker was killed for a forbidden system call")
    assert balancer.get("/").status == 200


def test_key_is_read_from_the_credentials_directory(testbed, certificates, tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    shutil.copy(certificates.front.key, credentials / "view.key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    balancer = testbed.balance(testbed.server(), tls={"key": "credential:view.key"})
    assert balancer.get("/").status == 200
    assert balancer.reload() == 2
