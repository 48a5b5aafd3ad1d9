"""Processes as /proc shows them: which there are, and what they use."""

import contextlib
import ctypes
import os
import re
import signal
from pathlib import Path

import pytest


def die_with_parent(number=signal.SIGKILL):
    """For `preexec_fn`: the tests' own death leaves no process behind. To be started from a thread that stays: the
    kernel takes its end for the parent's."""
    ctypes.CDLL(None).prctl(1, number)


def stat(process):
    """The fields of /proc/PROCESS/stat behind the name, which may hold anything: state, parent, group, session, ..."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def status(process):
    """The fields of /proc/PROCESS/status by name."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line)


def processes():
    """Every process: id → (state, parent, session)."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                state, parent, _, session = stat(entry)[:4]
            except OSError:
                continue
            found[int(entry)] = (state, int(parent), int(session))
    return found


def family(root):
    """The process `root` and all that descend from it, by their parents."""
    children = {}
    for process, (_, parent, _) in processes().items():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def cpu_seconds(process):
    """User and system time of all its threads, to the nanosecond (the scheduler's own count)."""
    total = 0
    for thread in os.listdir(f"/proc/{process}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0])
    return total / 1e9


def proportional_bytes(process):
    """Proportional set size: what is shared between processes counts once."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024


def memory(process):
    """The process's memory in KiB; None under a sanitizer, which keeps what was freed."""
    fields = status(process)
    return None if int(fields["VmSize"].split()[0]) > 1 << 30 else int(fields["VmRSS"].split()[0])


def resident(process):
    """The same; skips the test under a sanitizer."""
    found = memory(process)
    if found is None:
        pytest.skip("memory tells nothing under a sanitizer")
    return found


def open_files(process):
    """What each descriptor is. Pipes don't count: they are to the symbolizer of a sanitizer, a worker has none."""
    links = []
    for entry in os.listdir(f"/proc/{process}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{process}/fd/{entry}"))
    return sorted(link for link in links if not link.startswith("pipe:"))
