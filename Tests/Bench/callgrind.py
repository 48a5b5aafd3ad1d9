"""Counts instructions instead of seconds: the result does not depend on the load of the machine.

Each balancer runs under valgrind's callgrind with the same short load, then again with more of one row's work; the
difference, divided by how much more, is what one unit costs in user space, start and end of the process left out.
Health checks are off or as rare as can be, so that no clock decides how many there are. Of Belvedere it is the worker
that is counted: Debian's valgrind can't run the supervisor, which never sees a client's byte.

The gate counts only what this repository decides: the instructions of Belvedere's own binary and of libssl, not those of
libcrypto, libc and the dynamic linker, which another Debian changes. It leaves out the worker's main thread, which adds
up figures once a second: on a busy machine a run has more seconds.
"""
import argparse
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import balancers as setup
from balancers import Balancer
from load_generator import Load
from table import Table


@dataclass
class Row:
    """A row: the load's arguments and path, the number in every run, and the additional number in its own run."""
    name: str
    load: list[str]
    path: str
    always: int
    more: int
    # The regression gate: the upper bound of Belvedere's instructions for each instruction of HAProxy's.
    bound: float


ROWS = [
    Row("keep-alive GET, 200 B", ["-c", "1"], "/200", 50, 5000, 0.9),
    Row("keep-alive GET, 10 KB", ["-c", "1"], "/10k", 50, 5000, 0.9),
    # Nearly all of a handshake is OpenSSL's arithmetic, the same in all balancers.
    Row("full handshake + GET", ["-c", "1", "-1"], "/200", 5, 600, 1.0),
    Row("resumed handshake + GET", ["-c", "1", "-1", "-r"], "/200", 5, 600, 1.0),
]
# What the gate counts of a small GET with rules on who may come in: the configuration for each row.
_NETWORKS = ", ".join(f"10.{number}.0.0/16" for number in range(49))
_PATHS = ", ".join(f"{path}: {{ allow: [10.0.0.0/8] }}" for path in ("/admin", "/rest", "/newadmin"))
RULES = {
    "fifty networks, three paths": f"access: {{ allow: [127.0.0.0/8, {_NETWORKS}], paths: {{ {_PATHS} }} }}",
    "rate of requests": "rates: { requests: 100000/s burst 1000000 }",
}
# The recorded instructions of one unit of each row; a change that needs more of them records them again.
FIGURES = Path(__file__).with_name("instructions.json")
# A row fails above its recorded figure times this.
GATE = 1.02
# A busy machine only ever adds: a record that arrives in two pieces, a tick of a timer. One run in six has half a
# million more.
ATTEMPTS = 3
# How the name of the main thread's profile ends.
MAIN_THREAD = "-01"


def instructions(load: Path, balancer: Balancer, longer: Row | None, objects: tuple[str, ...] = ("",),
                 but: tuple[str, ...] = ()) -> int:
    """What all processes of the balancer execute in user space for one run, in objects whose file names begin so, in
    all threads `but` those whose profiles' names end so. A run of which the count is incomplete (no start, no
    regular end, half a profile) is repeated, a few times."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            counts = profiles(load, balancer, longer, but)
            return sum(spent for count in counts for name, spent in count.items() if name.startswith(objects))
        except (SystemExit, AssertionError, OSError, LookupError, ValueError) as fault:
            print(f"{balancer.name}, {longer.name if longer else 'the least'}: run {attempt} of at most {ATTEMPTS} does not"
                  f" count: {fault}", flush=True)
    raise SystemExit(f"{balancer.name}: {ATTEMPTS} runs, and none that counts")


def profiles(load: Path, balancer: Balancer, longer: Row | None, but: tuple[str, ...]) -> list[dict[str, int]]:
    """One run's instructions by object, for each thread of the balancer."""
    stem = f"callgrind.{balancer.name}"
    for old in balancer.work.glob(f"{stem}.*"):
        old.unlink()
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes",
                f"--callgrind-out-file={balancer.work}/{stem}.%p"]
    preload = balancer.work / "under_valgrind.so"
    try:
        if balancer.name == "belvedere":
            environment = {"LD_PRELOAD": str(preload), "BENCH_WRAPPER": " ".join(valgrind)}
            balancer.start(environment=environment, timeout=60)
        else:
            balancer.start(valgrind, timeout=60)
        for row in ROWS:
            count = row.always + (row.more if row is longer else 0)
            clients = Load(load, None, [*row.load, "-n", str(count)], balancer.port, row.path)
            try:
                result = clients.run()
            finally:
                clients.end()
            if result["errors"]:
                raise SystemExit(f"{balancer.name}, {row.name}: {result['errors']} failures")
    finally:
        balancer.stop()
    counts = [by_object(out) for out in balancer.work.glob(f"{stem}.*-*") if not out.name.endswith(but)]
    if not counts:
        raise SystemExit(f"{balancer.name} did not end in order: its instructions are unknown")
    return counts


