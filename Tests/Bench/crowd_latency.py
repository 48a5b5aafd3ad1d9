"""A client beside a crowd: the duration of its requests, and the cost of the crowd for the balancer.

The client and the servers have priority over the crowd on the load's core (SCHED_FIFO), and the balancer has its own
core. Where they share cores, a thread that is ready waits for a running one until the kernel's next tick, 4 ms at
250 Hz."""
import os
import time

from balancers import NAME, Balancer
from harness.client import client_context, connect_tls
from harness.crowd import Beside, Crowd, percentile
from harness.processes import family, memory, open_files

KINDS = {"silent": "connect and send nothing", "hello": "stop after their ClientHello", "reset": "reset behind their ClientHello",
         "idle": "are idle after a request"}  # fmt: skip
FIRST = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK


def go_first(process: int) -> None:
    try:
        os.sched_setscheduler(process, FIRST, os.sched_param(10))
    except PermissionError:
        raise SystemExit("--crowd: only root may put the client in front of the crowd") from None


def measure(balancer: Balancer, backend: Balancer, core: int, kind: str, size: int, after: float) -> None:
    """Prints the figures of one balancer."""
    context = client_context()
    endpoint = "127.0.0.1", balancer.port
    os.sched_setaffinity(0, {core})
    for process in [0, *family(backend.process.pid)]:
        go_first(process)
    balancer.start()
    try:
        worker = family(balancer.process.pid)[-1]
        beside = Beside(lambda source: connect_tls(endpoint, context, server_name=NAME, source=source), "/200", NAME)
        beside.requests(10)
        quiet = beside.requests(200)
        sizes, descriptors = [memory(worker) // 1024], [len(open_files(worker))]
        began = time.monotonic()
        with Crowd(kind, endpoint, size) as crowd:
            phases = {"while they come": beside.requests_until(lambda: crowd.is_complete)}
            complete = crowd.wait() and time.monotonic()
            sizes.append(memory(worker) // 1024)
            descriptors.append(len(open_files(worker)))
            phases["in the second after"] = beside.requests_until(lambda: time.monotonic() > complete + 1)
            phases["in five more"] = beside.requests_until(lambda: time.monotonic() > complete + 6)
            crowd.end()
        time.sleep(after)
        beside.requests(1)
        sizes.append(memory(worker) // 1024)
        descriptors.append(len(open_files(worker)))
        beside.close()
    finally:
        balancer.stop()
    print(f"{balancer.name}: {size} clients that {KINDS[kind]}, within {complete - began:.1f} s; "
          f"{' -> '.join(map(str, sizes))} MB, {' -> '.join(map(str, descriptors))} descriptors, {after:.0f} s after their end")
    for which, name in enumerate(("new connection", "kept connection")):
        p99 = percentile(quiet, which, 99)
        shown = [f"{where} {percentile(samples, which, 50) * 1000:.2f}/{percentile(samples, which, 99) * 1000:.2f} "
                 f"({percentile(samples, which, 99) / p99:.1f} x)" for where, samples in phases.items()]
        print(f"  {name}, p50/p99 in ms: quiet {percentile(quiet, which, 50) * 1000:.2f}/{p99 * 1000:.2f}; " + "; ".join(shown))
