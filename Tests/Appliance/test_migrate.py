"""HAProxy and keepalived serve on two machines; docs/migrate.md is followed to a pair of Belvedere, and back. The tests are
a story: each goes on where the one before ended."""

import json
import re
import shutil
import subprocess
import urllib.parse

import pytest
from harness import ROOT
from harness.appliance.machine import Failed
from harness.appliance.manual import Manual
from harness.waiting import wait_until

ADDRESS = "192.168.1.170"
CORPUS = ROOT / "Tests" / "Import" / "Corpus"
migrate = Manual("migrate.md")
IMPORT = ("belvedere import /etc/haproxy/haproxy.cfg {}--certificates /etc/belvedere/tls "
          "--output /etc/belvedere/belvedere.yaml --overwrite")  # fmt: skip
# Commands of the page for other machines than these.
ELSEWHERE = {
    "scp lb1:/usr/share/doc/belvedere/examples/prometheus-alerts.yml /etc/prometheus/belvedere.yml": "the machine of Prometheus",
}


@pytest.fixture(scope="module")
def pair(site, tmp_path_factory):
    """The old pair, with the files of the guide."""
    lb1, lb2 = site.pair()
    key = tmp_path_factory.mktemp("ssh") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for machine, other, address in ((lb1, "lb2", "192.168.1.163"), (lb2, "lb1", "192.168.1.162")):
        # The administrator reaches one machine from the other, and confirms apt's questions.
        machine.run(f"mkdir -p -m 0700 /root/.ssh && echo '{address} {other}' >>/etc/hosts")
        machine.write("/root/.ssh/id_ed25519", key.read_text(), mode="0600")
        machine.write("/root/.ssh/authorized_keys", key.with_suffix(".pub").read_text(), mode="0600")
        machine.write("/root/.ssh/config", "StrictHostKeyChecking accept-new\n", mode="0600")
        machine.write("/etc/apt/apt.conf.d/agree", 'APT::Get::Assume-Yes "true";\n')
        # For keepalived's mail, and Belvedere's.
        machine.write("/usr/sbin/sendmail", "#!/bin/sh\ncat >/dev/null\n", mode="0755")
        shutil.copy(CORPUS / "classic.cfg", machine.path("/etc/haproxy/haproxy.cfg"))
        # With the whole chain, as HAProxy's file should be.
        machine.write("/etc/haproxy/view.pem", site.certificate(serial=1).read_text() + site.authority.read_text(), mode="0600")
        machine.bring(site.authority, "/etc/haproxy/domain-ca.pem")
        keepalived = (CORPUS / "classic.conf").read_text()
        if machine is lb2:
            changes = [("state MASTER", "state BACKUP"), ("priority 101", "priority 100"), ("lb1", "lb2")]
            for old, new in changes:
                keepalived = keepalived.replace(old, new)
        machine.write("/etc/keepalived/keepalived.conf", keepalived)
        machine.run("systemctl enable --now ssh haproxy keepalived")
    lb1.wait_until(lambda: lb1.holds(ADDRESS) and not lb2.holds(ADDRESS), "the address")
    return lb1, lb2


@pytest.fixture(scope="module")
def lb1(pair):
    return pair[0]


@pytest.fixture(scope="module")
def lb2(pair):
    return pair[1]


@pytest.fixture(autouse=True)
def one_holder_in_the_end(request, pair, site):
    yield
    if request.node.get_closest_marker("no_holder") is None:
        assert [machine.name for machine in pair if machine.holds(ADDRESS)] == ["lb1"]
        assert site.is_served(ADDRESS), site.curl(ADDRESS).stderr


def examine(machine):
    """The problems that `belvedere doctor` sees."""
    findings = json.loads(machine.attempt("belvedere doctor --json").stdout)["findings"]
    return [finding for finding in findings if finding["verdict"] in ("warning", "fault")]


def test_packages_are_installed_beside_the_old_pair(pair, deb):
    for machine in pair:
        machine.bring(deb, "/root/belvedere_0.1.0-1_amd64.deb")
        migrate.type(machine, "apt install ./belvedere_0.1.0-1_amd64.deb")
        assert machine.show("ActiveState") == "inactive"
        assert machine.run("systemctl is-active haproxy keepalived").split() == ["active", "active"]


def test_doctor_sees_nothing_but_the_programs_that_still_run(lb2):
    lb2.run("cd /root && " + IMPORT.format("") + " && belvedere check")
    others = [finding for finding in examine(lb2) if finding["check"] not in ("leftovers", "ports")]
    assert others == []


def test_backup_serves_with_what_was_imported(lb1, lb2, site):
    migrate.type(lb2, "systemctl disable --now keepalived haproxy")
    migrate.type(lb2, IMPORT.format(""))
    assert lb2.run("stat -c '%U %G %a' /etc/belvedere/tls/view.pem").split() == ["root", "belvedere", "640"]
    assert "in order" in migrate.type(lb2, "runuser -u belvedere -- belvedere check")
    assert "no problem found" in migrate.type(lb2, "belvedere doctor")
    migrate.type(lb2, "systemctl enable --now belvedere")
    answer = migrate.type(lb2, "curl --connect-to view.domain.local:443:192.168.1.163:443 --cacert /etc/belvedere/tls/domain-ca.pem https://view.domain.local/")  # fmt: skip
    assert answer in ("view01", "view02")
    assert lb1.holds(ADDRESS)


