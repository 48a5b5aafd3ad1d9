"""The packages' scripts, run with a restricted PATH: a machine without Debian's own
wrappers (deb-systemd-helper, invoke-rc.d), with and without a systemd that runs."""

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and util-linux")

# Real commands, of coreutils and similar packages.
REAL = ["cat", "sh"]
# Commands that would change this machine: recorded, not run.
RECORDED = ["chgrp", "groupadd", "groupdel", "install", "rm", "rmdir", "systemctl", "useradd", "userdel"]
UPDATE_HELPER = "/usr/lib/systemd/systemd-update-helper"


class Machine:
    """Runs a script with the test's commands, and its own /run."""

    def __init__(self, folder, is_booted, **answers):
        self.is_booted = is_booted
        self.commands = folder / "commands"
        self.record = folder / "record"
        self.commands.mkdir()
        self.record.touch()
        for name in REAL:
            (self.commands / name).symlink_to(shutil.which(name))
        for name in RECORDED:
            self.add(name)
        for name, answer in answers.items():
            self.add(name.replace("_", "-"), answer)

    def add(self, name, answer=""):
        script = self.commands / name
        script.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.record}\n{answer}\n')
        script.chmod(0o755)

    def run(self, script, *arguments):
        prepared = "mount -t tmpfs tmpfs /run && " + ("mkdir -p /run/systemd/system && " if self.is_booted else "")
        shell = f'{prepared} PATH="$1" && shift && exec sh "$@"'
        command = ["unshare", "--mount", "--propagation=private", "sh", "-c", shell, "sh", self.commands, script]
        return subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout

    @property
    def done(self):
        return self.record.read_text().splitlines()


@pytest.fixture
def debian(deb, tmp_path):
    subprocess.run(["dpkg-deb", "--control", deb, tmp_path / "control"], check=True)
    return tmp_path / "control"


@pytest.fixture
def enterprise(rpm, tmp_path):
    """The scripts, by tags of the rpm header."""

    def script(tag):
        text = subprocess.run(["rpm", "-qp", "--qf", f"%{{{tag}}}", rpm], check=True, capture_output=True, text=True)
        path = tmp_path / tag
        # The helper has an absolute path, which is replaced by a recorded command.
        path.write_text(text.stdout.replace(UPDATE_HELPER, str(tmp_path / "commands" / "systemd-update-helper")))
        return path

    return script


SERVING = {"runuser": "exit 0"}
REFUSING = {"runuser": "echo belvedere.yaml:3:1: error: unknown key; exit 1"}
STOPPED = {"systemctl": '[ "$1" != is-active ]'}
RESTART = ["systemctl daemon-reload", "systemctl is-active --quiet belvedere.service",
           "runuser -u belvedere -- /usr/sbin/belvedere check"]  # fmt: skip
RESTARTED = ["systemctl restart belvedere.service", "systemctl try-restart belvedere-observe.service"]


def test_debian_package_installs_without_debian_helpers(debian, tmp_path):
    machine = Machine(tmp_path, is_booted=False, getent="exit 2")
    said = machine.run(debian / "postinst", "configure", "")
    assert "systemctl enable --now belvedere" in said
    assert machine.done[0:4:2] == ["getent passwd belvedere", "getent passwd belvedere-notify"]
    assert all(line.startswith("useradd --system") for line in machine.done[1:4:2])
    assert machine.done[4:] == [
        "install -d -m 0750 -o root -g belvedere /etc/belvedere",
        "install -d -m 0750 -o root -g belvedere /etc/belvedere/tls",
        "install -d -m 0700 -o belvedere -g belvedere /var/lib/belvedere",
        "install -d -m 0700 -o belvedere -g belvedere /var/lib/belvedere/worker",
        "install -d -m 0750 -o belvedere -g belvedere /var/log/belvedere",
    ]


def test_debian_package_creates_the_user_by_systemd_sysusers(debian, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_sysusers="", **STOPPED)
    machine.run(debian / "postinst", "configure", "")
    assert machine.done[0] == "systemd-sysusers belvedere.conf"
    assert not any(line.startswith(("useradd", "systemctl restart")) for line in machine.done)


def test_debian_upgrade_restarts_a_running_service(debian, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_sysusers="", **SERVING)
    assert machine.run(debian / "postinst", "configure", "0.0.9-1") == ""
    assert machine.done[-5:] == [*RESTART, *RESTARTED]


def test_debian_upgrade_does_not_restart_if_the_configuration_is_refused(debian, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_sysusers="", **REFUSING)
    said = machine.run(debian / "postinst", "configure", "0.0.9-1")
    assert "the previous one stays in use" in said
    assert "unknown key" in said
    assert machine.done[-3:] == RESTART


@pytest.mark.parametrize(
    ("why", "done"),
    [("upgrade", []),
     ("remove", ["systemctl disable --now belvedere.service belvedere-observe.service belvedere-observe.socket belvedere-apply.socket", "systemctl stop belvedere-notify.socket"])],
)  # fmt: skip
def test_debian_package_stops_the_service_only_on_removal(debian, tmp_path, why, done):
    machine = Machine(tmp_path, is_booted=True)
    machine.run(debian / "prerm", why)
    assert machine.done == done


def test_debian_purge_removes_user_and_state(debian, tmp_path):
    machine = Machine(tmp_path, is_booted=False, getent="")
    machine.run(debian / "postrm", "purge")
    assert {"rm -rf /var/lib/belvedere /var/log/belvedere", "userdel belvedere", "userdel belvedere-notify"} <= set(machine.done)


def test_rpm_creates_the_user_before_the_files(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=False, getent="exit 2")
    machine.run(enterprise("PREIN"), "1")
    assert [line.split()[0] for line in machine.done] == ["getent", "groupadd", "getent", "useradd"]


def test_rpm_installation_starts_nothing_and_prints_the_next_steps(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_update_helper="", **STOPPED)
    said = machine.run(enterprise("POSTIN"), "1")
    machine.run(enterprise("POSTTRANS"), "1")
    assert "systemctl enable --now belvedere" in said
    assert machine.done == ["systemd-update-helper install-system-units belvedere.service", *RESTART[:2]]


def test_rpm_upgrade_restarts_a_running_service(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_update_helper="", **SERVING)
    assert machine.run(enterprise("POSTIN"), "2") == ""
    machine.run(enterprise("PREUN"), "1")
    machine.run(enterprise("POSTTRANS"), "2")
    assert machine.done == [*RESTART, *RESTARTED]


def test_rpm_upgrade_does_not_restart_if_the_configuration_is_refused(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=True, **REFUSING)
    assert "the previous one stays in use" in machine.run(enterprise("POSTTRANS"), "2")
    assert machine.done == RESTART


def test_rpm_removal_stops_the_service(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=True, systemd_update_helper="")
    machine.run(enterprise("PREUN"), "0")
    units = "belvedere.service belvedere-observe.service belvedere-observe.socket belvedere-apply.socket belvedere-notify.socket"
    assert machine.done == [f"systemd-update-helper remove-system-units {units}"]


def test_rpm_is_installed_into_an_image_without_systemd_running(enterprise, tmp_path):
    machine = Machine(tmp_path, is_booted=False)
    for tag, argument in [("POSTIN", "1"), ("POSTTRANS", "1"), ("PREUN", "0")]:
        machine.run(enterprise(tag), argument)
    assert machine.done == []
