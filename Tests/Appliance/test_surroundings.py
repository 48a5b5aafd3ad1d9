"""The service with the other programs of a machine: the journal, rsyslog, logrotate, and systemd's credentials."""

import re

import pytest
from harness.appliance.manual import Manual
from harness.appliance.site import CONFIGURATION

ADDRESS = "192.168.1.162"
CLIENT = "192.168.1.20"
operate = Manual("operate.md")
# A line of HAProxy's option httplog after syslog's header.
HTTPLOG = (
    rf"belvedere\[\d+\]: {CLIENT}:\d+ \[\S+\] https~ servers/view0[12] \d+/\d+/-?\d+/\d+/\d+ 200 \d+ - - ---- \S+ \S+ "
    r'"GET /portal HTTP/1.1"'
)


@pytest.fixture(scope="module")
def machine(site, deb):
    machine = site.machine("lb1", ADDRESS)
    machine.bring(deb, "/root/belvedere.deb")
    machine.run("apt-get install --yes /root/belvedere.deb")
    site.configure(machine)
    machine.run("systemctl start belvedere")
    return machine


def configure(machine, lines, *, by="reload"):
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + lines)
    machine.run(f"systemctl {by} belvedere")


# The journal


def test_journal_entries_have_their_subjects_as_fields(machine):
    subject = {"BELVEDERE_SERVER": "view01", "BELVEDERE_STATE": "up"}
    (up,) = machine.wait_until(lambda: machine.entries(**subject), "the server's state in the journal")
    assert up["MESSAGE"] == "server view01 is up: health check passed"
    assert (up["BELVEDERE_ROLE"], up["PRIORITY"], up["SYSLOG_FACILITY"]) == ("worker", "5", "3")
    since = machine.moment
    machine.run("systemctl reload belvedere")
    reloaded = {"BELVEDERE_CONFIGURATION": "2", "BELVEDERE_ROLE": "supervisor"}
    (reloaded,) = machine.wait_until(lambda: machine.entries(since=since, **reloaded), "the reload in the journal")
    assert reloaded["MESSAGE"] == "reload: configuration 2 is in use"
    machine.run("belvedere server view02 drain && belvedere server view02 ready")
    command = {"BELVEDERE_SERVER": "view02", "BELVEDERE_ROLE": "supervisor"}
    entries = machine.wait_until(lambda: machine.entries(**command), "the command in the journal")
    assert "drain, requested by" in entries[0]["MESSAGE"]


def test_requests_in_the_journal_have_client_and_server_as_fields(machine, site):
    configure(machine, "log: { access: { target: journal } }\n")
    server = site.curl(ADDRESS, path="/portal").stdout
    machine.wait_until(lambda: machine.entries(BELVEDERE_CLIENT=CLIENT), "the request in the journal")
    (request,) = machine.entries(BELVEDERE_CLIENT=CLIENT)
    assert '"GET /portal HTTP/1.1"' in request["MESSAGE"]
    assert (request["BELVEDERE_SERVER"], request["BELVEDERE_STATUS"], request["BELVEDERE_CONFIGURATION"]) == (server, "200", "3")
    # It belongs to the unit, like all of its lines.
    assert request["_SYSTEMD_UNIT"] == "belvedere.service"


def test_refused_client_is_a_field_at_debug_level(machine, site):
    configure(machine, "log: { level: debug }\n")
    site.network.run("curl", "-sk", "--tls-max", "1.0", "--ciphers", "DEFAULT@SECLEVEL=0", f"https://{ADDRESS}/")
    machine.wait_until(lambda: machine.entries(BELVEDERE_CLIENT=CLIENT, PRIORITY="7"), "the handshake in the journal")


def test_stopped_journal_delays_no_request(machine, site):
    configure(machine, "log: { access: { target: journal } }\n")
    since = machine.moment
    daemon = int(machine.run("systemctl show --property MainPID --value systemd-journald"))
    machine.kill(daemon, "SIGSTOP")
    try:
        # More than its socket takes.
        for _ in range(40):
            assert site.curl(ADDRESS, path="/portal").stdout in ("view01", "view02")
    finally:
        machine.kill(daemon, "SIGCONT")
    machine.wait_until(lambda: len(machine.entries(BELVEDERE_CLIENT=CLIENT, since=since)) == 40, "the queued lines")


# rsyslog and logrotate


