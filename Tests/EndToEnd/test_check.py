"""`belvedere check`: what it says of the files that a configuration names, and of what would be served."""

import json
import re
import subprocess

import pytest
from harness.belvedere import binary


def call(*arguments, **options):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60, **options)


@pytest.fixture
def smallest(tmp_path, certificates):
    """The smallest configuration, in a file."""
    front = certificates.front
    configuration = {
        "service": certificates.service_name,
        "tls": {"certificate": str(front.chain), "key": str(front.key)},
        "servers": {"view01": "192.0.2.1"},
    }
    path = tmp_path / "belvedere.yaml"

    def write(**changes):
        path.write_text(json.dumps(configuration | changes, indent=2) + "\n")
        return path

    return write


def test_check_says_what_would_be_served(smallest):
    run = call("check", "--configuration", str(smallest()))
    assert run.returncode == 0, run.stderr
    assert "in order" in run.stdout
    for words in (r"https on +\*:443", r"redirect on +\*:80", r"view01 +192\.0\.2\.1:443", r"SHA-256 [0-9a-fA-F:]+"):
        assert re.search(words, run.stdout), run.stdout


def test_check_loads_what_the_configuration_names(smallest, certificates, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk\n")
    front = certificates.front
    for tls, words in [
        ({"certificate": str(junk)}, "holds no certificate"),
        ({"certificate": str(front.chain), "key": str(junk)}, "holds no private key"),
        ({"certificate": str(front.chain)}, "holds no private key"),
        ({"certificate": str(front.chain), "key": str(certificates.authority.key)}, "belongs to none of the certificates"),
    ]:
        run = call("check", "-c", str(smallest(tls=tls)))
        assert run.returncode == 1
        assert "1 error: the configuration" in run.stderr and words in run.stderr, run.stderr
    run = call("check", "-c", str(smallest(trust={"ca": str(junk)})))
    assert run.returncode == 1 and f"{junk}" in run.stderr, run.stderr


def test_check_warns_of_a_certificate_that_clients_will_not_trust(smallest):
    run = call("check", "-c", str(smallest(service="elsewhere.test")))
    assert run.returncode == 0
    assert "no certificate is for the service name elsewhere.test" in run.stderr
