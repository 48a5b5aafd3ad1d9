"""How soon a lost server is known with the default health checks: how long its clients wait for another server, when its
state changes, and when the virtual address leaves a node that has lost all of them.
`make test-pair PYTEST='-n 0 -rP -k test_lost_servers'` prints the figures that docs/configuration.md has.

No figure is compared with a time: the machine of a test may be busy."""

import shutil
import statistics
import threading
import time

import pytest
from harness.pair.channel import connection, servers_of
from harness.pair.lan import Lan
from harness.waiting import wait_until

TRIALS = 3
CLIENTS = 4
# What lb1's kernel does with the servers' packets.
LOSSES = {
    "refuses": "output ip daddr {servers} tcp flags & (syn|ack) == syn reject with tcp reset",
    "has vanished": "input ip saddr {servers} drop",
    # TCP connects, and its data is acknowledged; no answer comes.
    "hangs": "input ip saddr {servers} tcp flags & psh == psh drop",
}
SETTINGS = {"health": None, "forwarded": {"trusted-proxies": [f"{Lan.CLIENT}/32"]}}


class Loss:
    """From its start to `end`, a node can't reach some servers."""

    def __init__(self, node, kind, *servers):
        self.node = node
        node.filter(LOSSES[kind].format(servers="{ " + ", ".join(servers) + " }"))
        self.since = time.monotonic()
        if kind == "refuses":
            # The process has died: its connections end.
            for server in servers:
                node.run("ss", "--kill", "--tcp", "dst", server)

    def end(self):
        self.node.remove_filter()


class Clients:
    """Users of some servers, who ask for a page every 50 ms and at once again after a failure."""

    def __init__(self, testbed, *servers):
        sources = [f"198.51.100.{number}" for number in range(1, 100)]
        assigned = servers_of(testbed, sources)
        self.testbed, self._ended, self.waits = testbed, threading.Event(), []
        self._threads = [
            threading.Thread(target=self._ask, args=(source,))
            for server in servers
            for source in [source for source in sources if assigned[source] == server][:CLIENTS]
        ]
        for thread in self._threads:
            thread.start()
        wait_until(lambda: len(self.waits) > 2 * len(self._threads), "answers")

    def _ask(self, source):
        began = time.monotonic()
        while not self._ended.is_set():
            try:
                with connection(self.testbed) as proxy:
                    answer = proxy.get("/", f"X-Forwarded-For: {source}")
            except OSError:
                answer = None
            if answer is not None and answer.status == 200:
                self.waits.append((began, time.monotonic() - began))
                self._ended.wait(0.05)
                began = time.monotonic()

    def longest_wait(self, since):
        """The longest wait that had not ended when the server was lost, or began afterwards."""
        return max(wait for began, wait in self.waits if began + wait > since)

    def end(self):
        self._ended.set()
        for thread in self._threads:
            thread.join()


def down_since(balancer, said, since, name="view01"):
    """The time until this server is down."""
    balancer.wait_for_log(rf"server {name} is down", since=said)
    return time.monotonic() - since


def shown(what, figures):
    print(f"{what}: {statistics.median(figures):.2f} s ({', '.join(f'{figure:.2f}' for figure in sorted(figures))})")


@pytest.fixture(autouse=True)
def tools():
    for tool in ("nft", "ss"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")


@pytest.mark.parametrize("kind", LOSSES)
def test_clients_of_a_lost_server_reach_another_one(testbed, kind):
    for name in ("view01", "view02"):
        testbed.server(name)
    balancer = testbed.balancer(testbed.node("lb1"), **SETTINGS).wait_until("active")
    waits, downs = [], []
    for _ in range(TRIALS):
        clients = Clients(testbed, "view01")
        said = len(balancer.log)
        loss = Loss(balancer.node, kind, testbed.servers[0].address)
        downs.append(down_since(balancer, said, loss.since))
        clients.end()
        waits.append(clients.longest_wait(loss.since))
        loss.end()
        balancer.wait_for_log("server view01 is up", since=said)
    shown(f"a server {kind}: it is down after", downs)
    shown(f"a server {kind}: its clients wait for another one for up to", waits)


@pytest.mark.parametrize("kind", LOSSES)
def test_address_leaves_a_node_that_has_lost_all_servers(testbed, kind):
    for name in ("view01", "view02"):
        testbed.server(name)
    first, _ = testbed.pair(**SETTINGS)
    coming = testbed.watch(testbed.nodes[1])
    downs, moves, waits = [], [], []
    for _ in range(TRIALS):
        clients = Clients(testbed, "view01", "view02")
        said = len(first.log)
        loss = Loss(first.node, kind, *(server.address for server in testbed.servers))
        downs.append(max(down_since(first, said, loss.since, server.name) for server in testbed.servers))
        moves.append(coming.came(testbed.ADDRESS, loss.since) - loss.since)
        served = len(clients.waits)
        wait_until(lambda: len(clients.waits) > served + 8 * CLIENTS, "answers by way of the other node")
        clients.end()
        waits.append(clients.longest_wait(loss.since))
        loss.end()
        for server in testbed.servers:
            first.wait_for_log(f"server {server.name} is up", since=said)
        first.wait_until("active", since=said)
        wait_until(lambda: first.node.holds(testbed.ADDRESS), "the address on the first node")
    shown(f"all servers of the Active: {kind}: they are down after", downs)
    shown(f"all servers of the Active: {kind}: the other node has the address after", moves)
    shown(f"all servers of the Active: {kind}: clients wait for up to", waits)
