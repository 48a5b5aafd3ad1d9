"""One machine from the package's installation to its purge. The tests depend on each other: each continues where the
one before ended."""

import re

import pytest
from harness.appliance.site import CONFIGURATION

ADDRESS = "192.168.1.162"


@pytest.fixture(scope="module")
def machine(site):
    return site.machine("lb1", ADDRESS)


def serves(site):
    return lambda: site.is_served(ADDRESS)


def test_installation_prints_the_next_steps_and_starts_nothing(machine, deb):
    machine.bring(deb, "/root/belvedere.deb")
    said = machine.run("apt-get install --yes /root/belvedere.deb")
    assert "not started before you have configured it" in said
    assert "systemctl enable --now belvedere" in said
    assert machine.show("ActiveState") == "inactive"
    assert machine.attempt("systemctl is-enabled belvedere").stdout.strip() == "disabled"


def test_private_keys_are_readable_by_root_and_the_service_only(machine):
    assert machine.run("stat -c '%U %G %a' /etc/belvedere/tls").split() == ["root", "belvedere", "750"]
    assert machine.run("stat -c '%U %G %a' /var/lib/belvedere").split() == ["belvedere", "belvedere", "700"]


def test_start_without_a_configuration_fails_with_the_reason(machine):
    assert machine.attempt("systemctl start belvedere").returncode != 0
    machine.run("systemctl stop belvedere")
    assert "/etc/belvedere/belvedere.yaml:" in machine.journal()


def test_configured_service_starts_and_serves(machine, site):
    site.configure(machine)
    assert "in order" in machine.run("runuser -u belvedere -- belvedere check")
    machine.run("systemctl reset-failed belvedere; systemctl enable --now belvedere")
    # After the start the listeners are bound, the worker runs and servers have been checked, without further waiting.
    assert site.is_served(ADDRESS), site.curl(ADDRESS).stderr
    assert re.search(r"servers: 2 of 2 up", machine.wait_until(lambda: machine.show("StatusText"), "a status"))


def test_port_80_redirects_to_https(machine, site):
    answer = site.network.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}",
                              "-H", "Host: view.domain.local", f"http://{ADDRESS}/portal")  # fmt: skip
    assert answer.stdout == "301 https://view.domain.local/portal"


def test_service_is_confined(machine):
    overall = machine.run("systemd-analyze security --no-pager belvedere").splitlines()[-1]
    assert float(re.search(r"(\d+\.\d+)", overall)[1]) <= 1.8, overall
    assert machine.run("stat -c %U /proc/$(systemctl show --property MainPID --value belvedere)").strip() == "belvedere"


def test_worker_is_confined_and_neither_process_can_be_debugged(machine):
    filters = []
    for process in (machine.supervisor, machine.worker):
        fields = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{process}/status").splitlines())
        assert fields["NoNewPrivs"] == "1" and fields["CapAmb"] == f"{0:016x}"
        # The /proc files of a process that can't be debugged belong to root.
        assert machine.run(f"stat -c %U /proc/{process}/mem").strip() == "root"
        filters.append(int(fields["Seccomp_filters"]))
    # Two filters of its own, in addition to those of the unit.
    assert filters[1] == filters[0] + 2
    assert fields["CapPrm"] == fields["CapEff"] == f"{0:016x}"
    assert "confinement:" not in machine.journal()


def test_reload_uses_a_rotated_certificate_without_an_interruption(machine, site):
    with site.load(ADDRESS) as load:
        site.give_certificate(machine, serial=101)
        machine.run("systemctl reload belvedere")
    assert load["failures"] == load["cut"] == []
    assert load["serials"] == ["64", "65"]


def test_refused_reload_fails_with_the_reason_while_traffic_goes_on(machine, site):
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + "unheard-of: true\n")
    with site.load(ADDRESS) as load:
        assert machine.attempt("systemctl reload belvedere").returncode != 0
    assert load["failures"] == load["cut"] == []
    assert "unknown key `unheard-of`" in machine.journal()
    assert machine.show("ActiveState") == "active"
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION)
    machine.run("systemctl reload belvedere")


@pytest.mark.parametrize("role", ["worker", "supervisor"])
def test_killed_process_is_replaced(machine, site, role):
    victim = getattr(machine, role)
    machine.kill(victim, "SIGKILL")
    machine.wait_until(lambda: machine.supervisor != 0 and getattr(machine, role) not in (None, victim), f"another {role}")
    machine.wait_until(serves(site), "an answer")


def test_stopped_worker_is_replaced_by_the_supervisor(machine, site):
    supervisor, worker = machine.supervisor, machine.worker
    machine.kill(worker, "SIGSTOP")
    machine.wait_until(lambda: machine.worker not in (None, worker), "another worker")
    machine.wait_until(serves(site), "an answer")
    assert machine.supervisor == supervisor


def test_stopped_supervisor_is_restarted_by_systemd(machine, site):
    supervisor = machine.supervisor
    machine.kill(supervisor, "SIGSTOP")
    machine.wait_until(lambda: machine.supervisor not in (0, supervisor), "another supervisor")
    machine.wait_until(serves(site), "an answer")
    assert "Watchdog timeout" in machine.journal()


