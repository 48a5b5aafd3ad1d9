"""Why a connection or a request ended, as `belvedere trace` says it: time limits, room, rules, servers."""

import contextlib
import socket

import pytest
from harness.client import PlainClient, connect_socket, connect_tls
from harness.datagrams import PORT, Client, Echo
from harness.server import Held
from harness.tracing import Trace
from harness.waiting import client_addresses, free_port, wait_until

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}
PROXY, INSIDE, OUTSIDE = "127.0.91.9", "127.0.81.1", "127.0.82.1"
OURS = {"by": "belvedere"}


def silent(balancer, source):
    return PlainClient(connect_socket(balancer.endpoint, source))


def test_the_time_limit_of_a_handshake_is_named(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"tls-handshake": "1s"})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, silent(balancer, source) as client:
        client.receive_to_end()
        trace.wait_for("handshake-failed", reason="not complete within timeouts.tls-handshake")
        trace.wait_for("closed", **OURS, reason="timeouts.tls-handshake")


def test_the_time_limit_of_a_request_head_is_named(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"http-request": "1s"})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        with balancer.connect(source) as client:
            client.receive_to_end()
            trace.wait_for("closed", **OURS, reason="timeouts.http-request")

        def is_late():
            with balancer.connect(source) as client:
                client.send("GET / HT")
                client.receive_to_end()
            return trace.found("request", {"status": 408})

        # The first may be reported late, too: then there are two.
        request, *_ = wait_until(is_late, "a request that is late")
        assert request["reason"].endswith(": timeouts.http-request") and request["termination"] == "cR"
        trace.wait_for("closed", **OURS, reason="timeouts.http-request", count=2)


def test_the_time_limit_of_an_idle_connection_is_named(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"keep-alive": "300ms"})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, balancer.connect(source) as client:
        assert client.get("/").status == 200
        client.receive_to_end()
        trace.wait_for("closed", **OURS, reason="timeouts.keep-alive")


def test_the_time_limit_of_a_server_is_named(testbed):
    held = Held()
    balancer = testbed.balance(testbed.server(script=held), timeouts={"server": "1s"})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        assert balancer.get("/held", source=source).status == 504
        held.released.set()
        [request] = trace.wait_for("request", status=504)
        assert request["reason"] == "the server took too long before the response began: timeouts.server"
        trace.wait_for("closed", **OURS, reason="timeouts.server")


def test_the_idle_time_of_a_relayed_connection_is_named(testbed):
    balancer = testbed.balance(
        testbed.server(), serving=False, mode="passthrough", tls=None, timeouts={"client": "1h", "tunnel": "300ms"}
    )
    balancer.wait_for_state("view01", "up")
    balancer.wait_for_log("the worker is ready")
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        # It may be too slow for its own handshake.
        with contextlib.suppress(OSError), balancer.connect(source) as client:
            client.receive_to_end()
        [request] = trace.wait_for("request", termination="cD")
        assert request["reason"].endswith(": timeouts.tunnel")
        trace.wait_for("closed", **OURS, reason="timeouts.tunnel")


def test_client_that_makes_room_learns_it(testbed):
    balancer = testbed.balance(
        testbed.server(), threads=1, limits={"connections": 50, "connections-per-address": "off"}, timeouts={"tls-handshake": "1h"}
    )
    source, other = client_addresses(2)
    with Trace(balancer, source) as trace, contextlib.ExitStack() as clients:
        clients.enter_context(silent(balancer, source))
        trace.wait_for("connected")
        for _ in range(60):
            clients.enter_context(silent(balancer, other))
        [closed] = trace.wait_for("closed")
        assert closed["by"] == "belvedere" and closed["reason"] == "limits.connections: it has made room for a new one, as it had sent nothing"


def test_the_last_request_of_a_connection_says_why_it_was_the_last(testbed):
    balancer = testbed.balance(testbed.server(), limits={"requests-per-connection": 2})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        with balancer.connect(source) as client:
            client.get("/")
            client.get("/")
            trace.wait_for("closed", **OURS, reason="limits.requests-per-connection")
        with balancer.connect(source) as client:
            client.get("/", "Connection: close")
            trace.wait_for("closed", **OURS, reason="the client wanted it (Connection: close, or HTTP/1.0)")
        with balancer.connect(source) as client:
            assert client.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").status == 400
            trace.wait_for("request", status=400, reason="Belvedere refused it: more than one Host")
            trace.wait_for("closed", **OURS, reason="its request was refused")


# Rules and limits


