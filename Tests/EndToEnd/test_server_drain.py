"""`belvedere server NAME drain`: clients of the server stay, and it gets no new ones, whatever happens meanwhile."""

import os
import signal

from harness.view import User, pair, users_of
from harness.waiting import client_addresses, wait_until

# Health checks that notice a change at once.
QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


def test_drained_server_loses_its_last_session_without_moving_a_user(testbed):
    balancer = pair(testbed)
    assigned = users_of(balancer)
    assert balancer.server("view01", "drain") == f"view01: drain, {len(assigned['view01'])} sessions left"
    # New clients get the other server.
    newcomers = [User(balancer, source) for source in client_addresses(20, start=100)]
    assert {user.server for user in newcomers} == {"view02"}
    # Clients of the server stay, also over new connections, until they disconnect.
    leaving = list(assigned["view01"])
    while leaving:
        for user in leaving + assigned["view02"] + newcomers:
            user.work()
            assert balancer.server_of(user.source) == user.server
        leaving.pop().leave()
        wait_until(
            lambda: balancer.load_of("view01")["sessions"] == len(leaving), lambda: f"{balancer.status_of('view01')}"
        )
    shown = balancer.load_of("view01")
    assert (shown["sessions"], shown["exchanges"], shown["waiting"]) == (0, 0, 0)
    # A client that returns in time gets its own server, which is up all the time.
    assert shown["clients"] >= len(assigned["view01"])
    assert balancer.server_of(assigned["view01"][0].source) == "view01"


def test_server_that_is_ready_again_gets_new_clients_only(testbed):
    balancer = pair(testbed)
    balancer.server("view01", "drain")
    assigned = {source: User(balancer, source) for source in client_addresses(24)}
    assert {user.server for user in assigned.values()} == {"view02"}
    assert balancer.server("view01", "ready").startswith("view01: up")
    for user in assigned.values():
        user.work()
        assert balancer.server_of(user.source) == "view02"
    assert {balancer.server_of(source) for source in client_addresses(24, start=100)} == {"view01", "view02"}


def test_drain_is_kept_over_reloads(testbed):
    balancer = pair(testbed)
    assigned = users_of(balancer)
    balancer.server("view01", "drain")
    for threads in (1, 3, 2):
        balancer.reload({"threads": threads})
        for user in assigned["view01"] + assigned["view02"]:
            user.work()
    assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
    shown = balancer.status_of("view01")
    assert (shown["state"], shown["reason"], shown["admin_state"]["mode"]) == ("drain", "administratively", "drain")


def test_drain_survives_the_death_of_the_worker_and_no_client_moves(testbed):
    file = testbed.directory / "affinity"
    balancer = pair(testbed, affinity={"file": str(file)})
    sources = client_addresses(24)
    assigned = balancer.servers_of(sources)
    assert set(assigned.values()) == {"view01", "view02"}
    balancer.server("view01", "drain")
    wait_until(file.exists, "the clients' file, which a drain has written at once")
    for _ in range(2):
        worker = balancer.worker
        os.kill(worker, signal.SIGKILL)
        balancer.wait_for_another_worker(worker)
        assert balancer.servers_of(sources) == assigned
        assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
        assert balancer.status_of("view01")["state"] == "drain"
    balancer.server("view01", "ready")
    assert balancer.servers_of(sources) == assigned
    assert {balancer.server_of(source) for source in client_addresses(40, start=200)} == {"view01", "view02"}


def test_drain_command_or_503_is_sufficient_to_drain(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health=QUICK)
    balancer.server("view01", "drain")
    servers[0].health = 503
    balancer.wait_for_log("server view01 is still drain: health check answered 503")
    assert balancer.server("view01", "ready").startswith("view01: drain")
    servers[0].health = 200
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")


def test_drained_server_that_dies_is_down_and_drains_after_its_return(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health=QUICK)
    balancer.server("view01", "drain")
    servers[0].die()
    balancer.wait_for_state("view01", "down")
    assert balancer.server("view01", "drain").startswith("view01: down, drain requested")
    servers[0].start()
    balancer.wait_for_state("view01", "drain")


def test_passed_through_connections_are_drained_as_well(testbed):
    def speak(request):
        request.respond(200, request.server.name)

    servers = [testbed.server(name, script=speak) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, mode="passthrough", tls=None)

    def assigned_server(source):
        with balancer.connect(source) as client:
            return client.get("/", "Connection: close").text

    assigned = {source: assigned_server(source) for source in client_addresses(24)}
    assert set(assigned.values()) == {"view01", "view02"}
    source = next(source for source, server in assigned.items() if server == "view01")
    with balancer.connect(source) as kept:
        assert kept.get("/").text == "view01"
        assert balancer.server("view01", "drain").startswith("view01: drain, 1 session left")
        assert {source: assigned_server(source) for source in assigned} == assigned
        assert {assigned_server(source) for source in client_addresses(20, start=100)} == {"view02"}
        balancer.server("view01", "maintenance")
        assert kept.get("/").text == "view01"
        assert {assigned_server(source) for source in assigned} == {"view02"}