def test_rsyslog_rule_of_the_guide_works(machine, site):
    machine.write("/etc/rsyslog.d/haproxy.conf", "local2.*    /var/log/haproxy.log\n")
    machine.run("systemctl enable --now rsyslog")
    assert "local2.*" in operate.type(machine, "cat /etc/rsyslog.d/haproxy.conf")
    machine.write("/etc/belvedere/belvedere.yaml", CONFIGURATION + "log: { facility: local2, access: { target: syslog } }\n")
    operate.type(machine, "systemctl reload belvedere")
    log = machine.path("/var/log/haproxy.log")
    site.curl(ADDRESS, path="/portal")
    machine.wait_until(lambda: log.exists() and re.search(HTTPLOG, log.read_text()), "the request in HAProxy's file")
    # The operational log arrives there as well, through the journal.
    machine.wait_until(lambda: re.search(r"belvedere\[\d+\]: .*configuration \d+ is in use", log.read_text()), "the reload in HAProxy's file")
    assert "GET /portal" in operate.type(machine, "tail -n 3 /var/log/haproxy.log") or "serves" in log.read_text()


def test_missing_syslog_daemon_is_logged_and_delays_no_request(machine, site):
    machine.run("systemctl stop rsyslog syslog.socket; mv /run/systemd/journal/dev-log /run/systemd/journal/gone")
    try:
        since = machine.moment
        machine.run("systemctl restart belvedere")
        assert site.is_served(ADDRESS)
        machine.wait_for_journal("access log: the sink is full or gone, 1 lines were dropped", since=since)
    finally:
        machine.run("mv /run/systemd/journal/gone /run/systemd/journal/dev-log")
    since = machine.moment
    site.curl(ADDRESS, path="/portal")
    machine.wait_until(lambda: "GET /portal" in machine.run("journalctl --no-pager -t belvedere"), "the request")


def test_logrotate_rotates_the_file_and_logging_goes_on(machine, site):
    # A folder that the running worker does not know: a reload would be refused.
    configure(machine, "log: { access: { target: /var/log/belvedere/access.log } }\n", by="restart")
    log, rotated = machine.path("/var/log/belvedere/access.log"), machine.path("/var/log/belvedere/access.log.1")
    for number in range(2):
        before = log.stat().st_size
        assert site.is_served(ADDRESS)
        machine.wait_until(lambda: log.stat().st_size > before, "a line")
        if number == 0:
            machine.run("logrotate --force /etc/logrotate.d/belvedere")
            assert rotated.stat().st_size > 0 and log.stat().st_size == 0
            machine.wait_for_journal("access log: /var/log/belvedere/access.log was opened again")
    assert log.read_text().count("\n") == rotated.read_text().count("\n") == 1


# Credentials


def credential(machine, site, serial):
    """A certificate and its key in separate files, the key readable by root only."""
    text = site.certificate(serial).read_text()
    chain, key = re.findall(r"-----BEGIN.*?-----END [A-Z ]+-----\n", text, re.DOTALL)
    machine.write("/etc/belvedere/tls/view.crt", chain)
    machine.write("/etc/belvedere/tls/view.key", key, mode="0600")


def shown_serial(machine):
    command = f"openssl s_client -connect {ADDRESS}:443 -servername view.domain.local </dev/null 2>/dev/null"
    return machine.run(f"{command} | openssl x509 -noout -serial").strip().removeprefix("serial=")


def test_key_readable_by_root_only_is_passed_by_systemd(machine, site):
    credential(machine, site, serial=7)
    assert machine.attempt("runuser -u belvedere -- cat /etc/belvedere/tls/view.key").returncode != 0
    machine.run("mkdir -p /etc/systemd/system/belvedere.service.d")
    machine.write("/etc/systemd/system/belvedere.service.d/key.conf",
                  "[Service]\nLoadCredential=view.key:/etc/belvedere/tls/view.key\n")  # fmt: skip
    configuration = CONFIGURATION.replace(
        "certificate: /etc/belvedere/tls/view.pem", "certificate: /etc/belvedere/tls/view.crt, key: credential:view.key"
    )
    machine.write("/etc/belvedere/belvedere.yaml", configuration)
    machine.run("systemctl daemon-reload && systemctl restart belvedere")
    assert site.is_served(ADDRESS)
    assert shown_serial(machine) == "07"
    # Only the service's processes can read it, not other processes of their user.
    assert "/run/credentials" in machine.run(f"tr '\\0' '\\n' </proc/{machine.supervisor}/environ")


def test_rotated_credential_needs_a_restart_which_refuses_no_connection(machine, site):
    credential(machine, site, serial=8)
    with site.load(ADDRESS) as load:
        # systemd copied the key at the start: it does not match the new certificate, and the reload is refused.
        assert machine.attempt("systemctl reload belvedere").returncode != 0
        assert shown_serial(machine) == "07"
        machine.run("systemctl restart belvedere")
    assert load["failures"] == []
    assert shown_serial(machine) == "08"