def test_the_rule_that_refused_a_request_is_named(testbed):
    rules = {"deny": ["127.0.82.128/25"], "paths": {"/admin": {"allow": ["127.0.81.0/24"], "deny": ["127.0.82.0/25"]}}}
    balancer = testbed.balance(testbed.server(), access=rules)
    with Trace(balancer, OUTSIDE) as trace:
        assert balancer.get("/admin/x", source=OUTSIDE).status == 403
        [request] = trace.wait_for("request", status=403)
        assert request["rule"] == "/admin"
        assert request["reason"] == "Belvedere refused it: access.paths: /admin: deny has 127.0.82.0/25"
        [closed] = trace.wait_for("closed")
        assert closed["by"] == "belvedere" and closed["reason"] == "its request was refused" and closed["rule"] == "/admin"
        assert balancer.get("//admin", source=OUTSIDE).status == 400
        trace.wait_for("request", status=400, rule="ambiguous path")
    with Trace(balancer, "127.0.83.1") as trace:
        assert balancer.get("/admin/x", source="127.0.83.1").status == 403
        trace.wait_for("request", reason="Belvedere refused it: access.paths: /admin: allow does not have 127.0.83.1")
    with Trace(balancer, "127.0.82.200") as trace:
        with contextlib.suppress(OSError):
            balancer.get("/", source="127.0.82.200")
        trace.wait_for("refused", reason="access: deny has 127.0.82.128/25", rule="access", port=balancer.port)


def test_rate_of_connections_and_maintenance_are_named(testbed):
    balancer = testbed.balance(testbed.server(), rates={"connections": "1/h burst 2", "except": ["127.0.0.0/24"]})
    with Trace(balancer, OUTSIDE) as trace:
        assert balancer.call("maintenance", "on").returncode == 0
        for _ in range(2):
            assert balancer.get("/", source=OUTSIDE).status == 503
        trace.wait_for("closed", **OURS, reason="the service is in maintenance", count=2)
        with silent(balancer, OUTSIDE) as client:
            client.receive_to_end()
        trace.wait_for("refused", rule="rates.connections", reason="rates.connections", port=balancer.port)


def test_refusals_behind_a_trusted_proxy_are_seen(testbed):
    balancer = testbed.balance(
        testbed.server(), forwarded={"trusted-proxies": [PROXY]}, limits={"connections-per-address": 1},
        access={"deny": ["198.51.100.0/24"]},
    )  # fmt: skip
    with Trace(balancer, "198.51.100.7") as trace, balancer.connect(PROXY) as proxy:
        assert proxy.get("/", "X-Forwarded-For: 198.51.100.7").status == 403
        [request] = trace.wait_for("request", status=403, forwarded_for="198.51.100.7", rule="access")
        assert request["reason"] == "Belvedere refused it: access: deny has 198.51.100.0/24"
    with Trace(balancer, PROXY) as trace, balancer.connect(PROXY) as proxy:
        assert proxy.get("/").status == 403
        trace.wait_for("request", reason="Belvedere refused it: access: a trusted proxy does not say who the client is")


def test_limit_of_a_client_behind_a_trusted_proxy_is_seen(testbed):
    held = Held()
    balancer = testbed.balance(
        testbed.server(script=held), forwarded={"trusted-proxies": [PROXY]}, limits={"connections-per-address": 1}
    )
    with Trace(balancer, INSIDE) as trace, balancer.connect(PROXY) as first, balancer.connect(PROXY) as second:
        first.send(f"GET /held HTTP/1.1\r\nHost: view.test\r\nX-Forwarded-For: {INSIDE}\r\n\r\n")
        trace.wait_for("placed")
        assert second.get("/", f"X-Forwarded-For: {INSIDE}").status == 503
        [request] = trace.wait_for("request", status=503, forwarded_for=INSIDE)
        assert "limits: connections-per-address" in request["reason"]
        held.released.set()


def test_refusals_by_the_proxy_protocol_are_seen(testbed):
    balancer = testbed.balance(
        testbed.server(), forwarded={"trusted-proxies": [PROXY], "proxy-protocol": True},
        limits={"connections-per-address": 1}, access={"deny": ["198.51.100.0/24"]}, timeouts={"tls-handshake": "1h"},
    )  # fmt: skip

    def through(client):
        connection = silent(balancer, PROXY)
        connection.send(f"PROXY TCP4 {client} 127.0.0.1 50312 443\r\n")
        return connection

    with Trace(balancer, INSIDE) as trace, through(INSIDE):
        trace.wait_for("connected")
        with through(INSIDE) as refused:
            refused.receive_to_end()
        trace.wait_for("connected", count=2)
        trace.wait_for("closed", **OURS, reason="limits.connections-per-address")
    with Trace(balancer, "198.51.100.7") as trace, through("198.51.100.7") as refused:
        refused.receive_to_end()
        trace.wait_for("closed", **OURS, reason="access: deny has 198.51.100.0/24", rule="access")
    with Trace(balancer, PROXY) as trace, silent(balancer, PROXY) as refused:
        refused.send("GET / HTTP/1.1\r\n\r\n")
        refused.receive_to_end()
        trace.wait_for("closed", **OURS, reason="no valid PROXY protocol header (forwarded.proxy-protocol)")


