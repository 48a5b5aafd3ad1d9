"""Processes from /proc: which there are, and the resources that they use."""

import contextlib
import ctypes
import os
import re
import signal
from pathlib import Path

import pytest


def die_with_parent(number=signal.SIGKILL):
    """For `preexec_fn`: the kernel kills the process when the tests die. Start it from a thread that stays: the kernel
    treats the end of that thread as the end of the parent."""
    ctypes.CDLL(None).prctl(1, number)


def stat(process):
    """The fields of /proc/PROCESS/stat after the name, which may contain any character: state, parent, group, …"""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def status(process):
    """The fields of /proc/PROCESS/status by name."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line)


def processes():
    """All processes: id → (state, parent, session)."""
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
    """The process `root` and all its descendants."""
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
    """User and system time of all its threads, in nanosecond resolution (the scheduler's own count)."""
    total = 0
    for thread in os.listdir(f"/proc/{process}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0])
    return total / 1e9


def proportional_bytes(process):
    """Proportional set size: memory shared between processes counts once."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024


def memory(process):
    """The process's memory in KiB; None under a sanitizer, which does not release freed memory."""
    fields = status(process)
    return None if int(fields["VmSize"].split()[0]) > 1 << 30 else int(fields["VmRSS"].split()[0])


def resident(process):
    """The same; skips the test under a sanitizer."""
    found = memory(process)
    if found is None:
        pytest.skip("memory tells nothing under a sanitizer")
    return found


# Suppressions go by names, which the sanitizer asks another process for: without descriptors it can't, and reports all.
takes_descriptors = pytest.mark.skipif("TSAN_OPTIONS" in os.environ, reason="the thread sanitizer needs descriptors too")


def open_files(process):
    """The target of each descriptor, except pipes: only the symbolizer of a sanitizer has them, a worker has none."""
    links = []
    for entry in os.listdir(f"/proc/{process}/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{process}/fd/{entry}"))
    return sorted(link for link in links if not link.startswith("pipe:"))


def remembers(process, text):
    """Whether the text is anywhere in the memory that the process can write to. Only root may look."""
    with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as contents:
        for line in maps:
            place, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            with contextlib.suppress(OSError):
                contents.seek(start)
                if text.encode() in contents.read(end - start):
                    return True
    return False
