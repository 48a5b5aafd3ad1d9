"""All rules on who may come in together: they decide alike on every way that a client may come, and under load."""

import collections
import itertools
import threading

import pytest
from harness.belvedere import endpoint_text
from harness.client import TLSClient, connect_socket
from harness.client_certificates import ClientAuthority, context, is_refused, settings
from harness.observer import Observer, observers
from harness.waiting import all_at_once, free_port, wait_until

PROXY = "127.0.85.1"
SECURITY = "max-age=86400"
RULES = {
    "access": {
        "deny": ["127.0.83.0/24", "2001:db8:83::/48"],
        "paths": {"/admin": {"allow": ["127.0.81.0/24", "2001:db8:81::/48"]}},
    },
    "headers": {"request": {"set": {"X-Entrance": "internet"}}, "response": {"set": {"X-Frame-Options": "DENY"}}},
    "hsts": {"max-age": "1d"},
}


class Way:
    """How clients come to a listener. `trust`: a proxy names them in each `request`, in a `header` of the PROXY protocol
    before the handshake, or (None) they come themselves."""

    _numbers = itertools.count(1)

    def __init__(self, balancer, endpoint, trust=None):
        self.balancer, self.endpoint, self.trust = balancer, endpoint, trust
        self._number = next(self._numbers)
        self._is_v6 = ":" in endpoint[0]

    def client(self, place, number=1):
        """A client's address, which no other way has. Rates are for a /64 of IPv6."""
        if self._is_v6:
            return f"2001:db8:{place}:{self._number}{number}::1"
        return f"127.0.{place}.{self._number}{number}"

    def connect(self, client, context, name="view.test"):
        proxy = "::1" if self._is_v6 else PROXY
        sock = connect_socket(self.endpoint, proxy if self.trust else client)
        try:
            if self.trust == "header":
                family, here = ("TCP6", "2001:db8::1") if self._is_v6 else ("TCP4", "192.0.2.1")
                sock.sendall(f"PROXY {family} {client} {here} 50000 443\r\n".encode())
            return TLSClient(sock, context, server_name=name).handshake()
        except BaseException:
            sock.close()
            raise

    def get(self, client, target, context, name="view.test"):
        """The answer to a request on a new connection; None where the client gets none."""
        fields = [f"X-Forwarded-For: {client}"] if self.trust == "request" else []
        try:
            with self.connect(client, context, name) as connection:
                return connection.get(target, *fields, host=name)
        except OSError:
            return None


def assert_own_fields(answer):
    assert answer.head.all("X-Frame-Options") == ["DENY"]
    assert answer.head.all("Strict-Transport-Security") == [SECURITY]


def assert_rules_decide(way, server, admitted, anonymous):
    inside, outside, banned, eager = way.client(81), way.client(82), way.client(83), way.client(81, 9)
    answer = way.get(inside, "/admin", admitted)
    assert answer.status == 200
    assert_own_fields(answer)
    head = server.requests[-1].head
    assert head.all("X-Entrance") == ["internet"] and head.all("X-SSL-Client-Verify") == ["SUCCESS"]
    before = len(server.requests)
    answer = way.get(outside, "/admin", admitted)
    assert answer.status == 403
    assert_own_fields(answer)
    answer = way.get(banned, "/", admitted)
    # What names the client in its request has a connection already.
    assert answer.status == 403 if way.trust == "request" else answer is None
    assert way.get(inside, "/", admitted, name="old.test") is None
    assert way.get(inside, "/", anonymous) is None
    assert len(server.requests) == before
    assert [way.get(eager, "/", admitted).status for _ in range(5)] == [200] * 4 + [429]


def test_rules_decide_alike_on_every_way_in_and_are_counted(testbed, tmp_path):
    authority = ClientAuthority(tmp_path / "authority", "Clients CA")
    tls = settings(authority, headers=True) | {"refuse-names": ["old.test"]}
    rules = RULES | {"rates": {"requests": "1/h burst 4"}}
    with observers() as begin:
        server = testbed.server()
        balancer = testbed.balance(server, start=False, tls=tls, forwarded={"trusted-proxies": [PROXY, "::1"]}, **rules)
        second = ("::1", free_port("::1"))
        balancer.configuration["listen"] = [endpoint_text(*balancer.endpoint), endpoint_text(*second)]
        observer = Observer(balancer)
        balancer.wait_until_serving = lambda: balancer.wait_for_log("worker is ready")
        begin(observer)
        admitted, anonymous = context(balancer, authority.client("kim")), context(balancer)
        ways = [Way(balancer, balancer.endpoint)]
        ways += [Way(balancer, endpoint, trust) for trust in ("request", "header") for endpoint in (balancer.endpoint, second)]

        def maintained(way):
            answer = way.get(way.client(81), "/", admitted)
            assert_own_fields(answer)
            return answer.status

        for trust in "request", "header":
            balancer.reload({"forwarded": {"proxy-protocol": trust == "header"}})
            open_ways = [way for way in ways if way.trust == trust or way.trust is None and trust == "request"]
            for way in open_ways:
                assert_rules_decide(way, server, admitted, anonymous)
            assert balancer.call("maintenance", "on").returncode == 0
            assert {maintained(way) for way in open_ways} == {503}
            observer.wait_for(lambda metrics: metrics.get("service_maintenance", service="") == 1, "maintenance")
            assert balancer.call("maintenance", "off").returncode == 0
            assert {maintained(way) for way in open_ways} == {200}
        count = len(ways)
        balancer.wait_for_counts("limits", request_rate=count)
        expected = [
            ("service_access_refused_total", {"service": "", "rule": "access"}),
            ("service_access_refused_total", {"service": "", "rule": "access.paths"}),
            ("limits_reached_total", {"limit": "request_rate"}),
            ("handshake_failures_total", {"reason": "name"}),
            ("handshake_failures_total", {"reason": "no_client_certificate"}),
        ]
        observer.wait_for(lambda metrics: all(metrics.get(name, **labels) == count for name, labels in expected), f"{count} of each")


