"""A program started by a test: in its own session, with its log in a file; it is always ended."""

import os
import re
import signal
import subprocess
from pathlib import Path

from .processes import die_with_parent, processes
from .waiting import TIMEOUT, accepts, wait_until

# Texts that no log may contain in any test.
CRASH = re.compile(
    r"Fatal error|Illegal instruction|Segmentation fault|SIGSEGV|SIGILL|SIGABRT|Precondition failed"
    r"|AddressSanitizer|ThreadSanitizer|LeakSanitizer|Stack dump|overlapping accesses|Crashed|crash report",
    re.IGNORECASE,
)


class Program:
    # The signal that it gets when the tests die first.
    orphan_signal = signal.SIGKILL

    def __init__(self, log_file):
        self.log_file = Path(log_file)
        self.process = None

    def launch(self, command, **options):
        """Starts it; its stdout and stderr are written to its log unless changed by `options`."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **options},
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(self.orphan_signal),
            )
        return self

    def assert_running(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log}"

    def wait_for_listener(self, address, port):
        def listens():
            self.assert_running()
            return accepts((address, port))

        wait_until(listens, lambda: f"a listener on {address}:{port}\n{self.log}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        """The exit status, once all processes of the session have ended."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end:\n{self.log}") from None
        wait_until(lambda: not self.living(), lambda: f"the end of {self.living()}\n{self.log}")
        return status

    def living(self):
        """The processes of its session that have not ended."""
        return [pid for pid, (state, _, session) in processes().items() if session == self.process.pid and state != "Z"]

    def destroy(self):
        """kill -9 of all its processes: those of its group at once, then the rest of its session."""
        kills = [(os.killpg, self.process.pid)] if self.process.poll() is None else []
        for kill, pid in kills + [(os.kill, pid) for pid in self.living()]:
            try:
                kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def kill(self):
        """kill -9 of all its processes at once, if it runs; it may be started again."""
        if self.process:
            self.destroy()
            self.process = None

    # Logs

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_for_log(self, pattern, *, since=0, timeout=None):
        """The match, once the log (from character `since` on) contains one."""
        return wait_until(
            lambda: re.search(pattern, self.log[since:], re.IGNORECASE | re.MULTILINE),
            lambda: f"{pattern!r} in the log:\n{self.log}",
            timeout,
        )

    def assert_no_crash(self):
        fault = CRASH.search(self.log)
        assert not fault, f"the log reports a crash ({fault.group()}):\n{self.log}"
