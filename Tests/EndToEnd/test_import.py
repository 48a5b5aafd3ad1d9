"""`belvedere import`: its files, its report and its exit status."""

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
