"""`belvedere server NAME maintenance`: it gets no clients, queued requests move, and its tunnels go on
until they end."""

import os
import signal

from harness.server import Held
from harness.view import pair, users_of
from harness.waiting import client_addresses, wait_until


def test_server_in_maintenance_gets_no_requests_and_its_tunnels_go_on(testbed):
    balancer = pair(testbed)
    assigned = users_of(balancer)
    assert balancer.server("view01", "maintenance").startswith("view01: maintenance")
    for user in assigned["view01"]:
        # The next page comes from the other server, the tunnel goes on.
        assert user.page() == "view02"
        user.tunnel.say()
    before = len(testbed.servers[0].requests)
    for source in client_addresses(20, start=100):
        assert balancer.server_of(source) == "view02"
    assert len(testbed.servers[0].requests) == before
    wait_until(lambda: balancer.load_of("view01")["exchanges"] == len(assigned["view01"]), "the tunnels in the figures")
    # After the return, clients that have moved stay.
    balancer.server("view01", "ready")
    for user in assigned["view01"]:
        assert user.page() == "view02"


def test_idle_connections_to_a_server_in_maintenance_are_closed_and_none_is_kept(testbed):
    held = Held()
    server = testbed.server("view01", script=held)
    balancer = testbed.balance(server, testbed.server("view02"), server_changes={"view02": {"backup": True}})
    assert balancer.server_of("127.0.0.1") == "view01"
    with balancer.connect() as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert held.arrived.wait(20)
        balancer.server("view01", "maintenance")
        held.released.set()
        assert client.answer()["X-Server"] == "view01"
        wait_until(lambda: all(c.stream.ended or c.stream.closed for c in server.traffic), "every connection's end")
        assert client.get("/whoami")["X-Server"] == "view02"


def test_queued_requests_move_when_their_server_goes_into_maintenance(testbed):
    held = Held()
    balancer = testbed.balance(
        testbed.server("view01", script=held), testbed.server("view02"),
        server_changes={"view01": {"connections": 1}, "view02": {"backup": True}},
    )  # fmt: skip
    holder, waiter = balancer.connect("127.0.91.1"), balancer.connect("127.0.91.2")
    holder.send(b"GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
    assert held.arrived.wait(20)
    waiter.send(b"GET /whoami HTTP/1.1\r\nHost: view.test\r\n\r\n")
    wait_until(lambda: balancer.load_of("view01")["waiting"] == 1, lambda: f"{balancer.status_of('view01')}")
    balancer.server("view01", "maintenance")
    assert waiter.answer()["X-Server"] == "view02"
    held.released.set()
    assert holder.answer()["X-Server"] == "view01"


def test_maintenance_survives_the_death_of_the_worker_without_a_check(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers)
    balancer.server("view01", "maintenance")
    servers[0].die()
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    shown = balancer.status_of("view01")
    assert (shown["state"], shown["reason"]) == ("maintenance", "administratively")
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    # That server has not answered yet.
    assert balancer.server("view01", "ready").startswith("view01: down")


def test_command_that_leaves_no_server_prints_a_warning(testbed):
    balancer = testbed.balance(testbed.server("view01"))
    run = balancer.call("server", "view01", "maintenance")
    assert run.returncode == 0
    assert run.stderr == "warning: no server takes new clients now: they are answered with 503\n"
    assert balancer.get("/").status == 503
    balancer.server("view01", "ready")
    assert balancer.get("/").status == 200
