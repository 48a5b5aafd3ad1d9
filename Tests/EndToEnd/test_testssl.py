"""testssl.sh finds nothing of severity LOW or above but what docs/security.md explains."""

import json
import re
import subprocess

import pytest
from harness import ROOT

pytestmark = [pytest.mark.once, pytest.mark.first]


def findings(balancer, certificates, directory):
    """The findings of severity LOW or above, by their ids."""
    report = directory / "testssl.json"
    done = subprocess.run(
        ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--severity", "LOW", "--jsonfile", report]
        + ["--ip", balancer.address, "--add-ca", certificates.authority.certificate, f"view.test:{balancer.port}"],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert report.exists(), done.stdout + done.stderr
    # WARN is about testssl.sh itself: it tests the resumption of TLS 1.2, which `modern` does not have.
    return {found["id"]: found["finding"] for found in json.loads(report.read_text()) if found["severity"] != "WARN"}


def explained():
    """Each finding in docs/security.md, and the profiles that it is for."""
    section = (ROOT / "docs/security.md").read_text().split("## What testssl.sh finds")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \| (.+?) \|", section, re.MULTILINE)
    return [(name, profiles) for names, profiles in rows for name in re.findall("`(.+?)`", names)]


@pytest.mark.parametrize("profile", ["modern", "intermediate", "legacy", "old"])
def test_findings_are_explained(testbed, certificates, tmp_path, profile):
    rsa = certificates.rsa
    balancer = testbed.balance(
        testbed.server(), tls={"profile": profile, "certificate": str(rsa.chain), "key": str(rsa.key)}
    )
    expected = {name for name, profiles in explained() if profiles == "all" or profile in profiles}
    found = findings(balancer, certificates, tmp_path)
    assert expected and set(found) == expected, found