# Servers


def test_name_of_a_server_that_is_down_is_explained(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), start=False, health=QUICK)
    ports = {name: free_port(balancer.address) for name in servers}
    for name, port in ports.items():
        balancer.configuration["servers"][name]["ports"] = [port]
    balancer.start()
    [source] = client_addresses(1)
    servers["view02"].die()
    balancer.wait_for_state("view01", "up")
    balancer.wait_for_log("the worker is ready")
    balancer.wait_for_state("view02", "down")
    with Trace(balancer, source) as trace:
        with connect_tls((balancer.address, ports["view02"]), balancer.context(), source=source) as client:
            assert client.get("/").status == 503
        [placed] = trace.wait_for("placed")
        assert placed["reason"] == "no server takes it: the name or port is view02's own, and view02 is down"
        with connect_tls((balancer.address, ports["view01"]), balancer.context(), source=source) as client:
            assert client.get("/").status == 200
        trace.wait_for("placed", server="view01", reason="dedicated")


@pytest.mark.parametrize("changes", [{"view02": {"backup": True}}, {"view02": {"weight": 0}}])
def test_the_only_server_for_new_clients_is_called_so(testbed, changes):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, server_changes=changes)
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        assert balancer.get("/", source=source).status == 200
        trace.wait_for("placed", server="view01", reason="only-one")


def test_name_is_traced_where_a_service_relays_tls_unread(testbed):
    balancer = testbed.balance(testbed.server(), serving=False, mode="passthrough", tls=None, health=QUICK)
    balancer.wait_for_state("view01", "up")
    balancer.wait_for_log("the worker is ready")
    source, other = client_addresses(2)
    with Trace(balancer, "view.test") as trace:
        context = balancer.context()
        context.check_hostname = False
        with balancer.connect(other, server_name="other.test", context=context) as client:
            assert client.get("/").status == 200
        with balancer.connect(source, server_name="view.test") as client:
            assert client.get("/").status == 200
        trace.wait_for("closed")
        assert [event["event"] for event in trace.events] == ["connected", "placed", "request", "closed"]
        assert {event["client"].split(":")[0] for event in trace.events} == {source}
        assert trace.events[1]["server"] == "view01"


def test_flow_of_datagrams_says_which_server_it_has_and_why_it_ended(testbed):
    server = testbed.server()
    testbed.others.append(Echo(server.name, server.address))
    balancer = testbed.balance(server, relay={"udp": [PORT]}, timeouts={"datagrams": "2s"}, health=QUICK)
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, Trace(balancer, source, json=False) as lines:
        with Client(balancer, source) as client:
            client.ask()
            client.ask()
        placed, *_ = trace.wait_for("placed")
        assert placed["server"] == "view01" and placed["reason"] == "only-one" and placed["port"] == PORT
        ended, *_ = trace.wait_for("request")
        assert ended["reason"] == "timeouts.datagrams" and "number" not in ended
        assert ended["flow"] == placed["flow"] > 0
        wait_until(lambda: len(lines.lines) >= 2, "two lines")
        assert all(f" flow {placed['flow']}: " in line for line in lines.lines[:2]), lines.lines
        with Client(balancer, source) as client:
            client.send(b"who")
            assert client.receive() is not None
        [_, second] = trace.wait_for("placed", count=2)
        assert second["flow"] != placed["flow"]
        # No one but the trace hears of it: its sender may be forged.
        trace.wait_for("request", flow=second["flow"], reason="the client has sent nothing since the server's first answer")
        [_] = balancer.wait_for_access("UDP")


def test_trace_of_a_busy_client_leaves_another_its_events(testbed):
    balancer = testbed.balance(testbed.server())
    busy, quiet = client_addresses(2)
    with Trace(balancer, busy) as noisy, Trace(balancer, quiet) as trace:

        def floods():
            for _ in range(100):
                with contextlib.suppress(OSError):
                    socket.create_connection(balancer.endpoint, source_address=(busy, 0)).close()
            return noisy.found("lost", {})

        assert wait_until(floods, "lost events")[0]["count"] > 0
        assert balancer.get("/", source=quiet).status == 200
        trace.wait_for("closed")
        assert [event["event"] for event in trace.events] == ["connected", "secured", "placed", "request", "closed"]