def by_object(profile: Path) -> dict[str, int]:
    """The instructions executed in each object file, by the file's name, from callgrind's output."""
    names: dict[str, str] = {}
    spent: dict[str, int] = {}
    current, is_call, total = "", False, None
    with profile.open() as lines:
        for line in lines:
            if line[0] in "0123456789+-*":
                # The line after "calls=" is the cost of the called function, which is also listed with that function.
                if not is_call:
                    spent[current] = spent.get(current, 0) + int(line.split()[1])
                is_call = False
            elif line.startswith(("ob=", "cob=")):
                number, _, path = line.partition("=")[2].strip().partition(" ")
                if path:
                    names[number] = Path(path).name
                if line.startswith("ob="):
                    current = names[number]
            elif line.startswith("calls="):
                is_call = True
            elif line.startswith("totals: "):
                total = int(line.split()[1])
    if total is None or sum(spent.values()) != total:
        raise SystemExit(f"{profile.name}: {sum(spent.values())} instructions in its lines, {total} in all")
    return spent


def without_debug_information(binary: Path, work: Path) -> Path:
    """A copy without debug information, whose format in Swift is too new for Debian's valgrind."""
    copy = work / "belvedere"
    subprocess.run(["strip", "--strip-debug", "-o", copy, binary], check=True)
    return copy


def prepared(belvedere: Path, work: Path) -> Path:
    """The binary as valgrind can run it, and the library that starts valgrind in its worker."""
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", work / "under_valgrind.so",
                    Path(__file__).with_name("under_valgrind.c")], check=True)
    return without_debug_information(belvedere, work)


def side_by_side(arguments: argparse.Namespace, work: Path, load: Path) -> Table:
    belvedere = prepared(arguments.belvedere, work) if arguments.belvedere else None
    contestants = setup.balancers(work, belvedere, core=None, checked=False)
    table = Table([balancer.name for balancer in contestants])
    for balancer in contestants:
        least = instructions(load, balancer, None)
        for row in ROWS:
            spent = instructions(load, balancer, row) - least
            table.add(row.name, "instructions", balancer.name, spent / row.more)
    return table


def above_bound(table: Table) -> list[str]:
    """The rows in which Belvedere exceeds its bound relative to HAProxy's instructions."""
    return [f"{row.name}: {table.ratio(row.name, 'belvedere'):.3f} of HAProxy's instructions, {row.bound} allowed"
            for row in ROWS if table.ratio(row.name, "belvedere") > row.bound]


def gate(belvedere: Path, work: Path, load: Path, record: bool) -> list[str]:
    """The rows that need more instructions than recorded. With `record` their figures are written instead."""
    binary = prepared(belvedere, work)
    recorded = json.loads(FIGURES.read_text())
    counted = {}
    own = ("belvedere", "libssl.")
    for rules, configuration in {"": "", **RULES}.items():
        [balancer] = [b for b in setup.balancers(work, binary, core=None, checked=False, rules=configuration)
                      if b.name == "belvedere"]
        least = min(instructions(load, balancer, None, own, (MAIN_THREAD,)) for _ in range(3))
        for row in ROWS[:1] if rules else ROWS:
            name = f"{row.name}, {rules}" if rules else row.name
            limit = recorded.get(name, 0) * GATE
            attempts = []
            while len(attempts) < ATTEMPTS and (record or not attempts or min(attempts) > limit):
                spent = instructions(load, balancer, row, own, (MAIN_THREAD,))
                attempts.append(round((spent - least) / row.more))
            counted[name] = min(attempts)
            print(f"{name}: {counted[name]} instructions, {recorded.get(name, 'none')} recorded", flush=True)
    if record:
        FIGURES.write_text(json.dumps(counted, indent=2) + "\n")
        return []
    return [f"{name}: more than {GATE - 1:.0%} above the recorded figure; if there is a reason, say it in the commit"
            " that records the new one: Tests/Bench/run --gate --record"
            for name, count in counted.items() if count > recorded.get(name, 0) * GATE]
