"""The analysis of the unit by systemd. Tests/Appliance runs it on machines."""

import re
import shutil
import subprocess

import pytest
from harness import ROOT


def analysis(unit):
    """What `systemd-analyze security` says of a unit."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", ROOT / "packaging" / unit],
        capture_output=True, text=True,
    )  # fmt: skip
    if "Overall exposure level" not in run.stdout:
        pytest.skip(f"this systemd-analyze reads no unit file: {run.stderr}")
    return run.stdout


@pytest.fixture(scope="module")
def verdict():
    return analysis("belvedere.service")


def exposure(unit):
    return float(re.search(r"Overall exposure level .*: (\d+\.\d+)", analysis(unit))[1])


def test_exposure_is_1_8_at_most():
    assert exposure("belvedere.service") <= 1.8


def test_every_remaining_exposure_is_explained(verdict):
    explained = {
        row[1].replace("\\|", "|"): row[2]
        for row in re.finditer(r"^\| `([^`]+)` \| (\d\.\d) \|", (ROOT / "docs/security.md").read_text(), re.MULTILINE)
    }
    left = dict(re.findall(r"^✗ (\S+) .* (\d\.\d)$", verdict, re.MULTILINE))
    assert left
    assert explained == left


def test_worker_killed_for_lack_of_memory_does_not_end_the_service():
    """By default systemd would then stop the whole unit: "Failed with result 'oom-kill'"."""
    unit = (ROOT / "packaging/belvedere.service").read_text()
    assert re.findall(r"^OOMPolicy=(.*)$", unit, re.MULTILINE) == ["continue"]


def test_receiver_of_configurations_writes_nowhere_else_and_has_no_network():
    unit = (ROOT / "packaging/belvedere-apply.service").read_text()
    for line in [
        "ProtectSystem=strict", "ReadWritePaths=/etc/belvedere", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX",
        "CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER", "NoNewPrivileges=yes",
    ]:  # fmt: skip
        assert line in unit.splitlines()
    assert exposure("belvedere-apply.service") <= 1.2


def test_observer_has_no_capability_and_no_access_to_files_of_the_service():
    unit = (ROOT / "packaging/belvedere-observe.service").read_text().splitlines()
    for line in [
        "DynamicUser=yes", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict",
        "InaccessiblePaths=-/etc/belvedere -/run/belvedere -/var/lib/belvedere -/var/log/belvedere",
        # `systemctl start` returns when connections are accepted.
        "Type=notify",
        "CPUQuota=50%",
        "LoadCredential=belvedere-observe.pem:belvedere-observe.pem",
        "LoadCredential=belvedere-observe.key:belvedere-observe.key",
    ]:  # fmt: skip
        assert line in unit
    socket = (ROOT / "packaging/belvedere-observe.socket").read_text().splitlines()
    assert {"SocketUser=belvedere", "SocketMode=0600"} <= set(socket)
    assert exposure("belvedere-observe.service") <= 1.1
