"""Two machines become the guide's pair as in docs/install.md, go through the procedures of docs/operate.md and through
every death of a process, are upgraded without an outage, and leave nothing. The tests are a story: each goes on where
the one before ended, lb1 with the address unless it says otherwise."""

import re

import pytest
from harness.appliance.manual import Manual

ADDRESS = "192.168.1.170"
install, operate = Manual("install.md"), Manual("operate.md")
# Commands of the manuals for other machines than these.
ELSEWHERE = {
    "make deb": "where the package is made",
    "make rpm": "likewise",
    "dnf install ./belvedere-0.1.0-1.el9.x86_64.rpm": "Enterprise Linux",
    "dnf upgrade ./belvedere-0.2.0-1.el9.x86_64.rpm": "Enterprise Linux",
    "cat /etc/rsyslog.d/haproxy.conf": "typed in test_surroundings.py",
    "tail -n 3 /var/log/haproxy.log": "likewise",
}


@pytest.fixture(scope="module")
def pair(site):
    return site.pair()


@pytest.fixture(scope="module")
def lb1(pair):
    return pair[0]


@pytest.fixture(scope="module")
def lb2(pair):
    return pair[1]


@pytest.fixture(autouse=True)
def one_holder_in_the_end(request, site):
    """After every test exactly one machine answers at the address."""
    yield
    if site.machines and request.node.get_closest_marker("no_holder") is None:
        holders = [machine for machine in site.machines if machine.holds(ADDRESS)]
        assert [machine.name for machine in holders] in (["lb1"], ["lb2"])
        assert site.is_served(ADDRESS), site.curl(ADDRESS).stderr


def moved(giver, taker):
    """Waits until only the taker has the address."""
    taker.wait_until(lambda: taker.holds(ADDRESS), "the address")
    giver.wait_until(lambda: not giver.holds(ADDRESS), "the address's end")


def assert_served(load):
    """No connection was refused, and every request was answered, if necessary by a second connection."""
    assert load["refused"] == []
    assert load["lost"] == []
    assert load["answered"] > 0


@pytest.mark.no_holder
def test_packages_are_installed_and_start_nothing(pair, deb):
    for machine in pair:
        # The administrator confirms apt's questions.
        machine.write("/etc/apt/apt.conf.d/agree", 'APT::Get::Assume-Yes "true";\n')
        machine.bring(deb, "/root/belvedere_0.1.0-1_amd64.deb")
        said = install.type(machine, "apt install ./belvedere_0.1.0-1_amd64.deb")
        assert "not started before you have configured it" in said
        assert machine.show("ActiveState") == "inactive"
        assert not machine.holds(ADDRESS)


@pytest.mark.no_holder
def test_certificate_and_configuration_are_installed(pair, site):
    for machine in pair:
        machine.bring(site.certificate(serial=100), "/root/view.pem")
        machine.bring(site.authority, "/root/domain-ca.pem")
        install.type(machine, "install -o root -g belvedere -m 0640 view.pem /etc/belvedere/tls/view.pem")
        install.type(machine, "install -m 0644 domain-ca.pem /etc/belvedere/tls/domain-ca.pem")
        machine.path("/etc/belvedere/belvedere.yaml").write_text(install.configuration)
        assert "in order" in install.type(machine, "runuser -u belvedere -- belvedere check")


@pytest.mark.no_holder
def test_firewall_allows_the_service(pair, site):
    for machine in pair:
        machine.run("systemctl enable --now firewalld")
        install.type(machine, "firewall-cmd --permanent --add-service=belvedere && firewall-cmd --reload")
        assert "belvedere" in machine.run("firewall-cmd --list-services")


def test_started_pair_has_the_address_on_the_machine_with_the_higher_priority(lb1, lb2, site):
    for machine in (lb1, lb2):
        install.type(machine, "systemctl enable --now belvedere")
    lb1.wait_until(lambda: lb1.holds(ADDRESS), "the address")
    assert not lb2.holds(ADDRESS)
    for machine, role in ((lb1, "active"), (lb2, "backup")):
        line = rf"router-51 {role}; \d+ sessions, \d+ connections, \d+ requests; servers: 2 of 2 up"
        machine.wait_until(lambda: re.search(line, machine.show("StatusText")), f"{line!r} as the status")
        assert re.search(line, install.type(machine, "systemctl status belvedere"))
    assert re.search(rf"inet {ADDRESS}/24.*\n.*valid_lft \dsec", install.type(lb1, "ip -4 addr show dev eth0"))
    answer = install.type(lb1, "curl --connect-to view.domain.local:443:192.168.1.170:443 --cacert /etc/belvedere/tls/domain-ca.pem https://view.domain.local/")  # fmt: skip
    assert answer in ("view01", "view02")