def test_both_nodes_get_the_same_configuration_from_their_own_files(lb1, lb2):
    for machine, other in ((lb2, "lb1"), (lb1, "lb2")):
        migrate.type(machine, f"scp {other}:/etc/keepalived/keepalived.conf keepalived-{other}.conf")
        migrate.type(machine, IMPORT.format(f"/etc/keepalived/keepalived.conf --other-node {other}=keepalived-{other}.conf "))
        migrate.type(machine, "echo 'observe: { listen: \"*\", networks: [127.0.0.1, 192.168.1.20] }' >>/etc/belvedere/belvedere.yaml")  # fmt: skip
        assert "in order" in migrate.type(machine, "runuser -u belvedere -- belvedere check")
    written = [machine.path("/etc/belvedere/belvedere.yaml").read_text() for machine in (lb1, lb2)]
    assert written[0] == written[1]
    assert [line for line in written[0].splitlines() if not line.startswith("#")] == migrate.configuration.splitlines()


@pytest.mark.no_holder
def test_address_goes_from_keepalived_to_the_backup(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        migrate.type(lb1, "systemctl disable --now keepalived haproxy")
        migrate.type(lb2, "systemctl restart belvedere")
        lb2.wait_until(lambda: lb2.holds(ADDRESS), "the address")
        assert f"inet {ADDRESS}/24" in migrate.type(lb2, "ip -4 addr show dev eth0")
        assert not lb1.holds(ADDRESS)
        assert site.is_served(ADDRESS)
    print(load)
    assert load["answered"] > 0


def test_first_node_takes_the_address_without_an_interruption(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        migrate.type(lb1, "systemctl enable --now belvedere")
        lb1.wait_until(lambda: lb1.holds(ADDRESS) and not lb2.holds(ADDRESS), "the address")
    assert load["refused"] == load["lost"] == []


def test_doctor_finds_nothing_on_both(pair):
    for machine in pair:
        assert "no problem found" in migrate.type(machine, "belvedere doctor")
        assert re.search(r"VI_1 (active|backup); .*servers: 2 of 2 up", migrate.type(machine, "systemctl status belvedere"))


def shows_metrics(machine):
    try:
        return "belvedere_up 1" in migrate.type(machine, "curl http://127.0.0.1:9350/metrics")
    except Failed:
        return False


def test_page_and_metrics_are_there_for_the_named_machine(pair, site):
    for machine, address in zip(pair, ("192.168.1.162", "192.168.1.163"), strict=True):
        migrate.type(machine, "systemctl enable --now belvedere-observe")
        machine.wait_until(lambda machine=machine: shows_metrics(machine), "metrics")
        page = site.network.run("curl", "--silent", f"http://{address}:9350/")
        assert "<!doctype html>" in page.stdout.lower(), page


def test_prometheus_scrapes_both_nodes_and_knows_the_alerts(lb1, site, tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    alerts = tmp_path / "belvedere.yml"
    shutil.copy(lb1.path("/usr/share/doc/belvedere/examples/prometheus-alerts.yml"), alerts)
    assert lb1.path("/usr/share/doc/belvedere/examples/grafana-dashboard.json").exists()
    settings = tmp_path / "prometheus.yml"
    settings.write_text("global: { scrape_interval: 1s }\n"
                        + migrate.files[1].replace("/etc/prometheus/belvedere.yml", str(alerts)))  # fmt: skip
    checked = subprocess.run(["promtool", "check", "config", str(settings)], capture_output=True, text=True)
    assert checked.returncode == 0, checked
    with open(tmp_path / "log", "w") as log:
        program = site.network.start("prometheus", f"--config.file={settings}", f"--storage.tsdb.path={tmp_path / 'data'}",
                                     "--web.listen-address=192.168.1.20:9090", stdout=log, stderr=log)  # fmt: skip
    try:
        def states():
            query = urllib.parse.urlencode({"query": 'belvedere_vrrp_state{state="active"}'})
            answer = site.network.run("curl", "--silent", "--fail", f"http://192.168.1.20:9090/api/v1/query?{query}").stdout
            if not answer:
                return []
            result = json.loads(answer)["data"]["result"]
            return sorted((series["metric"]["instance"], series["value"][1]) for series in result)

        expected = [("192.168.1.162:9350", "1"), ("192.168.1.163:9350", "0")]
        wait_until(lambda: states() == expected, lambda: f"{states()}\n{(tmp_path / 'log').read_text()}", 60)
    finally:
        program.kill()
        program.wait()


def test_old_pair_serves_again(lb1, lb2):
    migrate.type(lb2, "systemctl disable --now belvedere-observe belvedere")
    migrate.type(lb1, "systemctl disable --now belvedere-observe belvedere && systemctl enable --now haproxy keepalived")
    lb1.wait_until(lambda: lb1.holds(ADDRESS), "the address")
    migrate.type(lb2, "systemctl enable --now haproxy keepalived")
    for machine in (lb1, lb2):
        assert machine.attempt("pgrep belvedere").returncode != 0
    assert not lb2.holds(ADDRESS)


@pytest.mark.no_holder
def test_every_command_of_the_page_was_run():
    assert migrate.untyped(elsewhere=ELSEWHERE) == []
