"""The commands of docs/logs.md: halog and GoAccess read the access log as it is written."""

import json
import re
import subprocess

import pytest
from harness import ROOT

pytestmark = pytest.mark.once

HOST = "Host: view.test\r\n"


def commands(program):
    """Those of the page that run the program."""
    page = (ROOT / "docs/logs.md").read_text()
    found = [line for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) for line in block.splitlines() if program in line]
    assert found
    return found


def traffic(balancer):
    """Requests of every kind of line: answered, refused, unreadable, without an answer, redirected."""
    for number in range(3):
        assert balancer.get(f"/tools/{number}?a=b", source="127.0.85.1").status == 200
    with balancer.connect() as client:
        client.send("GET /tools/bad HTTP/1.1\r\n\r\n")
        assert client.answer().status == 400
    with balancer.connect() as client:
        client.send("nonsense\r\n\r\n")
        client.answer()
    with balancer.connect() as client:
        client.send("GET /tools/left HTTP/1.1\r\nHo")
    with balancer.connect_redirect() as client:
        assert client.get("/tools/moved").status == 301
    balancer.wait_for_access(r'CR--|"CR"')
    # One more was there before: the first request that was served.
    balancer.wait_for_access("", 8)


@pytest.fixture(scope="module")
def written(shared_testbed, tmp_path_factory):
    """Format → the file that the balancer wrote, with this many lines; by way of standard output, it is the same."""
    files = {}
    for kind in ("httplog", "json"):
        file = tmp_path_factory.mktemp("log") / "access.log"
        balancer = shared_testbed.balance(shared_testbed.server(), log={"access": {"format": kind}})
        traffic(balancer)
        file.write_bytes(balancer.access_file.read_bytes())
        files[kind] = file, len(file.read_text().splitlines())
    return files


def typed(command, file, tmp_path, *more):
    text = command.replace("/var/log/belvedere/access.log", str(file))
    assert str(file) in text
    return subprocess.run(["bash", "-c", " ".join([text.partition("   #")[0], *more])], capture_output=True, text=True, cwd=tmp_path)


@pytest.mark.parametrize("command", [line for line in commands("halog") if "journalctl" not in line])
def test_halog_reads_every_line(written, tmp_path, command):
    file, count = written["httplog"]
    done = typed(command, file, tmp_path)
    assert done.returncode == 0 and f"{count} lines in" in done.stderr and " 0 parsing errors" in done.stderr, done.stderr
    assert len(done.stdout.splitlines()) > 1
    if "-srv" in command:
        assert re.search(r"^servers/view01 0 4 0 0 0 0 4 ", done.stdout, re.MULTILINE), done.stdout


def test_halog_reads_the_lines_of_the_journal(written, tmp_path):
    """`-o cat` prints the messages alone; those of the operational log are skipped."""
    file, _ = written["httplog"]
    [command] = [line for line in commands("halog") if "journalctl" in line]
    mixed = tmp_path / "mixed"
    mixed.write_text("server view01 is up: 200\n" + file.read_text())
    done = typed(command.replace("journalctl -u belvedere -o cat", "cat /var/log/belvedere/access.log"), mixed, tmp_path)
    assert re.search(r"^servers/view01 0 4 0 0 0 0 4 ", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(("kind", "index"), [("httplog", 0), ("json", 1)])
def test_goaccess_reads_every_line(written, tmp_path, kind, index):
    file, count = written[kind]
    done = typed(commands("goaccess")[index], file, tmp_path, "--no-global-config -o report.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    general = report["general"]
    assert (general["total_requests"], general["failed_requests"]) == (count, 0), general
    paths = {entry["data"]: entry["hits"]["count"] for entry in report["requests"]["data"]}
    assert sum(hits for path, hits in paths.items() if path.startswith("/tools/")) >= 4, paths
    assert "127.0.85.1" in [entry["data"] for entry in report["hosts"]["data"]]


def test_goaccess_reads_clients_with_ipv6_in_json(written, tmp_path):
    file, _ = written["json"]
    changed = tmp_path / "v6.log"
    changed.write_text(file.read_text().replace("127.0.85.1", "2001:db8::7"))
    done = typed(commands("goaccess")[1], changed, tmp_path, "--no-global-config -o report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert done.returncode == 0 and report["general"]["failed_requests"] == 0
    assert "2001:db8::7" in [entry["data"] for entry in report["hosts"]["data"]]
