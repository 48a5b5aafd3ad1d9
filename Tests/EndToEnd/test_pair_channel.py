"""Both nodes of a pair send a client to the same server."""

import os
import secrets
import signal

import pytest
from harness.nodes import NAMES, QUICK, Pair, clients
from harness.people import Person, sessions
from harness.service import belvedere
from harness.waiting import client_addresses, stays, wait_until

pytestmark = pytest.mark.threads


def displaced(node, servers, others, count=60):
    """The servers of clients of this node, after one server was gone for a while: some are not where the hash would
    send them."""
    sources = client_addresses(count)
    node.servers_of(sources)
    servers[0].die()
    for one in [node, *others]:
        one.wait_for_state("view01", "down")
    kept = node.servers_of(sources)
    servers[0].start()
    for one in [node, *others]:
        one.wait_for_state("view01", "up")
    return kept


def moved(node, kept):
    """The clients that this node sends to another server."""
    found = node.servers_of(kept)
    return [source for source in kept if found[source] != kept[source]]


@pytest.fixture
def servers(testbed):
    return [testbed.server(f"view{number:02}") for number in (1, 2, 3)]


@pytest.fixture
def pair(testbed, servers):
    return Pair(testbed, servers).start().wait_until_joined()


def test_nodes_without_a_pair_send_moved_clients_to_different_servers(testbed, servers):
    first, second = (testbed.balance(*servers, health=QUICK) for _ in NAMES)
    kept = displaced(first, servers, [second])
    assert moved(second, kept)


@pytest.mark.parametrize("name", NAMES)
def test_nodes_of_a_pair_send_a_client_to_the_same_server(pair, servers, name):
    other = NAMES[1 - NAMES.index(name)]
    kept = displaced(pair[name], servers, [pair[other]])
    pair.wait_until_alike(len(kept))
    assert moved(pair[other], kept) == []


def test_restarted_node_gets_the_assignments(pair, servers):
    kept = displaced(pair["lb1"], servers, [pair["lb2"]])
    pair.wait_until_alike(len(kept))
    for name in NAMES:
        pair[name].restart()
        pair.wait_until_joined()
        assert moved(pair[name], kept) == []


def test_replacement_worker_gets_the_assignments_before_it_accepts_clients(pair, servers):
    kept = displaced(pair["lb1"], servers, [pair["lb2"]])
    pair.wait_until_alike(len(kept))
    for name in NAMES:
        worker = pair[name].worker
        pair[name].expects_worker_death = True
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: pair[name].worker not in (None, worker), "another worker")
        assert moved(pair[name], kept) == []


def test_nodes_with_different_secrets_log_it_once_and_serve(testbed, servers):
    pair = Pair(testbed, servers).start("lb1").start("lb2", secret=secrets.token_hex(32))
    for name, other in zip(NAMES, reversed(NAMES)):
        pair[name].wait_for_log(rf"warning +worker: pair: {other} is away: the TLS handshake failed, as with different secrets: ")
        assert pair[name].get().status == 200
    stays(lambda: all(pair[name].log.count("pair: ") == 1 for name in NAMES), "one line", 3)


def test_secret_is_changed_without_an_interruption(pair):
    """As in docs/pair.md: on all nodes the new one as second line, then first, then alone."""
    old, new = pair.secret, secrets.token_hex(32)

    def change(*lines):
        for name in NAMES:
            (pair.testbed.directory / f"{name}.key").write_text("\n".join(lines) + "\n")
            pair[name].reload()

    for lines in ([old, new], [new, old]):
        change(*lines)
        assert not any("has left" in pair[name].log for name in NAMES)
    # The removal of a secret ends the connection that was made with it.
    change(new)
    for name in NAMES:
        log = pair[name].wait_for_log(r"has left: .*configuration has changed")
        wait_until(lambda log=log, node=pair[name]: node.log.count("has joined") >= 2, lambda: f"it joins again: {log}")
    # A new connection with the new one.
    pair["lb2"].restart()
    pair.wait_until_joined()


def test_clients_identified_by_cookie_keep_their_servers_through_three_changes_of_the_secret(testbed):
    """Created on lb1 and copied to lb2 later: at each step, on both nodes, and with a new worker."""
    servers = [testbed.server(name, script=sessions()) for name in ("view01", "view02")]
    pair = Pair(testbed, servers, affinity={"by": ["cookie JSESSIONID", "client-address"]}).start().wait_until_joined()
    files = {name: testbed.directory / f"{name}.key" for name in NAMES}
    people = [Person(pair["lb1"], source) for source in client_addresses(12)]
    assigned = [person.ask()[0] for person in people]
    assert set(assigned) == {"view01", "view02"}
    # An entry by address and one by cookie.
    wait_until(
        lambda: clients(pair["lb1"]) == clients(pair["lb2"]) and sum(clients(pair["lb2"]).values()) >= 2 * len(people),
        lambda: f"{clients(pair['lb2'])}",
    )
    # By address some of them would be sent to the other server.
    elsewhere = client_addresses(24)[12:]

    def assert_known(name):
        for person, server, source in zip(people, assigned, elsewhere):
            person.balancer, person.source = pair[name], source
            assert person.ask() == (server, True)

    for _ in range(3):
        assert belvedere("pair", "rotate-secret", files["lb1"]).returncode == 0
        pair["lb1"].reload()
        assert_known("lb1")
        assert_known("lb2")
        files["lb2"].write_bytes(files["lb1"].read_bytes())
        pair["lb2"].reload()
        assert_known("lb2")
    pair["lb1"].restart()
    pair.wait_until_joined()
    assert_known("lb1")
