"""A Debian machine: systemd as process 1 of its own namespaces, on a temporary root file system."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness.waiting import wait_until

from . import prerequisites

BOOT = Path(__file__).with_name("boot")


class Failed(AssertionError):
    """A command on a machine that failed; contains its output."""


class Machine:
    def __init__(self, name, scratch):
        self.name = name
        self.scratch = Path(scratch) / name
        self.scratch.mkdir(parents=True)
        self.group = prerequisites.control_groups() / f"belvedere-{os.getpid()}-{name}"
        self.process = None
        self.boot()

    def boot(self):
        """Boots the machine; files written before the last shutdown are still there."""
        self.group.mkdir()
        self.console = open(self.scratch / "console", "w+")
        join = f"echo $$ > {self.group}/cgroup.procs; exec unshare -fpmnuiC --kill-child=SIGKILL "
        command = shlex.join([str(BOOT), str(prerequisites.root_file_system()), str(self.scratch), self.name])
        self.process = subprocess.Popen(
            ["sh", "-c", join + command], stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console
        )
        try:
            self.init = self._wait_for_init()
            self.wait_until(self._is_running, "the boot's end")
        except BaseException:
            self.end()
            raise

    def _is_running(self):
        return self.attempt("systemctl is-system-running").stdout.strip() == "running"

    def _wait_for_init(self):
        """The process identifier of process 1 outside the namespace, once it is systemd."""

        def init():
            assert self.process.poll() is None, self._said()
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            return children and os.readlink(f"/proc/{children[0]}/exe").endswith("/systemd") and int(children[0])

        return wait_until(init, lambda: f"systemd on {self.name}: {self._said()}", 60)

    def _said(self):
        return (self.scratch / "console").read_text()

    def cut_power(self):
        """Kills process 1, and with it all processes of the machine; the mounts end with their namespace."""
        self.process.kill()
        self.process.wait()
        self.console.close()
        deadline = time.monotonic() + 20
        while self.group.exists() and time.monotonic() < deadline:
            try:
                for folder in sorted(self.group.glob("**/"), key=lambda path: -len(path.parts)):
                    folder.rmdir()
            except OSError:
                time.sleep(0.05)

    def end(self):
        self.cut_power()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # Commands

    @property
    def enter(self):
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-n", "-u", "-i", "-C", "--"]

    def attempt(self, command, *, timeout=120):
        """Runs a command line in the machine's shell and returns the completed process."""
        return subprocess.run(
            [*self.enter, "bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )

    def run(self, command, **options):
        """The output of a command, whose exit status must be 0."""
        done = self.attempt(command, **options)
        if done.returncode != 0:
            raise Failed(f"{self.name}# {command}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def wait_until(self, condition, what, *, timeout=60):
        """Returns the condition's first true value."""
        return wait_until(condition, lambda: f"{self.name}: {what}\n{self._state()}", timeout)

    def _state(self):
        # Only the service's own log lines; the access log would hide them.
        commands = ["journalctl --no-pager -n 400 -o short-precise | grep -v https~ | tail -n 60", "belvedere status", "ip -4 addr", "ip neigh"]
        return "\n".join(self.attempt(f"timeout 10 {command}").stdout for command in commands)

    # Files

    def path(self, place):
        """A path in the machine's file system, as seen from outside."""
        return Path(f"/proc/{self.init}/root") / place.lstrip("/")

    def write(self, place, text, *, owner="root:root", mode="0644"):
        self.path(place).write_text(text)
        self.run(f"chown {owner} {place} && chmod {mode} {place}")

    def bring(self, file, place):
        shutil.copy(file, self.path(place))

    # The service

    def show(self, name):
        return self.run(f"systemctl show --property {name} --value belvedere").strip()

    @property
    def supervisor(self):
        """The supervisor's process identifier on the machine, 0 for none."""
        return int(self.show("MainPID"))

    @property
    def worker(self):
        """The worker's process identifier on the machine, or None."""
        found = self.attempt(f"pgrep --parent {self.supervisor}").stdout.split()
        return int(found[0]) if found else None

    def kill(self, number, signal_name):
        self.run(f"kill -{signal.Signals[signal_name].value} {number}")

    def journal(self, arguments="", *, since=None):
        """The log of the service and of systemd about it, since a `moment`."""
        after = f"--after-cursor '{since}'" if since else ""
        return self.run(f"journalctl --sync; journalctl --no-pager -u belvedere {after} {arguments}")

    def entries(self, *, since=None, **fields):
        """The journal entries that have these fields, each with all of its fields."""
        found = [json.loads(line) for line in self.journal("-o json", since=since).splitlines()]
        return [entry for entry in found if fields.items() <= entry.items()]

    @property
    def moment(self):
        """The current position in the journal."""
        # The cursor of the unit's last entry: if the cursor's entry does not match the filter, --after-cursor skips one
        # that does.
        said = self.run("journalctl --sync; journalctl --no-pager -u belvedere -o cat -n 1 --show-cursor")
        return re.search(r"^-- cursor: (.*)$", said, re.MULTILINE)[1]

    def wait_for_journal(self, text, *, since=None):
        self.wait_until(lambda: text in self.journal(since=since), f"{text!r} in the journal")

    def holds(self, address):
        return f" {address}/" in self.run("ip -4 -o addr show dev eth0")
