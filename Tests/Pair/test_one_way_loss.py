"""Two nodes that don't hear each other's advertisements, beside two keepalived that don't either: a firewall drops
protocol 112, and everything else passes. `BELVEDERE_TEST_LOSS_SECONDS=60 make test-pair PYTEST='-n 0 -rP -k
advertisements'` has it go on for a minute."""

import os
import socket
import sys
import threading
import time

import pytest
from harness.pair.lan import CLAIM6
from harness.waiting import stays, wait_until

SECONDS = float(os.environ.get("BELVEDERE_TEST_LOSS_SECONDS", 16))
PORT = 7

# Answers what it receives, on every connection, on the node that has the address.
ECHO = f"""
import socket, threading
def serve(connection):
    with connection:
        while data := connection.recv(64):
            connection.sendall(data)
listener = socket.create_server(("", {PORT}))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Tunnel(threading.Thread):
    """One connection that stays, with a question every 10 ms; and what the client's machine has in its ARP table for
    the address."""

    def __init__(self, address):
        super().__init__()
        self.address, self.asked, self.lost, self.owners, self.over = address, 0, 0, [], threading.Event()
        self.start()

    def run(self):
        connection = None
        while not self.over.wait(0.01):
            self._look()
            try:
                if connection is None:
                    # Time enough for a busy machine: a connection that is cut is reset.
                    connection = socket.create_connection((self.address, PORT), 5)
                self.asked += 1
                connection.sendall(b"x")
                assert connection.recv(1) == b"x"
            except (OSError, AssertionError):
                self.lost += 1
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _look(self):
        with open("/proc/thread-self/net/arp") as table:
            for line in table:
                words = line.split()
                if words[0] == self.address and words[2] != "0x0" and (not self.owners or self.owners[-1] != words[3]):
                    self.owners.append(words[3])

    @property
    def moves(self):
        """How often another node answered than before."""
        return max(0, len(self.owners) - 1)

    def end(self):
        self.over.set()
        self.join()


def drop_advertisements(node):
    node.filter("input meta l4proto 112 drop")


@pytest.mark.parametrize("ways", ["both", "only the Backup", "only the Active"])
def test_nodes_without_each_others_advertisements_cut_no_more_connections_than_keepalived(testbed, ways):
    first, second = testbed.pair()
    theirs, their_second = testbed.keepalived_pair()
    echoes = [node.start(sys.executable, "-c", ECHO) for node in testbed.nodes]
    tunnels = []
    try:
        tunnels = [Tunnel(testbed.ADDRESS), Tunnel(testbed.OTHER_ADDRESS)]
        wait_until(lambda: all(each.asked > each.lost + 50 for each in tunnels), "answers")
        for each in tunnels:
            each.lost, each.owners = 0, each.owners[-1:]
        for one, two in ((first, second), (theirs, their_second)):
            if ways != "only the Active":
                drop_advertisements(two.node)
            if ways != "only the Backup":
                drop_advertisements(one.node)
        time.sleep(SECONDS)
        ours, others = tunnels
        print(
            f"one-way loss, {ways}: the answering node changed {ours.moves} times, {ours.lost} of {ours.asked} requests lost; "
            f"keepalived: {others.moves} times, {others.lost} of {others.asked}"
        )
        assert ours.moves <= others.moves and ours.lost <= others.lost, f"{first.log}\n{second.log}"
        assert first.node.holds(testbed.ADDRESS) and not second.node.holds(testbed.ADDRESS), "one of the two stops"
        if ways != "only the Active":
            second.wait_for_log("announces our address as its own and we do not hear its advertisements")
        # They hear each other again, and nothing moves for it.
        for node in {first.node, second.node}:
            node.remove_filter()
        moves = ours.moves
        stays(lambda: first.node.holds(testbed.ADDRESS) and ours.moves == moves, "the address stays", 2)
    finally:
        for each in tunnels:
            each.end()
        for echo in echoes:
            echo.kill()
            echo.wait()


ADDRESSES = {"IPv4": "192.0.2.100/24", "IPv6": "2001:db8::100/64"}


@pytest.mark.parametrize("family", ADDRESSES)
def test_kernel_with_the_address_of_a_dead_process_is_not_taken_for_an_active(testbed, family):
    first, second = testbed.pair(vrrp={"address": ADDRESSES[family]})
    said = len(second.log)
    # The lease outlives it, and the kernel answers for the address until its end.
    first.kill()
    second.wait_until("active", since=said)
    assert "we do not hear" not in second.log[said:], second.log


def test_new_active_over_ipv6_stays_despite_an_announcement_without_an_answer(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp={"address": ADDRESSES["IPv6"]})
    other = testbed.node("lb3")
    balancer.wait_until("active")
    for _ in range(50):
        other.run(sys.executable, "-c", CLAIM6)
        time.sleep(0.05)
    assert "leaving the address to it" not in balancer.log and "backup, was active" not in balancer.log, balancer.log


def test_death_of_an_active_whose_advertisements_are_lost_is_noticed(testbed):
    first, second = testbed.pair()
    for each in (first, second):
        drop_advertisements(each.node)
    second.wait_for_log("announces our address as its own and we do not hear its advertisements")
    assert not second.node.holds(testbed.ADDRESS)
    # No process releases the address: the kernel removes it with its lease.
    first.kill()
    second.wait_until("active")
    assert testbed.get().status == 200


@pytest.mark.parametrize("family", ADDRESSES)
def test_nodes_that_start_without_each_others_advertisements_end_with_one_active(testbed, family):
    testbed.server()
    address = ADDRESSES[family].split("/")[0]
    nodes = [testbed.node("lb1"), testbed.node("lb2")]
    for node in nodes:
        drop_advertisements(node)
    balancers = [testbed.balancer(node, vrrp={"address": ADDRESSES[family]}) for node in nodes]
    wait_until(lambda: any(node.holds(address) for node in nodes), "an Active")

    def is_settled():
        held = [node.holds(address) for node in nodes]
        said = ["we do not hear its advertisements" in balancer.log for balancer in balancers]
        return sum(held) == 1 and any(said)

    wait_until(is_settled, lambda: "\n".join(balancer.log for balancer in balancers))
    stays(is_settled, "one Active", 5)
