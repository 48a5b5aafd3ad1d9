"""What systemd provides to a virtual router: hooks and mail outside the sandbox, a higher scheduling priority,
and the authentication key, which only root can read."""

import re

import pytest
from harness.appliance.site import CONFIGURATION

ADDRESS, VIRTUAL = "192.168.1.164", "192.168.1.174"

# `rights` is a copy of id(1) with the setgid bit, like Postfix's postdrop.
HOOK = """\
#!/bin/sh
echo "$(id -un) $(/usr/local/bin/rights -gn) $(cat /etc/belvedere/tls/view.pem >/dev/null 2>&1 || echo no key) $*" >>/var/tmp/told
"""
SENDMAIL = """\
#!/bin/sh
{ echo "$(id -un) $*"; cat; } >>/var/tmp/mailed
"""


@pytest.fixture(scope="module")
def machine(site, deb):
    machine = site.machine("lb1", ADDRESS)
    machine.bring(deb, "/root/belvedere.deb")
    machine.run("apt-get install --yes /root/belvedere.deb")
    machine.run("install -g adm -m 2755 /usr/bin/id /usr/local/bin/rights")
    machine.write("/usr/local/bin/hook", HOOK, mode="0755")
    machine.write("/usr/sbin/sendmail", SENDMAIL, mode="0755")
    site.configure(
        machine,
        CONFIGURATION + "vrrp:\n  interface: eth0\n  router: 77\n  priority: 100\n  address: 192.168.1.174/24\n"
        "  notify: /usr/local/bin/hook\n  mail: { to: root }\n  authentication: { keys: { 1: credential:vrrp.key } }\n",
    )
    machine.write("/etc/belvedere/vrrp.key", "0123456789abcdef" * 4 + "\n", mode="0400")
    machine.run("mkdir /etc/systemd/system/belvedere.service.d")
    machine.write(
        "/etc/systemd/system/belvedere.service.d/key.conf",
        "[Service]\nLoadCredential=vrrp.key:/etc/belvedere/vrrp.key\n",
    )
    machine.run("systemctl enable --now belvedere")
    machine.wait_until(lambda: machine.holds(VIRTUAL), "the address")
    return machine


def test_hooks_run_as_their_own_user_and_may_run_setgid_programs(machine):
    told = machine.wait_until(
        lambda: [line for line in machine.attempt("cat /var/tmp/told").stdout.splitlines() if "MASTER" in line],
        "the hook",
    )
    assert told == ["belvedere-notify adm no key INSTANCE router-77 MASTER 100"]


def test_mail_is_sent_by_the_same_user(machine):
    mailed = machine.wait_until(
        lambda: next((text for text in [machine.attempt("cat /var/tmp/mailed").stdout] if "is active" in text), None), "mail"
    )
    assert "belvedere-notify -i -- root\nTo: root\nSubject: lb1: router-77 is active, was backup\n" in mailed


def scheduling(machine, process):
    """Nice value and policy (proc(5): 0 is SCHED_OTHER, 2 is SCHED_RR)."""
    fields = re.sub(r"^.*\) ", "", machine.run(f"cat /proc/{process}/stat")).split()
    return int(fields[16]), int(fields[38])


def test_supervisor_has_a_higher_scheduling_priority_than_the_worker(machine):
    assert scheduling(machine, machine.supervisor) == (-10, 0)
    assert scheduling(machine, machine.worker) == (0, 0)
    assert "vrrp: scheduled with a nice value of -10" in machine.journal()


def test_real_time_scheduling_is_used_if_the_unit_allows_it(machine):
    machine.write(
        "/etc/systemd/system/belvedere.service.d/real-time.conf",
        "[Service]\nCPUSchedulingPolicy=rr\nCPUSchedulingPriority=1\n",
    )
    machine.run("systemctl daemon-reload && systemctl restart belvedere")
    machine.wait_for_journal("vrrp: scheduled in real time")
    assert scheduling(machine, machine.supervisor)[1] == 2
    assert scheduling(machine, machine.worker) == (0, 0)
    machine.wait_until(lambda: machine.holds(VIRTUAL), "the address")


def test_hooks_run_when_the_machine_shuts_down(machine):
    machine.wait_until(lambda: "MASTER" in machine.run("tail -1 /var/tmp/told"), "the change before")
    machine.attempt("systemctl poweroff")
    machine.process.wait(60)
    told = (machine.scratch / "upper/var/tmp/told").read_text()
    assert told.splitlines()[-1].endswith("INSTANCE router-77 STOP 100"), told
