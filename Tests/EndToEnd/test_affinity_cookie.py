"""Clients identified by a session cookie: many behind one address, one at several addresses, and their servers
when servers fail and return (`affinity: by`)."""

import pytest
from harness.people import Person, sessions
from harness.waiting import client_addresses

pytestmark = pytest.mark.threads

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
BOTH = ["cookie JSESSIONID", "client-address"]


def pair(testbed, by, **changes):
    servers = {name: testbed.server(name, script=sessions()) for name in ("view01", "view02")}
    affinity = {"by": by, **changes.pop("affinity", {})}
    return servers, testbed.balance(*servers.values(), health=QUICK, affinity=affinity, **changes)


def test_users_behind_one_address_have_their_own_servers(testbed):
    """Without affinity by address a client without a cookie gets any server, and stays there."""
    _, balancer = pair(testbed, "cookie JSESSIONID")
    people = [Person(balancer) for _ in range(24)]
    assigned = [person.ask()[0] for person in people]
    assert set(assigned) == {"view01", "view02"}
    for _ in range(3):
        assert [person.ask() for person in people] == [(server, True) for server in assigned]


def test_requests_on_one_connection_are_routed_by_their_cookies(testbed):
    """As from a proxy that shares its connections."""
    _, balancer = pair(testbed, "cookie JSESSIONID")
    people = [Person(balancer) for _ in range(12)]
    assigned = [person.ask()[0] for person in people]
    with balancer.connect() as client:
        for _ in range(2):
            assert [person.ask(client) for person in people] == [(server, True) for server in assigned]


def test_client_without_a_cookie_is_routed_by_its_address(testbed):
    _, balancer = pair(testbed, BOTH)
    sources = client_addresses(12)
    by_address = {source: Person(balancer, source).ask()[0] for source in sources}
    assert set(by_address.values()) == {"view01", "view02"}
    # Other users at the same addresses, with an unknown cookie.
    for source in sources:
        other = Person(balancer, source)
        assert other.ask()[0] == by_address[source]
        other.cookie = "unknown"
        assert other.ask() == (by_address[source], False)


def test_session_at_another_address_is_routed_by_its_cookie_and_does_not_affect_others_there(testbed):
    _, balancer = pair(testbed, BOTH)
    sources = client_addresses(24)
    people = [Person(balancer, source) for source in sources]
    assigned = {person.source: person.ask()[0] for person in people}
    here = next(person for person in people if assigned[person.source] == "view01")
    there = next(person for person in people if assigned[person.source] == "view02")
    here.source = there.source
    assert here.ask() == ("view01", True)
    assert there.ask() == ("view02", True)
    assert Person(balancer, there.source).ask()[0] == "view02"


def test_session_of_a_lost_server_moves_to_another_server_and_stays_there(testbed):
    servers, balancer = pair(testbed, "cookie JSESSIONID")
    people = [Person(balancer) for _ in range(16)]
    assigned = [person.ask()[0] for person in people]
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    assert [person.ask() for person in people] == [("view02", server == "view02") for server in assigned]
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert [person.ask() for person in people] == [("view02", True)] * 16


def test_session_that_moved_and_kept_its_cookie_stays_there_too(testbed):
    """Servers that share sessions set no new cookie."""
    servers, balancer = pair(testbed, "cookie JSESSIONID")
    shared = sessions()
    for server in servers.values():
        server.script = shared
    people = [Person(balancer) for _ in range(16)]
    assert {person.ask()[0] for person in people} == {"view01", "view02"}
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    assert [person.ask() for person in people] == [("view02", True)] * 16
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert [person.ask() for person in people] == [("view02", True)] * 16


def test_drained_server_keeps_its_sessions_and_gets_no_new_ones(testbed):
    servers, balancer = pair(testbed, "cookie JSESSIONID")
    people = [Person(balancer) for _ in range(16)]
    assigned = [person.ask()[0] for person in people]
    servers["view01"].health = 503
    balancer.wait_for_state("view01", "drain")
    assert [person.ask() for person in people] == [(server, True) for server in assigned]
    assert {Person(balancer).ask()[0] for _ in range(8)} == {"view02"}


def test_number_of_sessions_is_limited(testbed):
    _, balancer = pair(testbed, "cookie JSESSIONID", affinity={"entries": 16})
    people = [Person(balancer) for _ in range(200)]
    assigned = [person.ask()[0] for person in people]
    # One entry in each of sixteen shards; an evicted client gets any server, and may have to log in again.
    assert not all(person.ask()[1] for person in people)
    last = Person(balancer)
    assert last.ask()[0] == last.ask()[0]
    assert set(assigned) == {"view01", "view02"}


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_sessions_are_kept_after(testbed, how):
    folder = testbed.directory / "worker"
    folder.mkdir()
    _, balancer = pair(testbed, "cookie JSESSIONID", affinity={"file": str(folder / "affinity")})
    people = [Person(balancer) for _ in range(24)]
    assigned = [person.ask()[0] for person in people]
    if how == "reload":
        balancer.reload({"retries": 2})
    else:
        balancer.restart()
    assert [person.ask() for person in people] == [(server, True) for server in assigned]


def test_reload_switches_affinity_by_cookie_on_and_off(testbed):
    _, balancer = pair(testbed, "client-address")
    source = client_addresses(1)[0]
    server = Person(balancer, source).ask()[0]
    with balancer.connect(source) as client:
        assert {Person(balancer).ask(client)[0] for _ in range(8)} == {server}
        balancer.reload({"affinity": {"by": "cookie JSESSIONID"}})
        people = [Person(balancer, source) for _ in range(16)]
        assigned = [person.ask()[0] for person in people]
        assert set(assigned) == {"view01", "view02"}
        assert [person.ask(client) for person in people] == [(server, True) for server in assigned]
        balancer.reload({"affinity": {"by": "client-address"}})
        assert {person.ask(client)[0] for person in people} == {server}
