"""What `check` accepts, the running worker serves: the ends of every range that docs/configuration.md names, reloads between
them, and as many servers as there may be."""

import random
import re

import pytest
from harness import ROOT
from harness.service import belvedere, merged
from harness.waiting import wait_until

SECTIONS = ["timeouts", "limits", "health", "affinity", "pool"]
# Tables of ten million clients are for machines that have the memory.
HIGHEST = {"entries": "100000"}


def ranges(section):
    """The ends of each key of a section that is given as a range: `number, 1 to 256`."""
    text = (ROOT / "docs/configuration.md").read_text()
    table = re.search(rf"<!-- keys of {re.escape(section)} -->\n(.*?)\n\n", text, re.DOTALL)[1]
    found = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        ends = re.search(r"(?:number|duration|size), (\w+) to (\w+)", cells[2]) if len(cells) > 2 else None
        if ends:
            key = cells[0].strip("| `")
            found[key] = (ends[1], HIGHEST.get(key, ends[2]))
    assert found, section
    return found


def settings(choose, name="view01"):
    """A configuration's changes, with `choose` asked for one end of every range."""
    made = {section: {k: choose(ends) for k, ends in ranges(section).items()} for section in SECTIONS}
    made["retries"] = choose(("0", "10"))
    made["tls"] = {"ticket-rotation": choose(ranges("tls")["ticket-rotation"])}
    server = {k: choose(ends) for k, ends in ranges("servers.NAME").items() if k != "port"}
    return {**made, "servers": {name: server}}


def lowest(ends):
    return ends[0]


def highest(ends):
    return ends[1]


def is_accepted(balancer):
    return belvedere("check", "-c", balancer.file).returncode == 0


def test_every_range_is_found():
    assert len(ranges("timeouts")) >= 9 and ranges("servers.NAME")["weight"] == ("0", "256")


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_accepted_is_taken_over_and_the_worker_lives(testbed, seed):
    balancer = testbed.balance(testbed.server(), health={"interval": "200ms", "rise": 1})
    before, worker = balancer.configuration, balancer.worker
    choice = random.Random(seed).choice
    for choose in (lowest, highest, choice, choice, lowest, choice):
        # Some ends exclude each other: a jitter that is longer than the interval.
        balancer.configuration = merged(before, settings(choose))
        balancer.write()
        while not is_accepted(balancer):
            balancer.configuration = merged(before, settings(choice))
            balancer.write()
        balancer.reload()
        with balancer.connect_redirect() as client:
            client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
    balancer.configuration = before
    balancer.reload()
    # Checks of 10 ms may have found the server down meanwhile.
    wait_until(lambda: balancer.get("/").status == 200, lambda: balancer.log)
    assert balancer.worker == worker and "the worker died" not in balancer.log, balancer.log


@pytest.mark.parametrize("count", [65, 1024])
def test_as_many_servers_as_are_accepted_are_served_and_tunnels_go_on(testbed, count):
    server = testbed.server()
    balancer = testbed.balance(server)
    worker = balancer.worker
    kept = balancer.connect()
    kept.send("GET /kept HTTP/1.1\r\nHost: view.test\r\n\r\n")
    # Nobody listens there.
    others = {f"other{n}": {"address": f"127.99.{n // 250}.{n % 250 + 1}", "port": 9} for n in range(count - 1)}
    balancer.reload({"servers": others})
    balancer.wait_for_log(rf"server other{count - 2} is down")
    assert balancer.get("/").status == 200
    run = balancer.call("server", "view01", "drain")
    assert run.returncode == 0, run.stderr
    run = balancer.call("status")
    assert run.returncode == 0 and f"other{count - 2}" in run.stdout, run.stdout + run.stderr
    balancer.reload({"servers": dict.fromkeys(others)})
    assert balancer.worker == worker and "the worker died" not in balancer.log, balancer.log
    kept.close()
