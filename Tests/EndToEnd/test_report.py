"""`belvedere report`: an archive that any tar reads, without a secret of the configuration or of its files."""

import json
import re
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

PASSWORD = "Xy7#pq9!"


def report(balancer, folder):
    """The report's files by name, and the archive's path."""
    balancer.write()
    run = balancer.call("report", "--configuration", balancer.file, "--folder", folder)
    assert run.returncode == 0, run.stderr
    path = Path(run.stdout.strip())
    assert path.parent == folder and path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert len({member.name.split("/")[0] for member in archive}) == 1
        return {member.name.split("/")[1]: archive.extractfile(member).read().decode() for member in archive}, path


def test_report_of_a_running_service(testbed, tmp_path):
    balancer = testbed.balance(testbed.server())
    assert balancer.get("/reported").status == 200
    files, path = report(balancer, tmp_path)
    assert re.fullmatch(r"belvedere-report-.+\.tar\.gz", path.name)
    assert json.loads(files["status.json"])["state"] == "serving"
    assert "view01" in files["status.txt"] and "server view01" in files["doctor.txt"]
    assert re.match(r"belvedere \d+\.\d+\.\d+\nOpenSSL 3", files["versions.txt"])
    assert "NoNewPrivs:\t1" in files["process-worker.txt"] and "Max open files" in files["process-supervisor.txt"]
    assert "ip_local_port_range" in files["kernel.txt"] and "127.0.0.1" in files["network.txt"]
    assert "view.test" in files["configuration.yaml"]
    # The access log is not in it.
    assert not [name for name, text in files.items() if "/reported" in text]
    described = files["README.txt"].replace("*", "")
    assert not [name for name in files if name != "README.txt" and name.split(".")[0].split("-")[0] not in described]


@pytest.mark.parametrize("breaks", [False, True])
def test_report_has_no_secret_of_the_configuration(testbed, tmp_path, certificates, breaks):
    secret = tmp_path / "pair.key"
    secret.write_text("5eed" * 16 + "\n")
    secret.chmod(0o640)
    key = tmp_path / "view.pem"
    key.write_text(certificates.front.chain.read_text() + certificates.front.key.read_text())
    vrrp = {
        "interface": "lo", "router": 51, "priority": 100, "version": 2, "address": "192.0.2.100/24",
        "authentication": {"password": PASSWORD},
    }  # fmt: skip
    balancer = testbed.balance(
        testbed.server(), start=False, tls={"certificate": str(key), "key": None}, vrrp=vrrp,
        pair={"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)},
    )  # fmt: skip
    balancer.configuration["log"] = {"level": PASSWORD} if breaks else {"level": "info"}
    files, path = report(balancer, tmp_path)
    private = [line for line in certificates.front.key.read_text().splitlines() if "-----" not in line]
    assert private
    for name, text in files.items():
        for word in [PASSWORD, "5eed" * 4, *private]:
            assert word not in text, f"{word} in {name}"
    assert "password: [removed]" in files["configuration.yaml"] and str(secret) in files["configuration.yaml"]


def test_report_without_a_service_and_with_a_broken_file(testbed, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    balancer.file.write_text(f"vrrp: {{ authentication: {{ password: {PASSWORD}\n")
    balancer.write = lambda: None
    files, _ = report(balancer, tmp_path)
    assert "is not YAML" in files["configuration.yaml"] and "does not answer" in files["status.json"]
    assert not [name for name, text in files.items() if PASSWORD in text]


@pytest.mark.parametrize("text", [f"password {PASSWORD}\n", f"- password: {PASSWORD}\n", f"'{PASSWORD}'"])
def test_report_of_a_text_that_is_no_configuration_has_nothing_of_it(testbed, tmp_path, text):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    balancer.file.write_text(text.replace("#", "-"))
    balancer.write = lambda: None
    files, _ = report(balancer, tmp_path)
    assert not [name for name, text in files.items() if PASSWORD.replace("#", "-") in text]
    assert "is left out" in files["configuration.yaml"] and "fault" in files["doctor.txt"]


@pytest.mark.parametrize("line", [
    f"pasword: {PASSWORD}", f"vrrp: {{ authentication: {{ password:{PASSWORD} }} }}",
    f"vrrp: {{ authentication: {PASSWORD} }}", f"vrrp: {{ authentication: {{ password: /{PASSWORD} }} }}",
    f"certificate: |\n  -----BEGIN PRIVATE KEY-----\n  {PASSWORD}\n", f"{PASSWORD}: on", f"pair: {PASSWORD}",
    f"authentication: {PASSWORD * 10}",
])  # fmt: skip
def test_report_of_a_faulty_configuration_has_no_secret(testbed, tmp_path, line):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    balancer.file.write_text(line.replace("#", "-") + "\nservice: view.test\nhealth: { passive: true }\n")
    balancer.write = lambda: None
    files, _ = report(balancer, tmp_path)
    secret = PASSWORD.replace("#", "-")
    assert not [name for name, text in files.items() if secret in text]
    assert "[removed]" in files["configuration.yaml"] and "view.test" in files["configuration.yaml"]
    assert "passive: true" in files["configuration.yaml"] and "fault" in files["doctor.txt"]


def test_report_without_a_configuration_says_why(testbed, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write = lambda: None
    balancer.file = tmp_path / "missing.yaml"
    files, _ = report(balancer, tmp_path)
    reason = "missing.yaml: cannot be read: No such file or directory"
    assert reason in files["configuration.yaml"] and "ip_local_port_range" in files["kernel.txt"]
    assert "cannot be read" in files["doctor.txt"]


def test_report_into_a_missing_folder_fails(testbed, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    run = balancer.call("report", "--configuration", balancer.file, "--folder", tmp_path / "none")
    assert run.returncode == 1 and "No such file" in run.stderr
