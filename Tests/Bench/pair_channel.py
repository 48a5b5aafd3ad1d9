"""What the channel between the nodes of a pair costs: bytes each way, and the CPU of the thread `pair` on both nodes.

Two nodes in network namespaces, as in Tests/Pair. A proxy tells lb1 of its clients, who visit again once a minute; lb2 is
the Backup. Root, and the tools of `make test-pair`.
"""
import os
import random
import re
import time
from pathlib import Path

from harness.certificates import CertificateFactory
from harness.pair import lan
from harness.pair.balancer import Balancer
from harness.pair.channel import PORT, clients, connection, secret_file, settings
from harness.pair.pair_testbed import Testbed
from harness.processes import family
from harness.waiting import wait_until

NAMES = ("lb1", "lb2")
# How often each client visits, in seconds.
VISIT = 60


class Meter:
    """What was sent and spent until now, less what had been before."""

    def __init__(self, nodes: list[Balancer]):
        self.nodes = nodes
        self.before = self.now()

    def now(self) -> list[float]:
        """Bytes from lb1 and from lb2, CPU of lb1 and of lb2 in seconds, and the time."""
        return [*sent(self.nodes[0]), *map(cpu, self.nodes), time.monotonic()]

    def figures(self) -> list[float]:
        return [after - before for before, after in zip(self.before, self.now())]


def sent(node: Balancer) -> list[float]:
    """The payload of TCP that this node has sent on the channel, and that it has received; without retransmissions."""
    text = node.node.run("ss", "-Htin", "state", "established", f"( sport = :{PORT} or dport = :{PORT} )")
    return [sum(float(count) for count in re.findall(rf"\b{name}:(\d+)", text)) for name in ("bytes_acked", "bytes_received")]


def cpu(node: Balancer) -> float:
    """Seconds of the thread `pair`, from the scheduler."""
    for process in family(node.process.pid):
        for thread in Path(f"/proc/{process}/task").iterdir():
            if (thread / "comm").read_text() == "pair\n":
                return int((thread / "schedstat").read_text().split()[0]) / 1e9
    raise SystemExit(f"{node.node.name} has no thread `pair`")


def visit(testbed: Testbed, sources: list[str], seconds: float = 0) -> None:
    """Each of the clients once; or, for so long, each once a minute, in no order."""
    end = time.monotonic() + seconds
    with connection(testbed) as proxy:
        for source in sources if seconds == 0 else iter(lambda: random.choice(sources), None):
            assert proxy.get("/", f"X-Forwarded-For: {source}").status == 200
            if seconds > 0:
                time.sleep(VISIT / len(sources))
                if time.monotonic() > end:
                    return


def write(name: str, figures: list[float], per: float, unit: str) -> None:
    to, back, *spent, seconds = figures
    print(f"{name:24}{to / per:12.1f}{back / per:12.1f}  bytes/{unit:8}"
          + "".join(f"{1000 * value:10.1f}" for value in spent) + f"  ms in {seconds:.0f} s", flush=True)


def measure(belvedere: Path, work: Path, count: int, seconds: float) -> int:
    reason = lan.missing_requirement()
    if reason:
        raise SystemExit(f"--pair: {reason}")
    os.environ["BELVEDERE"] = str(belvedere)
    certificates = CertificateFactory(work)
    testbed = Testbed(work, certificates, lan.Lan())
    sources = [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(2 * count)]
    old, new = sources[:count], sources[count:]
    try:
        for name in ("view01", "view02"):
            testbed.server(name)
        changes = settings(secret_file(work))
        first = testbed.balancer(testbed.node("lb1"), **changes).wait_until("active")
        visit(testbed, old)
        print(f"{'':24}{'lb1 to lb2':>12}{'back':>12}{'':16}{'CPU lb1':>10}{'lb2':>10}")
        before = cpu(first)
        second = testbed.balancer(testbed.node("lb2"), **changes)
        second.wait_for_log("pair: lb1 has joined")
        wait_until(lambda: sum(clients(second).values()) == count, lambda: f"{count} clients: {clients(second)}")
        meter = Meter([first, second])
        write(f"joining, {count} clients", [*meter.before[:2], meter.before[2] - before, meter.before[3], 0], count, "client")
        visit(testbed, new)
        wait_until(lambda: sum(clients(second).values()) == 2 * count, lambda: f"{2 * count} clients: {clients(second)}")
        write(f"{count} new clients", meter.figures(), count, "client")
        meter = Meter([first, second])
        visit(testbed, old, seconds)
        write("steady", figures := meter.figures(), figures[-1], "s")
    finally:
        testbed.end()
    return 0
