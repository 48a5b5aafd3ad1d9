"""Tunnels of many users behind one address, identified by the connection IDs that their servers issue (`affinity:
by`)."""

import gzip
import itertools
import os
import re
import signal

import pytest
from harness.http import Head, chunk
from harness.view import HELLO
from harness.waiting import client_addresses, wait_until

pytestmark = pytest.mark.threads

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
ASK = b'<?xml version="1.0"?><broker version="2.0"><get-tunnel-connection/></broker>'


def broker(coding=None):
    """A server that issues a connection ID to each client, and accepts its own IDs only."""
    known, numbers = set(), itertools.count(0x3F2504E0)

    def script(request):
        name = request.server.name
        path, _, query = request.target.partition("?")
        if path == "/broker/xml":
            assert request.body().content == ASK
            known.add(issued := f"{name}_{next(numbers):X}")
            answer = (
                '<?xml version="1.0"?><broker version="15.0"><tunnel-connection><result>ok</result>\n'
                f" <connection-id>\n{issued.replace('_', '&#95;')}</connection-id><server1>https://view.test:443</server1>"
                "<bypass-tunnel>false</bypass-tunnel></tunnel-connection></broker>"
            ).encode()
            answer = gzip.compress(answer) if coding else answer
            fields = f"Content-Type: text/xml;charset=UTF-8\r\nX-Server: {name}\r\n{coding or ''}"
            pieces = [answer[i : i + 20] for i in range(0, len(answer), 20)]
            request.send(f"HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n")
            for piece in [*pieces, b""]:
                request.send(chunk(piece))
        elif query.partition("&")[0] in known:
            request.send(f"HTTP/1.1 200 OK\r\nX-Server: {name}\r\nTransfer-Encoding: chunked\r\n\r\n")
            while content := request.chunk()[1]:
                request.send(chunk(content))
        else:
            request.respond(404, b"", f"X-Server: {name}", "Connection: close")

    return script


class Person:
    """A user with a View client, which opens its tunnel without a cookie on a separate connection."""

    def __init__(self, balancer, source=None):
        self.balancer, self.source = balancer, source
        with balancer.connect(source) as client:
            answer = client.post("/broker/xml", ASK)
        assert answer.status == 200
        self.server = answer["X-Server"]
        text = gzip.decompress(answer.content).decode() if answer["Content-Encoding"] else answer.text
        self.id = re.search(r"<connection-id>\s*(.*?)</connection-id>", text)[1].replace("&#95;", "_")

    def open(self, target="tunnel?{}"):
        """The server of a tunnel, and whether it accepted the ID."""
        with self.balancer.connect(self.source) as client:
            client.send(
                f"POST /ice/{target.format(self.id)} HTTP/1.1\r\nHost: view.test:443\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            client.send(HELLO)
            head = Head.read(client)
            return head.get("X-Server"), head.start == "HTTP/1.1 200 OK"


def pair(testbed, by="tunnel", coding=None, threads=None, **affinity):
    servers = {name: testbed.server(name, script=broker(coding)) for name in ("view01", "view02")}
    for server in servers.values():
        server.expects_nonsense = True
    changes = {"health": QUICK, "affinity": {"by": by, **affinity}} | ({"threads": threads} if threads else {})
    return servers, testbed.balance(*servers.values(), **changes)


def people_of(balancer, count=16, source=None):
    people = [Person(balancer, source) for _ in range(count)]
    assert {person.server for person in people} == {"view01", "view02"}
    return people


def people_at_both(balancer):
    """A user whose address is assigned to the first server, and one whose address is assigned to the second."""
    people = [Person(balancer, source) for source in client_addresses(24)]
    return [next(person for person in people if person.server == name) for name in ("view01", "view02")]


@pytest.mark.parametrize("by", ["tunnel", ["tunnel", "cookie JSESSIONID"]])
def test_users_behind_one_address_reconnect_to_their_servers_by_tunnel(testbed, by):
    _, balancer = pair(testbed, by)
    people = people_of(balancer)
    for target in ("tunnel?{}", "reconnect?{}&s3cret", "reconnect?{}&another"):
        assert [person.open(target) for person in people] == [(person.server, True) for person in people]
    balancer.stop()
    assert not [person.id for person in people if person.id in balancer.log]


@pytest.mark.parametrize("how", ["reload", "restart", "another worker"])
def test_tunnels_are_kept_after(testbed, how):
    folder = testbed.directory / "worker"
    folder.mkdir()
    _, balancer = pair(testbed, file=str(folder / "affinity"))
    people = people_of(balancer)
    if how == "reload":
        balancer.reload({"retries": 2})
    elif how == "restart":
        balancer.restart()
        kept = (folder / "affinity").read_bytes()
        assert not [person.id for person in people if person.id.encode() in kept]
    else:
        # The command writes the file at once.
        balancer.server("view01", "drain")
        wait_until((folder / "affinity").exists, "the file")
        balancer.server("view01", "ready")
        worker = balancer.worker
        os.kill(worker, signal.SIGKILL)
        balancer.wait_for_another_worker(worker)
    for target in ("tunnel?{}", "reconnect?{}&s3cret"):
        assert [person.open(target) for person in people] == [(person.server, True) for person in people]


def test_tunnel_with_a_forged_id_is_routed_by_the_next_kind_of_affinity(testbed):
    _, balancer = pair(testbed, ["tunnel", "client-address"])
    here, there = people_at_both(balancer)
    for person in (here, there):
        assert person.open("tunnel?view01_0") == person.open("reconnect?view02_0&") == (person.server, False)
        assert person.open() == (person.server, True)
    # At the server of the ID, not at that of the address.
    here.source = there.source
    assert here.open() == ("view01", True)
    assert here.open("tunnel?forged") == ("view02", False)


def test_tunnel_of_a_lost_server_is_routed_by_the_next_kind_of_affinity_and_returns(testbed):
    servers, balancer = pair(testbed)
    people = [person for person in people_of(balancer) if person.server == "view01"]
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    assert {person.open() for person in people} == {("view02", False)}
    servers["view01"].start()
    balancer.wait_for_state("view01", "up")
    assert {person.open() for person in people} == {("view01", True)}


def test_no_id_is_learned_from_an_answer_with_a_content_coding(testbed):
    _, balancer = pair(testbed, ["tunnel", "client-address"], coding="Content-Encoding: gzip\r\n", threads=2)
    here, there = people_at_both(balancer)
    here.source = there.source
    assert here.open() == ("view02", False)
    for name in ("view01", "view02"):
        line = f"server {name}: `tunnel` can't read a response to /broker/xml: it has a Content-Encoding"
        assert 1 <= balancer.log.count(line) <= 2
