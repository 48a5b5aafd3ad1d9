"""`belvedere import`: its files, its report and its exit status."""

import os
import resource
import socket
import stat

import pytest
from harness import ROOT
from harness.service import belvedere

pytestmark = pytest.mark.once

CORPUS = ROOT / "Tests" / "Import" / "Corpus"


def test_import_writes_a_configuration_that_only_lacks_its_certificates(tmp_path):
    output = tmp_path / "belvedere.yaml"
    run = belvedere("import", str(CORPUS / "classic.cfg"), "--output", str(output))
    assert run.returncode == 0, run.stderr
    assert not run.stdout
    assert f"{CORPUS}/classic.cfg:4: chroot /var/lib/haproxy: not needed: " in run.stderr
    assert stat.S_IMODE(output.stat().st_mode) & 0o007 == 0
    run = belvedere("check", "--configuration", str(output))
    errors = [line for line in run.stderr.splitlines() if " error: " in line]
    assert errors and all("No such file or directory" in line for line in errors), run.stderr


def test_import_reads_the_files_that_keepalived_includes(tmp_path):
    files = (str(CORPUS / "classic.cfg"), str(CORPUS / "nodes.conf"))
    run = belvedere("import", *files)
    assert run.returncode == 2, run.stderr
    assert f"{CORPUS}/nodes-scripts.inc:2: script" in run.stderr
    assert "script: /etc/keepalived/checks/gateway" in run.stdout
    assert "priority: { lb1: 150, lb2: 100 }" in run.stdout
    run = belvedere("import", files[0], str(CORPUS / "classic.conf"))
    assert run.returncode == 0, run.stderr
    assert "router: 51" in run.stdout and "secret51" not in run.stdout + run.stderr


def test_import_replaces_a_file_only_when_it_is_requested(tmp_path):
    output = tmp_path / "belvedere.yaml"
    output.write_text("precious\n")
    run = belvedere("import", str(CORPUS / "classic.cfg"), "--output", str(output))
    assert run.returncode == 1 and "--overwrite" in run.stderr
    assert output.read_text() == "precious\n"
    run = belvedere("import", str(CORPUS / "classic.cfg"), "--output", str(output), "--overwrite")
    assert run.returncode == 0 and "service: view.domain.local" in output.read_text()


def test_import_says_by_its_exit_status_whether_a_person_is_needed(tmp_path):
    run = belvedere("import", str(CORPUS / "sni.cfg"))
    assert run.returncode == 2 and "to be filled in: service" in run.stderr
    assert "mode: passthrough" in run.stdout
    run = belvedere("import", str(CORPUS / "sni.cfg"), "--service", "view.domain.local")
    assert run.returncode == 0, run.stderr
    empty = tmp_path / "empty.cfg"
    empty.write_text("global\n    daemon\n")
    run = belvedere("import", str(empty))
    assert run.returncode == 1 and not run.stdout
    assert f"{empty}:2: daemon: not needed: " in run.stderr
    run = belvedere("import", str(tmp_path / "none.cfg"))
    assert run.returncode == 1 and "No such file" in run.stderr
    assert belvedere("import").returncode == 64


def pair_files(folder):
    """keepalived.conf of lb1 and of lb2."""
    first = (CORPUS / "classic.conf").read_text()
    second = first.replace("state MASTER", "state BACKUP").replace("priority 101", "priority 100").replace("lb1", "lb2")
    files = folder / "lb1.conf", folder / "lb2.conf"
    for file, text in zip(files, (first, second), strict=True):
        file.write_text(text)
    return files


def test_import_with_the_files_of_both_nodes_gives_each_the_same_configuration(tmp_path):
    own = socket.gethostname().partition(".")[0]
    first, second = pair_files(tmp_path)
    run = belvedere("import", str(CORPUS / "classic.cfg"), str(first), "--other-node", f"zz-other={second}")
    assert run.returncode == 0, run.stderr
    assert f"priority: {{ {own}: 101, zz-other: 100 }}" in run.stdout
    assert f"{second}:22: priority 100: taken over: vrrp.priority of zz-other: 100" in run.stderr
    for wrong in ("zz-other", "=x", "zz-other=", f"{own}={second}", "a.b=x"):
        run = belvedere("import", str(CORPUS / "classic.cfg"), str(first), "--other-node", wrong)
        assert run.returncode == 64, wrong
    assert belvedere("import", str(CORPUS / "classic.cfg"), "--other-node", f"zz-other={second}").returncode == 64


