"""What becomes of clients at a failover of nodes that know of each other (`pair`): those known by cookie and by tunnel,
those of a copy that is cut short, and one whose machine vanishes."""

import itertools
import shutil
import subprocess
import sys

import pytest
from harness.pair.channel import PORT, clients, connection, servers_of, settings
from harness.waiting import wait_until

BY = {"by": ["tunnel", "cookie JSESSIONID", "client-address"]}
# A client of its own machine: it asks once, names the server that answered, and holds its connection.
CLIENT = """
import socket, ssl, sys
stream = socket.create_connection((sys.argv[1], 443), timeout=20)
client = ssl._create_unverified_context().wrap_socket(stream, server_hostname="view.test")
client.sendall(b"GET / HTTP/1.1\\r\\nHost: view.test\\r\\n\\r\\n")
head = client.recv(65536).decode()
print(next(line.split()[1] for line in head.splitlines() if line.startswith("X-Server:")), flush=True)
sys.stdin.read()
"""


def portal():
    """A server whose answer to `/broker/xml` begins a session and issues a tunnel's connection id."""
    numbers = itertools.count(0x3F2504E0)

    def script(request):
        request.body()
        name, fields, content = request.server.name, [f"X-Server: {request.server.name}"], request.server.name
        if request.target == "/broker/xml":
            number = f"{name}_{next(numbers):X}"
            fields += ["Content-Type: text/xml", f"Set-Cookie: JSESSIONID={number}; Path=/; Secure; HttpOnly"]
            content = (
                f"<broker><tunnel-connection><connection-id>{number}</connection-id></tunnel-connection></broker>"
            )
        request.respond(200, content, *fields)

    return script


class Person:
    """A user who logs in at home, and comes back from elsewhere."""

    def __init__(self, testbed, number):
        self.testbed, self.number = testbed, number
        with connection(testbed) as proxy:
            answer = proxy.post("/broker/xml", b"<broker/>", f"X-Forwarded-For: 198.51.100.{number}")
        assert answer.status == 200, answer.text
        self.server, self.id = answer["X-Server"], answer.text.partition("<connection-id>")[2].partition("<")[0]

    def by_cookie(self):
        with connection(self.testbed) as proxy:
            return proxy.get("/", f"X-Forwarded-For: 203.0.113.{self.number}", f"Cookie: JSESSIONID={self.id}")["X-Server"]

    def by_tunnel(self):
        with connection(self.testbed) as proxy:
            address = f"X-Forwarded-For: 203.0.113.{100 + self.number}"
            return proxy.post(f"/ice/tunnel?{self.id}", b"hello", address)["X-Server"]


def wait_for_state(nodes, state, name="view01"):
    """Waits until all of the nodes see the server in this state."""
    for node in nodes:
        wait_until(lambda node=node: node.status_of(name)["state"] == state, lambda node=node: f"{state}\n{node.log}")


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_cookie_and_tunnel_come_to_the_same_server_on_the_other_node(testbed, secret, family):
    """From other addresses than before, after view01 was away."""
    servers = [testbed.server(name) for name in ("view01", "view02")]
    for server in servers:
        server.script = portal()
    nodes = first, second = testbed.pair(**settings(secret, family), affinity=BY)
    first.wait_for_log("pair: lb2 has joined")
    servers[0].die()
    wait_for_state(nodes, "down")
    people = [Person(testbed, number) for number in range(1, 13)]
    assert {person.server for person in people} == {"view02"}
    servers[0].start()
    wait_for_state(nodes, "up")
    # An entry by address, one by cookie and one by tunnel.
    known = {"view01": 0, "view02": 3 * len(people)}
    wait_until(lambda: clients(first) == clients(second) == known, lambda: f"{clients(first)} {clients(second)}")
    first.stop()
    second.wait_until("active")
    assert {person.by_cookie() for person in people} == {"view02"} == {person.by_tunnel() for person in people}
    # By their addresses alone, some would be elsewhere.
    assert "view01" in servers_of(testbed, [f"198.18.0.{number}" for number in range(1, 31)]).values()


def test_copy_that_is_cut_short_by_a_failover_is_made_up_for(testbed, secret):
    """Of 1,500 clients, the new Active has learnt some when the old one goes."""
    if not shutil.which("nft"):
        pytest.skip("nft is not installed")
    servers = [testbed.server(name) for name in ("view01", "view02")]
    lb1, lb2 = testbed.node("lb1"), testbed.node("lb2")
    first = testbed.balancer(lb1, **settings(secret)).wait_until("active")
    servers[0].die()
    wait_for_state([first], "down")
    sources = [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(1500)]
    kept = servers_of(testbed, sources)
    servers[0].start()
    wait_for_state([first], "up")

    # No more than this comes through: more than one message, and less than the copy.
    lb1.filter(f"output tcp sport {PORT} quota over 36 kbytes drop")
    second = testbed.balancer(lb2, **settings(secret)).wait_until("backup")
    learnt = wait_until(lambda: clients(second)["view02"], "a part of the copy")
    assert learnt < len(sources)
    first.stop()
    second.wait_until("active")
    found = servers_of(testbed, sources[:200])
    assert set(found.values()) <= {"view01", "view02"}

    lb1.remove_filter()
    said = len(first.log)
    first.start().wait_until("active", since=said)
    wait_until(lambda: clients(first) == clients(second), lambda: f"{clients(first)} {clients(second)}")
    assert servers_of(testbed, sources[:200]) == found
    assert set(kept.values()) == {"view02"}


def test_dead_connection_does_not_take_its_client_back(testbed, secret):
    """A machine vanishes without a word, and comes back by the other node while the first one holds its connection."""
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    changes = settings(secret) | {"timeouts": {"keep-alive": "30s"}}
    nodes = first, second = testbed.pair(**changes)
    first.wait_for_log("pair: lb2 has joined")

    def ask(machine, node):
        """The server that the machine is sent to by this node."""
        client = machine.start(
            sys.executable, "-c", CLIENT, node.node.address, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return client, client.stdout.readline().strip()

    def is_held():
        return machine.address in first.node.run("ss", "-Htn", "state", "established", "( sport = :443 )")

    machine = testbed.node("lb5")
    client, gone = ask(machine, first)
    assert is_held()
    wait_until(lambda: clients(second)[gone] == 1, lambda: f"{clients(second)}")
    machine.unplug()
    client.kill()
    client.communicate()
    machine.end()
    servers[gone].die()
    wait_for_state(nodes, "down", gone)

    machine = testbed.node("lb5")
    client, server = ask(machine, second)
    client.communicate()
    assert server not in ("", gone)
    assert is_held()
    servers[gone].start()
    wait_for_state(nodes, "up", gone)
    wait_until(lambda: clients(first) == clients(second) == {gone: 0, server: 1}, lambda: f"{clients(first)} {clients(second)}")
    wait_until(lambda: not is_held(), "the end of the dead connection", 60)
    for node in (first, second, first):
        client, found = ask(machine, node)
        client.communicate()
        assert found == server
    wait_until(lambda: clients(first) == clients(second) == {gone: 0, server: 1}, lambda: f"{clients(first)} {clients(second)}")
