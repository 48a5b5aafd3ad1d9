"""`belvedere check`: its diagnostics about the files of a configuration, and its summary."""

import json
import os
import re
import shutil

import pytest
from harness.service import belvedere

pytestmark = [pytest.mark.once, pytest.mark.memory]


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


def test_check_prints_what_would_be_served(smallest):
    run = belvedere("check", "--configuration", str(smallest()))
    assert run.returncode == 0, run.stderr
    assert "in order" in run.stdout
    for words in (r"https on +\*:443", r"redirect on +\*:80", r"view01 +192\.0\.2\.1:443", r"SHA-256 [0-9a-fA-F:]+"):
        assert re.search(words, run.stdout), run.stdout


def test_check_refuses_files_that_the_worker_can_not_load(smallest, tmp_path):
    page = tmp_path / "503.html"
    for size, code in [(16 * 1024, 0), (16 * 1024 + 1, 1)]:
        page.write_bytes(b"x" * size)
        run = belvedere("check", "-c", str(smallest(errors={503: str(page)})))
        assert run.returncode == code and ("503.html: is larger than 16 KiB" in run.stderr) == bool(code), run.stderr
    # A FIFO without a writer, which must not block.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = belvedere("check", "-c", str(smallest(tls={"certificate": str(pipe)}, trust={"ca": str(pipe)})))
    assert run.returncode == 1 and run.stderr.count("pipe: holds no certificate") == 2, run.stderr


def test_check_loads_the_files_that_the_configuration_names(smallest, certificates, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk\n")
    front = certificates.front
    for tls, words in [
        ({"certificate": str(junk)}, "holds no certificate"),
        ({"certificate": str(front.chain), "key": str(junk)}, "holds no private key"),
        ({"certificate": str(front.chain)}, "holds no private key"),
        ({"certificate": str(front.chain), "key": str(certificates.second.key)}, "belongs to none of the certificates"),
    ]:
        run = belvedere("check", "-c", str(smallest(tls=tls)))
        assert run.returncode == 1
        assert "1 error: the configuration" in run.stderr and words in run.stderr, run.stderr
    run = belvedere("check", "-c", str(smallest(trust={"ca": str(junk)})))
    assert run.returncode == 1 and f"{junk}" in run.stderr, run.stderr


def test_check_refuses_an_invalid_or_readable_secret(smallest, folder):
    secret = folder / "pair.key"
    nodes = {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}
    pair = {"nodes": nodes, "secret": str(secret), "node": "lb2"}

    def check():
        return belvedere("check", "-c", str(smallest(pair=pair)))

    run = check()
    assert run.returncode == 1 and "pair.key: can't be used: No such file or directory" in run.stderr, run.stderr
    assert f"belvedere pair new-secret {secret}" in run.stderr, run.stderr
    for text, words in [
        ("", "has no secret"),
        ("0b" * 32 + "\n" + "0b" * 31 + "\n", "line 2 is no secret: expected 64 hexadecimal digits"),
        (("0b" * 32 + "\n") * 3, "has 3 secrets: expected one, or two during a change"),
        ("#" * 5000, "File too large"),
    ]:
        secret.write_text(text)
        secret.chmod(0o600)
        run = check()
        assert run.returncode == 1 and words in run.stderr, run.stderr
    secret.write_text("# lb1 and lb2\n" + "0b" * 32 + "\n")
    run = check()
    assert run.returncode == 0, run.stderr
    secret.chmod(0o644)
    run = check()
    assert run.returncode == 1 and "every user of this machine may read" in run.stderr, run.stderr


def test_check_pairs_certificates_and_keys_within_each_service(tmp_path, certificates):
    """The same file may be paired with another key in another service, or in another certificate."""
    front, second = certificates.front, certificates.second
    good = {"certificate": str(front.chain), "key": str(front.key)}
    path = tmp_path / "belvedere.yaml"

    def check(*, first=good, tls):
        view = {"service": "view.test", "servers": {"view01": "192.0.2.1"}, "redirect": "off", "tls": first}
        cards = view | {"service": "cards.test", "listen": "*:8443", "tls": tls}
        path.write_text(json.dumps({"services": {"view": view, "cards": cards}}, indent=2) + "\n")
        return belvedere("check", "-c", path)

    assert check(tls=good).returncode == 0, check(tls=good).stderr
    forgotten = {"certificate": str(front.chain)}
    other = {"certificate": str(second.chain), "key": str(front.key)}
    for tls, words in [
        (forgotten, f"service cards: {front.chain}: .*holds no private key"),
        (other, f"service cards: {front.key}: .*belongs to none of the certificates"),
        ({"certificates": [good, other]}, f"service cards: {front.key}: .*belongs to none of the certificates"),
        ({"certificates": [good, forgotten]}, f"service cards: {front.chain}: .*holds no private key"),
    ]:
        run = check(tls=tls)
        assert run.returncode == 1 and re.search(words, run.stderr), run.stderr
        assert "1 error" in run.stderr, run.stderr


def test_check_assigns_files_to_a_service_with_a_long_name(tmp_path, certificates):
    front = certificates.front
    view = {"service": "elsewhere.test", "servers": {"view01": "192.0.2.1"}, "tls": {"certificate": str(front.chain), "key": str(front.key)}}
    path = tmp_path / "long.yaml"
    path.write_text(json.dumps({"services": {"v" * 64: view}}, indent=2) + "\n")
    run = belvedere("check", "-c", path)
    assert run.returncode == 0 and "no certificate is for the service name elsewhere.test" in run.stderr, run.stderr


def test_check_warns_of_a_certificate_that_clients_will_not_trust(smallest):
    run = belvedere("check", "-c", str(smallest(service="elsewhere.test")))
    assert run.returncode == 0
    assert "no certificate is for the service name elsewhere.test" in run.stderr


def test_check_warns_of_a_key_that_others_may_read(smallest, certificates, folder):
    key, both = folder / "view.key", folder / "view.pem"
    shutil.copy(certificates.front.key, key)
    both.write_text(certificates.front.chain.read_text() + key.read_text())
    for tls, path in [
        ({"certificate": str(certificates.front.chain), "key": str(key)}, key),
        ({"certificate": str(both)}, both),
    ]:
        file = str(smallest(tls=tls))
        path.chmod(0o644)
        # No warning if others can't reach the file.
        folder.chmod(0o700)
        assert "may read the private key" not in belvedere("check", "-c", file).stderr
        folder.chmod(0o755)
        run = belvedere("check", "-c", file)
        assert run.returncode == 0
        assert "every user of this machine may read the private key" in run.stderr and f"`chmod o= {path}`" in run.stderr
        path.chmod(0o640)
        assert "may read the private key" not in belvedere("check", "-c", file).stderr


def test_check_loads_credentials_passed_by_systemd(smallest, certificates, tmp_path):
    file = str(smallest(tls={"certificate": str(certificates.front.chain), "key": "credential:view.key"}))
    run = belvedere("check", "-c", file)
    assert run.returncode == 0
    assert "credential:view.key: is passed by systemd at the start of the service" in run.stderr
    environment = os.environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    run = belvedere("check", "-c", file, env=environment)
    assert run.returncode == 1 and f"{tmp_path}/view.key: can't be read" in run.stderr
    shutil.copy(certificates.front.key, tmp_path / "view.key")
    run = belvedere("check", "-c", file, env=environment)
    assert run.returncode == 0 and "credential" not in run.stderr