def test_import_copies_certificates_for_the_group_of_the_folder(tmp_path):
    old, new = tmp_path / "haproxy", tmp_path / "tls"
    for folder in (old, new):
        folder.mkdir()
    for name in ("view.pem", "domain-ca.pem"):
        (old / name).write_text(f"{name}\n")
        (old / name).chmod(0o600)
    settings = tmp_path / "haproxy.cfg"
    settings.write_text((CORPUS / "classic.cfg").read_text().replace("/etc/haproxy/", f"{old}/"))
    run = belvedere("import", str(settings), "--certificates", f"{new}/")
    assert run.returncode == 0, run.stderr
    assert f"certificate: {new}/view.pem" in run.stdout and f"ca: {new}/domain-ca.pem" in run.stdout
    assert f"copied: {old}/view.pem to {new}/view.pem" in run.stderr
    for name in ("view.pem", "domain-ca.pem"):
        assert (new / name).read_text() == f"{name}\n"
        assert stat.S_IMODE((new / name).stat().st_mode) == 0o640
        assert (new / name).stat().st_gid == new.stat().st_gid
    # Once more: nothing is copied, and a file that differs is kept.
    run = belvedere("import", str(settings), "--certificates", str(new))
    assert run.returncode == 0 and "copied:" not in run.stderr
    (new / "view.pem").write_text("renewed\n")
    run = belvedere("import", str(settings), "--certificates", str(new))
    assert run.returncode == 1 and "--overwrite" in run.stderr and not run.stdout
    assert (new / "view.pem").read_text() == "renewed\n"
    (old / "view.pem").unlink()
    run = belvedere("import", str(settings), "--certificates", str(new), "--overwrite")
    assert run.returncode == 1 and f"{old}/view.pem: No such file" in run.stderr


@pytest.mark.parametrize("place", ["haproxy", "keepalived", "other"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_import_refuses_what_is_no_regular_file(tmp_path, place, kind):
    odd = {"pipe": tmp_path / "pipe", "device": "/dev/zero", "folder": tmp_path}[kind]
    if kind == "pipe":
        os.mkfifo(odd)
    good = str(CORPUS / "classic.cfg")
    words = {
        "haproxy": [odd], "keepalived": [good, odd], "other": [good, str(CORPUS / "classic.conf"), f"--other-node=far={odd}"],
    }[place]  # fmt: skip
    run = belvedere("import", *words)
    assert run.returncode == 1 and not run.stdout
    assert f"{odd} is no regular file" in run.stderr


def test_import_waits_for_standard_input_only():
    text = (CORPUS / "classic.cfg").read_text()
    run = belvedere("import", "-", input=text)
    assert run.returncode == 0, run.stderr
    assert "service: view.domain.local" in run.stdout


@pytest.mark.parametrize("word", ["hosts", "certificates"])
def test_time_for_an_import_grows_with_the_file_and_not_with_its_square(tmp_path, word):
    """CPU time for eight times as many words: eight times as much, where it was forty times."""

    def seconds(count):
        names = " ".join(f"h{number}.x.y" for number in range(count)) if word == "hosts" else ""
        files = " ".join(f"crt /etc/x{number}.pem" for number in range(count)) if word == "certificates" else "crt /etc/x.pem"
        file = tmp_path / "haproxy.cfg"
        file.write_text(
            f"defaults\n mode http\nfrontend f\n bind *:443 ssl {files}\n acl h hdr(host) -i view.test {names}\n"
            " use_backend b if h\nbackend b\n server s 10.0.0.1:443 ssl\n"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = belvedere("import", file, "--output", tmp_path / "belvedere.yaml", "--overwrite", timeout=240)
        assert run.returncode in (0, 2), run.stderr[-1000:]
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert seconds(16_000) < 24 * seconds(2_000)