class Changes:
    """What is in force while others ask. `now` is None while it changes."""

    def __init__(self):
        self.now = self.restricted, self.maintained = False, False

    def become(self, act, *, restricted=None, maintained=None):
        self.now = None
        act()
        self.restricted = self.restricted if restricted is None else restricted
        self.maintained = self.maintained if maintained is None else maintained
        # A new object each time, so that two are only the same if nothing has changed between them.
        self.now = [self.restricted, self.maintained]


def test_rules_decide_every_request_under_load_and_over_reloads(testbed, tmp_path):
    authority = ClientAuthority(tmp_path / "authority", "Clients CA")
    tls = settings(authority) | {"refuse-names": ["old.test"]}
    rates = {"requests": "1/h burst 20", "except": ["127.0.0.0/24", "127.0.81.0/24", "127.0.82.0/24"]}
    balancer = testbed.balance(testbed.server(), threads=4, serving=False, tls=tls, rates=rates, **RULES)
    balancer.wait_for_log("worker is ready")
    admitted = context(balancer, authority.client("kim"))
    changes, done, rounds = Changes(), threading.Event(), collections.Counter()
    restricting = {"access": {"paths": {"/rest": RULES["access"]["paths"]["/admin"]}}}

    def expected(target, is_inside, state):
        restricted, maintained = state
        if not is_inside and (target == "/admin" or restricted and target == "/rest"):
            return 403
        return 503 if maintained else 200

    def ask(source, is_inside):
        while not done.is_set():
            with balancer.connect(source, context=admitted) as client:
                # In this order, since a refusal ends the connection.
                for target in ["/", "/rest", "/admin"] * 3:
                    before = changes.now
                    answer = client.get(target)
                    if before is not None and before is changes.now:
                        assert answer.status == expected(target, is_inside, before), (source, target, before)
                    assert_own_fields(answer)
                    if answer["Connection"] == "close":
                        break
            rounds[source] += 1

    def connect_in_vain(source, name):
        while not done.is_set():
            with pytest.raises(OSError):
                balancer.connect(source, context=admitted, server_name=name)
            rounds[source] += 1

    def come_without_certificate(who):
        while not done.is_set():
            assert is_refused(balancer)
            rounds[who] += 1

    statuses = []

    def ask_too_often(source):
        while not done.is_set():
            with balancer.connect(source, context=admitted) as client:
                statuses.append(client.get("/").status)
            rounds[source] += 1

    def change(_):
        def more():
            seen = dict(rounds)
            wait_until(lambda: len(rounds) == len(crowd) and all(rounds[who] > seen.get(who, 0) + 1 for who in rounds), "more")

        try:
            more()
            for _ in range(2):
                changes.become(lambda: balancer.reload(restricting), restricted=True)
                more()
                changes.become(lambda: balancer.call("maintenance", "on"), maintained=True)
                more()
                changes.become(lambda: balancer.call("maintenance", "off"), maintained=False)
                more()
                changes.become(lambda: balancer.reload({"access": {"paths": {"/rest": None}}}), restricted=False)
                more()
        finally:
            done.set()

    crowd = [(ask, f"127.0.81.{number}", True) for number in (1, 2)] + [(ask, f"127.0.82.{number}", False) for number in (1, 2)]
    crowd += [(connect_in_vain, "127.0.81.3", "old.test"), (connect_in_vain, "127.0.83.1", "view.test")]
    crowd += [(come_without_certificate, "anyone"), (ask_too_often, "127.0.84.1")]
    all_at_once(lambda task: task[0](*task[1:]), [*crowd, (change, None)])
    assert statuses.count(200) <= 20 and 429 in statuses, collections.Counter(statuses)
