"""Counts instructions instead of seconds: the same figure on a busy machine as on an idle one.

Each balancer runs under valgrind's callgrind with the same short load, then again with more of one row's work; the
difference, divided by how much more, is what one unit costs in user space, start and end of the process left out.
Health checks are off or as rare as can be, so that no clock decides how many there are. Of Belvedere it is the worker
that is counted: Debian's valgrind can't run the supervisor, which never sees a client's byte.
"""
import argparse
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import balancers as setup
from balancers import Balancer
from load import Load
from table import Table


@dataclass
class Row:
    """A row: the load's arguments and path, how often in every run, and how much more often in its own."""
    name: str
    load: list[str]
    path: str
    always: int
    more: int
    # The regression gate: the most that Belvedere may need for each instruction of HAProxy's.
    bound: float


ROWS = [
    Row("keep-alive GET, 200 B", ["-c", "1"], "/200", 50, 1000, 0.9),
    Row("keep-alive GET, 10 KB", ["-c", "1"], "/10k", 50, 1000, 0.9),
    # Nearly all of a handshake is OpenSSL's arithmetic, the same in all.
    Row("full handshake + GET", ["-c", "1", "-1"], "/200", 5, 50, 1.0),
    Row("resumed handshake + GET", ["-c", "1", "-1", "-r"], "/200", 5, 100, 1.0),
]


def instructions(load: Path, balancer: Balancer, longer: Row | None) -> int:
    """What all processes of the balancer execute in user space for one run."""
    stem = f"callgrind.{balancer.name}"
    for old in balancer.work.glob(f"{stem}.*"):
        old.unlink()
    valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={balancer.work}/{stem}.%p"]
    preload = balancer.work / "under_valgrind.so"
    if balancer.name == "belvedere":
        environment = {"LD_PRELOAD": str(preload), "BENCH_WRAPPER": " ".join(valgrind)}
        balancer.start(environment=environment, patience=60)
    else:
        balancer.start(valgrind, patience=60)
    try:
        for row in ROWS:
            count = row.always + (row.more if row is longer else 0)
            clients = Load(load, None, [*row.load, "-n", str(count)], balancer.port, row.path)
            result = clients.run()
            clients.end()
            if result["errors"]:
                raise SystemExit(f"{balancer.name}, {row.name}: {result['errors']} failures")
    finally:
        balancer.stop()
    totals = [re.search(r"^totals: (\d+)", out.read_text(), re.MULTILINE) for out in balancer.work.glob(f"{stem}.*")]
    if not totals or None in totals:
        raise SystemExit(f"{balancer.name} did not end in order: its instructions are unknown")
    return sum(int(total[1]) for total in totals)


def without_debug_information(binary: Path, work: Path) -> Path:
    """A copy that Debian's valgrind can read: what Swift writes is too new for it."""
    copy = work / "belvedere"
    subprocess.run(["strip", "--strip-debug", "-o", copy, binary], check=True)
    return copy


def side_by_side(arguments: argparse.Namespace, work: Path, load: Path) -> Table:
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", work / "under_valgrind.so",
                    Path(__file__).with_name("under_valgrind.c")], check=True)
    belvedere = without_debug_information(arguments.belvedere, work) if arguments.belvedere else None
    contestants = setup.balancers(work, belvedere, core=None, checked=False)
    table = Table([balancer.name for balancer in contestants])
    for balancer in contestants:
        least = instructions(load, balancer, None)
        for row in ROWS:
            spent = instructions(load, balancer, row) - least
            table.add(row.name, "instructions", balancer.name, spent / row.more)
    return table


def above_bound(table: Table) -> list[str]:
    """The rows in which Belvedere needs more of HAProxy's instructions than it may."""
    return [f"{row.name}: {table.ratio(row.name, 'belvedere'):.3f} of HAProxy's instructions, {row.bound} allowed"
            for row in ROWS if table.ratio(row.name, "belvedere") > row.bound]