def test_failover_and_failback_move_the_address(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        install.type(lb1, "belvedere failover")
        assert lb2.holds(ADDRESS)
        moved(lb1, lb2)
        install.type(lb1, "belvedere failover --back")
        moved(lb2, lb1)
    assert_served(load)


def test_status_commands_of_the_manual_work(lb1, lb2):
    assert re.search(r"router-51 +active", operate.type(lb1, "belvedere status"))
    assert "router-51 backup" in operate.type(lb2, "systemctl status belvedere")
    assert "router-51 on eth0: active, was backup" in operate.type(lb1, "journalctl -u belvedere -p notice -n 50")
    operate.type(lb1, "journalctl -u belvedere -p warning")
    assert "server view01 is up" in operate.type(lb1, "journalctl -u belvedere BELVEDERE_SERVER=view01")
    assert "active, was backup" in operate.type(lb1, "journalctl -u belvedere BELVEDERE_ROUTER=router-51 BELVEDERE_STATE=active")
    operate.type(lb1, "journalctl -u belvedere BELVEDERE_SERVER=view01 BELVEDERE_STATE=down")
    assert "PRIORITY=" in operate.type(lb1, "journalctl -u belvedere -o verbose -n 1")
    assert f"inet {ADDRESS}/24" in operate.type(lb1, "ip -4 addr show dev eth0")


def test_certificate_is_rotated_on_both_under_load(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        for machine in (lb1, lb2):
            machine.bring(site.certificate(serial=101), "/root/view.pem")
            operate.type(machine, "install -o root -g belvedere -m 0640 view.pem /etc/belvedere/tls/view.pem")
            operate.type(machine, "runuser -u belvedere -- belvedere check")
            operate.type(machine, "systemctl reload belvedere")
        shown = operate.type(lb1, "openssl s_client -connect 192.168.1.162:443 -servername view.domain.local </dev/null 2>/dev/null | openssl x509 -noout -enddate -fingerprint -sha256")  # fmt: skip
        assert "notAfter=" in shown and "Fingerprint=" in shown
    assert load["failures"] == load["cut"] == []
    assert load["serials"] == ["64", "65"]


def test_server_goes_into_maintenance_and_returns(lb1, lb2, site):
    for machine in (lb1, lb2):
        operate.type(machine, "belvedere server view01 drain")
        assert "view01" in operate.type(machine, "belvedere status --watch", ends=False)
        operate.type(machine, "belvedere server view01 maintenance")
    assert site.curl(ADDRESS).stdout == "view02"
    for machine in (lb1, lb2):
        operate.type(machine, "belvedere server view01 ready")
        machine.wait_until(lambda: "2 of 2 up" in machine.show("StatusText"), "view01")


def test_balancer_is_taken_out_of_service_and_returns(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        operate.type(lb1, "belvedere failover")
        operate.type(lb1, "systemctl stop belvedere")
        assert lb2.holds(ADDRESS) and not lb1.holds(ADDRESS)
        assert "LISTEN" not in lb1.run("ss -Hltn sport = :443")
        operate.type(lb1, "systemctl start belvedere")
        moved(lb2, lb1)
    assert_served(load)


def test_stop_without_a_failover_hands_the_address_over_as_well(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        lb1.run("systemctl stop belvedere")
        assert lb2.holds(ADDRESS) and not lb1.holds(ADDRESS)
        lb1.run("systemctl start belvedere")
        moved(lb2, lb1)
    assert_served(load)


def test_restart_under_load_refuses_no_connection(lb1, lb2, site):
    since = lb2.moment
    with site.load(ADDRESS) as load:
        lb1.run("systemctl restart belvedere")
        lb2.wait_for_journal("active, was backup", since=since)
        moved(lb2, lb1)
    assert_served(load)


def test_killed_worker_does_not_move_the_address(lb1, lb2, site):
    for _ in range(3):
        here, there = lb1.moment, lb2.moment
        with site.load(ADDRESS) as load:
            lb1.kill(lb1.worker, "SIGKILL")
            lb1.wait_for_journal("the worker is ready and serves", since=here)
        assert_served(load)
        if "fault, was active" not in lb1.journal(since=here):
            break
        moved(lb2, lb1)
    else:
        pytest.skip("this machine is too busy to start a worker within the second that a node may be without one")
    assert lb1.holds(ADDRESS)
    assert "active, was backup" not in lb2.journal(since=there)


def test_killed_supervisor_releases_the_address_and_the_peer_takes_over_at_once(lb1, lb2, site):
    here, there, supervisor = lb1.moment, lb2.moment, lb1.supervisor
    with site.load(ADDRESS) as load:
        lb1.kill(supervisor, "SIGKILL")
        lb2.wait_for_journal("active, was backup", since=there)
        lb1.wait_until(lambda: lb1.supervisor not in (0, supervisor), "another supervisor")
        moved(lb2, lb1)
    # A connection made between the death and the release waits in lb1's backlog, which can't be served without the
    # address, and may be lost; none is refused.
    assert load["refused"] == []
    said = lb1.journal(since=here)
    # ExecStopPost removed it, not the next start or the end of the lease.
    assert f"release: removed {ADDRESS} from eth0" in said
    assert "left by an earlier run" not in said
    # The last advertisement was sent on its behalf: the other node did not wait for Active_Down_Interval.
    assert "active, was backup, priority 100: the Active left" in lb2.journal(since=there)


def test_stopped_supervisor_loses_the_address_and_is_restarted(lb1, lb2, site):
    """Without any action: the kernel ends the lease, and systemd's watchdog the process."""
    here, there, supervisor = lb1.moment, lb2.moment, lb1.supervisor
    with site.load(ADDRESS) as load:
        lb1.kill(supervisor, "SIGSTOP")
        # Either after Active_Down_Interval, or after the release if the watchdog expired first.
        lb2.wait_for_journal("active, was backup, priority 100", since=there)
        lb1.wait_until(lambda: not lb1.holds(ADDRESS), "the lease's end")
        lb1.wait_until(lambda: lb1.supervisor not in (0, supervisor), "another supervisor")
        moved(lb2, lb1)
    assert load["lost"] == [], load
    assert "Watchdog timeout" in lb1.journal(since=here)


def test_stopped_worker_is_replaced(lb1, lb2, site):
    here, supervisor, worker = lb1.moment, lb1.supervisor, lb1.worker
    lb1.kill(worker, "SIGSTOP")
    lb1.wait_until(lambda: lb1.worker not in (None, worker), "another worker")
    lb1.wait_for_journal("the worker hung", since=here)
    assert lb1.supervisor == supervisor
    lb1.wait_until(lambda: lb1.holds(ADDRESS) and not lb2.holds(ADDRESS), "the address")


def test_machine_serves_again_after_a_power_failure(lb1, lb2, site):
    """The enabled service starts at boot, with the firewall rules, without any action."""
    there = lb2.moment
    lb1.cut_power()
    lb2.wait_for_journal("active, was backup, priority 100: no Active is heard", since=there)
    assert site.is_served(ADDRESS)
    lb1.boot()
    site.network.attach(lb1, "192.168.1.162")
    moved(lb2, lb1)
    assert lb1.run("systemctl is-active firewalld").strip() == "active"


def test_pair_is_upgraded_without_an_outage(lb1, lb2, site, next_deb):
    """As in the manual: the Backup first."""
    before = lb1.run("dpkg-query -W -f '${Version}' belvedere")
    with site.load(ADDRESS) as load:
        for machine in (lb2, lb1):
            machine.bring(next_deb, "/root/belvedere_0.2.0-1_amd64.deb")
            if machine is lb1:
                operate.type(lb1, "systemctl stop belvedere")
                assert lb2.holds(ADDRESS)
            manual = operate if machine is lb1 else install
            manual.type(machine, "apt install ./belvedere_0.2.0-1_amd64.deb")
            if machine is lb2:
                lb2.wait_until(lambda: "2 of 2 up" in lb2.show("StatusText"), "both servers")
                operate.type(lb2, "belvedere version && belvedere status")
                assert lb1.holds(ADDRESS)
        operate.type(lb1, "systemctl start belvedere")
        moved(lb2, lb1)
    assert_served(load)
    for machine in (lb1, lb2):
        assert machine.run("dpkg-query -W -f '${Version}' belvedere") > before


def test_active_is_upgraded_in_place_without_an_outage(lb1, lb2, site, next_deb):
    with site.load(ADDRESS) as load:
        lb1.run("cd /root && apt-get install --yes --reinstall ./belvedere_0.2.0-1_amd64.deb")
        lb1.wait_until(lambda: lb1.holds(ADDRESS) and not lb2.holds(ADDRESS), "the address")
    assert_served(load)


def test_removal_hands_the_address_over(lb1, lb2, site):
    with site.load(ADDRESS) as load:
        install.type(lb1, "apt remove belvedere")
        assert lb2.holds(ADDRESS) and not lb1.holds(ADDRESS)
    assert_served(load)
    assert lb1.attempt("pgrep belvedere").returncode != 0


@pytest.mark.no_holder
def test_purge_removes_everything_and_the_address(lb1, lb2):
    for machine in (lb1, lb2):
        machine.run("rm /etc/belvedere/tls/*")
        install.type(machine, "apt purge belvedere")
        assert not machine.holds(ADDRESS)
        assert machine.attempt("pgrep belvedere").returncode != 0
        assert machine.attempt("getent passwd belvedere").stdout == ""
        assert not machine.path("/etc/belvedere").exists()


@pytest.mark.no_holder
@pytest.mark.parametrize("manual", [install, operate], ids=lambda manual: manual.page)
def test_every_command_of_the_manual_was_run(manual):
    assert manual.untyped(elsewhere=ELSEWHERE.keys() & set(manual.commands)) == []
