"""What a process and its descendants cost: CPU time and memory, from /proc."""
import os
from pathlib import Path


def family(root: int) -> list[int]:
    """The process `root` and all that descend from it, by their parents."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in parentheses may hold anything; the parent is the second field behind it.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process, [])
    return found


def cpu_seconds(processes: list[int]) -> float:
    """User and system time of all threads, to the nanosecond (the scheduler's own count)."""
    total = 0
    for process in processes:
        for thread in os.listdir(f"/proc/{process}/task"):
            total += int(Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0])
    return total / 1e9


def memory_bytes(processes: list[int]) -> int:
    """Proportional set size: what is shared between processes counts once."""
    total = 0
    for process in processes:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total
