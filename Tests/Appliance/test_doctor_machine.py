"""`belvedere doctor` on a machine with systemd: the unit's sandbox, credentials, and systemd-networkd."""

import json
import re

import pytest
from harness.appliance.site import CONFIGURATION

ADDRESS = "192.168.1.162"
ROUTER = "vrrp: { interface: eth0, router: 51, priority: 100, address: 192.168.1.170/24 }\n"
NETWORK = "[Match]\nName=eth0\n[Network]\nAddress=192.168.1.162/24\n"


@pytest.fixture(scope="module")
def machine(site, deb):
    machine = site.machine("lb1", ADDRESS)
    machine.bring(deb, "/root/belvedere.deb")
    machine.run("apt-get install --yes /root/belvedere.deb")
    site.configure(machine)
    return machine


def examine(machine, check):
    """The check's findings: verdict and text of each."""
    findings = json.loads(machine.attempt("belvedere doctor --json").stdout)["findings"]
    return [(f["verdict"], f["text"]) for f in findings if f["check"] == check]


@pytest.mark.parametrize("folder", ["/home/admin", "/root/tls", "/tmp/tls"])
def test_file_that_the_sandbox_of_the_unit_hides_is_a_fault(machine, folder):
    machine.run(f"chmod 0755 /root && install -d -m 0755 {folder} && cp -p /etc/belvedere/tls/view.pem {folder}/view.pem")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION.replace("/etc/belvedere/tls/view.pem", f"{folder}/view.pem"))
    # The user alone may read it.
    machine.run("runuser -u belvedere -- belvedere check")
    ((verdict, text), *others) = examine(machine, "files")
    assert verdict == "fault" and f"{folder}/view.pem" in text, text
    assert machine.attempt("systemctl start belvedere").returncode != 0
    machine.run("systemctl stop belvedere; systemctl reset-failed belvedere || true")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION)
    assert [verdict for verdict, _ in examine(machine, "files")] == ["ok"]
    # The folders of the unit are as before.
    assert machine.run("stat -c '%U %G %a' /var/lib/belvedere").split() == ["belvedere", "belvedere", "700"]


def test_credential_is_checked_as_the_unit_passes_it(machine, site):
    chain, key = re.findall(r"-----BEGIN.*?-----END [A-Z ]+-----\n", site.certificate(serial=7).read_text(), re.DOTALL)
    machine.write("/etc/belvedere/tls/view.crt", chain)
    machine.write("/etc/belvedere/tls/view.key", key, mode="0600")
    credential = CONFIGURATION.replace(
        "certificate: /etc/belvedere/tls/view.pem", "certificate: /etc/belvedere/tls/view.crt, key: credential:view.key"
    )
    machine.write("/etc/belvedere/belvedere.yaml", credential)
    unit = "/etc/systemd/system/belvedere.service.d"
    machine.run(f"mkdir -p {unit}")
    machine.write(f"{unit}/key.conf", "[Service]\nLoadCredential=view.key:/etc/belvedere/tls/view.key\n")
    machine.run("systemctl daemon-reload")
    before = examine(machine, "configuration") + examine(machine, "files")
    assert {verdict for verdict, _ in before} <= {"ok", "warning", "not checked"}, before
    assert not [text for verdict, text in before if verdict == "warning" and "credential" in text], before
    # A key of another certificate is found before the start, in the sandbox alone.
    _, other = re.findall(r"-----BEGIN.*?-----END [A-Z ]+-----\n", site.certificate(serial=8).read_text(), re.DOTALL)
    machine.write("/etc/belvedere/tls/view.key", other, mode="0600")
    assert "fault" in [verdict for verdict, _ in examine(machine, "files")]
    machine.write("/etc/belvedere/tls/view.key", key, mode="0600")
    machine.run("systemctl start belvedere")
    assert "not checked" not in [verdict for verdict, _ in examine(machine, "configuration") + examine(machine, "files")]
    machine.run(f"systemctl stop belvedere && rm -r {unit} && systemctl daemon-reload")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION)


def test_networkd_is_a_warning_until_its_file_keeps_other_addresses(machine):
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + ROUTER)
    assert [verdict for verdict, _ in examine(machine, "network manager")] == ["ok"]
    machine.write("/etc/systemd/network/10-lan.network", NETWORK)
    machine.run("systemctl start systemd-networkd")

    def judged(verdict):
        return lambda: [found for found, _ in examine(machine, "network manager")] == [verdict]

    machine.wait_until(judged("warning"), "networkd on eth0")
    machine.run("mkdir -p /etc/systemd/network/10-lan.network.d")
    machine.write("/etc/systemd/network/10-lan.network.d/keep.conf", "[Network]\nKeepConfiguration=yes\n")
    machine.wait_until(judged("ok"), "networkd with KeepConfiguration=yes")