def test_restart_under_load_refuses_no_connection(machine, site):
    with site.load(ADDRESS) as load:
        for _ in range(3):
            machine.run("systemctl restart belvedere")
    assert load["failures"] == []


@pytest.mark.parametrize("threads", [1, 3])
def test_restart_with_another_number_of_threads_under_load_refuses_no_connection(machine, site, threads):
    """Fewer loops than sockets, then more: every socket that systemd stored is used."""
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + f"threads: {threads}\n")
    with site.load(ADDRESS) as load:
        machine.run("systemctl restart belvedere")
    assert load["failures"] == []


def test_death_of_the_supervisor_refuses_no_connection(machine, site):
    """Accepted connections are lost; new ones wait."""
    supervisor = machine.supervisor
    machine.kill(supervisor, "SIGKILL")
    # Without supervisor and worker the connection waits in the backlog of a socket that systemd holds.
    machine.wait_until(serves(site), "an answer", timeout=1)
    assert machine.supervisor not in (0, supervisor)


def test_stop_may_take_longer_than_the_default_of_the_unit(machine, site):
    machine.run("mkdir -p /run/systemd/system/belvedere.service.d")
    machine.write("/run/systemd/system/belvedere.service.d/short.conf", "[Service]\nTimeoutStopSec=1\n")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + "timeouts: { stop: 4s }\n")
    machine.run("systemctl daemon-reload && systemctl restart belvedere")
    stream = site.stream(ADDRESS)
    machine.run("systemctl stop belvedere")
    # Exchanges are cut at the configured time-out, which is later than TimeoutStopSec=, and no process is killed.
    assert machine.show("Result") == "success"
    assert stream.wait(60) != 0
    machine.run("rm -r /run/systemd/system/belvedere.service.d && systemctl daemon-reload")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION)
    machine.run("systemctl start belvedere")


def test_stop_closes_the_listeners(machine, site):
    machine.run("systemctl stop belvedere")
    assert "LISTEN" not in machine.run("ss -Hltn sport = :443")
    # curl's "couldn't connect".
    assert site.curl(ADDRESS).returncode == 7
    machine.run("systemctl start belvedere")


def test_address_that_is_no_longer_configured_is_closed(machine, site):
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + "redirect: off\n")
    machine.run("systemctl restart belvedere")
    machine.wait_until(lambda: "LISTEN" not in machine.run("ss -Hltn sport = :80"), "the listener's end")
    assert re.search(r"\(listener-\S+-80\), where nothing is configured to listen", machine.journal())
    assert site.is_served(ADDRESS)


def test_sockets_of_a_socket_unit_are_used(machine, site):
    machine.run("systemctl stop belvedere")
    unit = "[Socket]\nListenStream=443\nListenStream=8443\nFileDescriptorName=service\n[Install]\nWantedBy=sockets.target\n"
    machine.write("/etc/systemd/system/belvedere.socket", unit)
    machine.run("systemctl daemon-reload && systemctl start belvedere.socket")
    # The first client starts the service.
    assert site.is_served(ADDRESS)
    machine.wait_until(lambda: machine.show("ActiveState") == "active", "the end of the start")
    assert re.search(r":8443 \(service\), where nothing is configured to listen", machine.journal())
    machine.run("systemctl stop belvedere.socket belvedere && rm /etc/systemd/system/belvedere.socket")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION)
    machine.run("systemctl daemon-reload && systemctl start belvedere")


def test_upgrade_under_load_refuses_no_connection(machine, site, next_deb):
    supervisor = machine.supervisor
    machine.bring(next_deb, "/root/belvedere.deb")
    with site.load(ADDRESS) as load:
        machine.run("apt-get install --yes /root/belvedere.deb")
    assert machine.supervisor not in (0, supervisor)
    assert load["failures"] == []


def test_upgrade_does_not_restart_the_service_if_it_refuses_the_configuration(machine, site, next_deb):
    supervisor = machine.supervisor
    good = machine.path("/etc/belvedere/belvedere.yaml").read_text()
    machine.write("/etc/belvedere/belvedere.yaml", good + "unheard-of: true\n")
    said = machine.run("apt-get install --yes --reinstall /root/belvedere.deb")
    assert "unknown key `unheard-of`" in said
    assert machine.supervisor == supervisor
    assert site.is_served(ADDRESS)
    machine.write("/etc/belvedere/belvedere.yaml", good)


def test_removal_stops_the_service_and_keeps_its_configuration(machine):
    machine.run("apt-get remove --yes belvedere")
    assert machine.attempt("pgrep belvedere").returncode != 0
    assert machine.attempt("command -v belvedere").returncode != 0
    assert machine.path("/etc/belvedere/belvedere.yaml").exists()
    # The listeners are gone too: the port refuses connections.
    assert "LISTEN" not in machine.run("ss -Hltn sport = :443")


def test_purge_removes_everything(machine):
    machine.run("rm /etc/belvedere/tls/*")
    machine.run("apt-get purge --yes belvedere")
    left = machine.run(
        "find / -xdev -ipath '*belvedere*' -not -path '/root/*' -not -path '/proc/*' -not -path '/sys/*'"
        " -not -path '/var/log/journal/*'; systemctl list-units --all --plain --no-legend 'belvedere*'; getent passwd belvedere || true"
    )
    assert left.split() == []
