"""Connections belong to the address of their server, even if a reload changes the server of that name: they go on while
that address is up, count there, and end when that address hangs."""

import pytest
from harness.view import Tunnel, hang, view
from harness.waiting import client_addresses, free_port, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]

QUICK = {"interval": "200ms", "timeout": "1s", "rise": 2, "fall": 3, "jitter": "0s"}


class Pair:
    """Two servers, and a client of the first one that has a tunnel there."""

    def __init__(self, testbed, **changes):
        self.servers = {name: testbed.server(name, script=view) for name in ("view01", "view02")}
        self.balancer = testbed.balance(*self.servers.values(), health=QUICK, **changes)
        self.view01 = self.servers["view01"]
        self.sources = [a for a in client_addresses(64) if self.balancer.server_of(a) == "view01"]
        self.client = self.balancer.connect(self.sources[0])
        self.say = Tunnel(self.client).say

    def expect_cut(self):
        assert self.client.receive_to_end() == b""
        assert self.client.ended != "clean"
        self.client.close()

    @property
    def removed(self):
        """The removed servers in `status`: addresses and requests."""
        return {s["address"]: s["load"]["exchanges"] for s in self.balancer.status["servers"] if s["removed"]}

    @property
    def place(self):
        return f"{self.view01.address}:{self.view01.port}"

    def wait_for_checks(self, count=4):
        seen = len(self.view01.checks)
        wait_until(lambda: len(self.view01.checks) >= seen + count, f"{count} checks of the old address")


def test_tunnel_survives_a_reload_that_changes_its_servers_address_and_ends_with_the_old_address(testbed):
    pair = Pair(testbed)
    balancer, since = pair.balancer, len(pair.balancer.log)
    port = free_port(pair.view01.address)
    # The new check settings do not apply to the old address.
    balancer.reload({"servers": {"view01": {"port": port}}, "health": {"path": "/elsewhere"}})
    balancer.wait_for_log(r"server view01 is down: .*refused", since=since)
    wait_until(lambda: pair.removed == {pair.place: 1}, lambda: f"the old address in {balancer.status['servers']}")
    assert f"{pair.place}, removed" in balancer.call("status").stdout
    assert balancer.status_of("view01")["address"] == f"{pair.view01.address}:{port}"
    pair.wait_for_checks()
    pair.say()
    assert balancer.server_of(pair.sources[0]) == "view02"
    assert not [r for r in pair.view01.requests if r.target == "/elsewhere"]

    pair.view01.health = hang
    pair.expect_cut()
    balancer.wait_for_log(r"server view01 \(.*, removed\) is down, was up: ", since=since)
    wait_until(lambda: not pair.removed, "the old address to be forgotten")
    seen = len(pair.view01.checks)
    balancer.wait_for_access("DD--")
    before = len(pair.servers["view02"].requests)
    wait_until(lambda: len(pair.servers["view02"].requests) >= before + 5, "five more checks of the other")
    assert len(pair.view01.checks) <= seen + 1


def test_tunnel_of_a_server_that_is_removed_and_added_again_counts_and_ends_when_the_server_hangs(testbed):
    pair = Pair(testbed)
    balancer = pair.balancer
    entry = {**balancer.configuration["servers"]["view01"], "connections": 1}
    balancer.reload({"servers": {"view01": None}})
    wait_until(lambda: pair.removed == {pair.place: 1}, lambda: f"the server in {balancer.status['servers']}")
    wait_until(lambda: balancer.status["traffic"]["exchanges"] == 1, "the tunnel to be counted")
    pair.wait_for_checks()
    pair.say()
    assert balancer.server_of(pair.sources[1]) == "view02"

    servers = {"view01": entry, "view02": balancer.configuration["servers"]["view02"]}
    balancer.reload({"servers": servers, "limits": {"queue": 0}})
    wait_until(lambda: balancer.status_of("view01")["load"]["exchanges"] == 1, "the tunnel to be counted again")
    assert not pair.removed
    assert balancer.status_of("view01")["state"] == "up"
    # Its only place is taken: a new client has to wait.
    assert balancer.get("/", source=pair.sources[2]).status == 503
    pair.say()
    pair.view01.health = hang
    pair.expect_cut()
    balancer.wait_for_state("view01", "down")
    wait_until(lambda: balancer.status_of("view01")["load"]["exchanges"] == 0, "the place to be free")


def test_tunnel_counts_and_ends_when_its_server_hangs_after_its_service_was_renamed(testbed):
    pair = Pair(testbed)
    balancer, since = pair.balancer, len(pair.balancer.log)
    keys = ("service", "tls", "servers", "health", "listen", "redirect", "timeouts")
    service = {key: balancer.configuration[key] for key in keys if key in balancer.configuration}
    service["servers"] = {name: entry | {"connections": 1} for name, entry in service["servers"].items()}
    # It is down, and stays down.
    pair.servers["view02"].die()
    balancer.wait_for_state("view02", "down")
    balancer.reload({**dict.fromkeys(service), "services": {"view": service | {"limits": {"queue": 0}}}})
    wait_until(lambda: balancer.load_of("view/view01")["exchanges"] == 1, "the tunnel to be counted")
    wait_until(lambda: not pair.removed, lambda: f"no server is removed: {balancer.status['servers']}")
    assert [balancer.status_of(f"view/{name}")["state"] for name in pair.servers] == ["up", "down"]
    assert "view/view02 is up" not in balancer.log[since:]
    # Its only place is taken.
    assert balancer.get("/", source=pair.sources[2]).status == 503
    pair.wait_for_checks()
    pair.say()
    pair.view01.health = hang
    pair.expect_cut()
    balancer.wait_for_log(r"server view/view01 is down, was up: ", since=since)
    wait_until(lambda: balancer.load_of("view/view01")["exchanges"] == 0, "the place to be free")


def test_tunnel_of_a_removed_server_ends_when_it_hangs(testbed):
    pair = Pair(testbed)
    pair.balancer.reload({"servers": {"view01": None}})
    pair.view01.health = hang
    pair.expect_cut()
    pair.balancer.wait_for_log(r"server view01 \(.*, removed\) is down")


def test_removed_server_without_connections_is_dropped(testbed):
    pair = Pair(testbed)
    pair.balancer.reload({"servers": {"view01": None}})
    pair.wait_for_checks()
    pair.client.send("0\r\n\r\n")
    pair.client.close()
    wait_until(lambda: not pair.removed, "the server to be dropped")
    # At most one more check, sent before the reload.
    seen = len(pair.view01.checks) + 1
    for _ in range(8):
        before = len(pair.servers["view02"].checks)
        wait_until(lambda: len(pair.servers["view02"].checks) > before, "a check of the other")
    assert len(pair.view01.checks) <= seen
