"""`belvedere trace`: what an operator sees live of one client, and who may see it."""

import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess

import pytest
from harness.people import Person, sessions
from harness.relayed import Named
from harness.service import binary
from harness.tracing import Trace
from harness.view import Tunnel, WebSocket, view
from harness.waiting import client_addresses, free_port, stays, wait_until
from harness.worker_socket import WorkerSocket, text

pytestmark = pytest.mark.threads

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


def test_client_is_traced_by_its_address_from_the_connection_to_its_end(testbed):
    balancer = testbed.balance(testbed.server())
    source, other = client_addresses(2)
    with Trace(balancer, source) as trace:
        assert balancer.get("/first?token=secret", source=source).status == 200
        assert balancer.get("/other", source=other).status == 200
        trace.wait_for("closed", count=1)
        events = trace.events
        assert [event["event"] for event in events] == ["connected", "secured", "placed", "request", "closed"]
        assert len({event["client"] for event in events}) == 1 and events[0]["client"].startswith(source + ":")
        connected, secured, placed, request, closed = events
        assert connected["port"] == balancer.port and "earlier" not in connected
        assert secured["tls_version"] == "TLSv1.3" and secured["server_name"] == "view.test" and not secured["resumed"]
        assert secured["cipher"].startswith("TLS_AES") and secured["group"]
        assert placed["server"] == "view01" and placed["reason"] == "only-one" and placed["number"] == 1
        assert request["status"] == 200 and request["server"] == "view01" and request["termination"] == "--"
        assert request["request"].startswith("GET /first?") and "secret" not in str(events)
        assert {"request_ms", "queue_ms", "connect_ms", "response_ms", "active_ms"} <= set(request)
        assert request["bytes_to_client"] > 0 and request["bytes_from_client"] > 0
        assert closed["count"] == 1
        # The client may be faster.
        why = closed["by"], closed.get("reason")
        assert why in (("belvedere", "the client wanted it (Connection: close, or HTTP/1.0)"), ("client", None))
        assert trace.interrupt() == 0
    balancer.wait_for_log(rf"trace: {source}, for 60 s, requested by pid {trace.process.pid}, uid \d+")
    balancer.wait_for_log(rf"trace: of {source}, for pid {trace.process.pid}, .*, has ended: the command has ended")
    # Nothing is traced any more.
    balancer.get(source=source)
    assert len(trace.events) == 6 and trace.events[-1]["event"] == "ended"


def test_lines_are_for_people_without_json(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    with Trace(balancer, source, json=False) as trace:
        balancer.get(source=source)
        wait_until(lambda: len(trace.lines) == 5, "five lines")
        assert [line.split(" ", 4)[3:5][0] for line in trace.lines] == ["connects", "TLS:", "request", "request", trace.lines[4].split()[2]]
        assert "request 1: server view01: not assigned before, and no other server takes new clients" in trace.lines[2]
        assert "status 200, server view01, " in trace.lines[3] and "“GET / HTTP/1.1”, --" in trace.lines[3]


def test_client_whose_server_is_down_is_not_called_new(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    [source] = client_addresses(1)
    balancer.get("/own", source=source)
    [line] = balancer.wait_for_access("/own")
    own = next(name for name in servers if f"/{name} " in line)
    servers[own].die()
    balancer.wait_for_log(f"server {own} is down")
    with Trace(balancer, source) as trace:
        assert balancer.get(source=source).status == 200
        [placed] = trace.wait_for("placed")
        assert placed["reason"] == "table-lost" and placed["server"] != own


def test_connection_that_is_older_than_the_trace_is_introduced_with_its_next_request(testbed):
    balancer = testbed.balance(testbed.server(), timeouts={"keep-alive": "5m"})
    [source] = client_addresses(1)
    client = balancer.connect(source)
    client.get("/before")
    with Trace(balancer, source + "/32") as trace:
        client.get("/after")
        [connected] = trace.wait_for("connected")
        assert connected["earlier"] is True
        trace.wait_for("secured", server_name="view.test")
        [placed] = trace.wait_for("placed")
        assert placed["reason"] == "earlier"
        [request] = trace.wait_for("request")
        assert "/after" in request["request"]
        client.close()
        [closed] = trace.wait_for("closed")
        assert closed["by"] == "client" and closed["count"] == 2


def test_tunnel_is_shown_when_it_gets_its_server_and_when_it_ends(testbed):
    server = testbed.server(script=view)
    balancer = testbed.balance(server, health=QUICK)
    [source] = client_addresses(1)
    earlier = Tunnel(balancer.connect(source))
    with Trace(balancer, source) as trace:
        upgraded = WebSocket(balancer.connect(source))
        trace.wait_for("placed", server="view01")
        server.die()
        ended = trace.wait_for("request", count=2)
        assert {event["termination"] for event in ended} <= {"SD", "DD"}
        assert all(event["bytes_to_client"] > 0 and event["reason"].startswith("the server ") for event in ended)
        assert {event["request"].split()[0] for event in ended} == {"GET", "POST"}
    for tunnel in (earlier, upgraded):
        tunnel.client.close()


def test_request_of_a_client_behind_a_proxy_is_followed_without_the_others(testbed):
    proxy, client, other = client_addresses(3)
    balancer = testbed.balance(testbed.server(), forwarded={"trusted-proxies": [proxy]})
    with Trace(balancer, client) as trace, balancer.connect(proxy) as connection:
        for number, address in enumerate((client, other, client)):
            connection.get(f"/{number}", f"X-Forwarded-For: {address}")
        requests = trace.wait_for("request", count=2)
        assert [event["forwarded_for"] for event in requests] == [client] * 2
        assert [event["number"] for event in requests] == [1, 3]
        assert {event["event"] for event in trace.events} == {"placed", "request"}


def test_reason_for_a_server_is_the_table_and_then_the_lack_of_servers(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values(), health=QUICK)
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        balancer.get(source=source)
        [placed] = trace.wait_for("placed")
        assert placed["reason"] == "hash"
        balancer.get(source=source)
        trace.wait_for("placed", reason="table", server=placed["server"])
        for server in servers.values():
            server.die()
        for name in servers:
            balancer.wait_for_state(name, "down")
        assert balancer.get(source=source).status == 503
        [failed] = [event for event in trace.wait_for("placed", count=3) if "server" not in event]
        assert failed["reason"] == "no server takes it: view01 down, view02 down"
        [request] = trace.wait_for("request", status=503)
        assert request["termination"] == "SC" or "server" in request["reason"]


def test_client_is_traced_by_its_cookie_at_any_address(testbed):
    servers = [testbed.server(name, script=sessions()) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, affinity={"by": "cookie JSESSIONID"})
    here, there = client_addresses(2)
    person, other = Person(balancer, here), Person(balancer, here)
    server, _ = person.ask()
    other.ask()
    with Trace(balancer, "--cookie", cookie=person.cookie) as trace:
        other.ask()
        person.source = there
        person.ask()
        [placed] = trace.wait_for("placed")
        assert placed["reason"] == "cookie" and placed["server"] == server and placed["client"].startswith(there + ":")
        trace.wait_for("secured")
        trace.wait_for("request")
        assert person.cookie not in str(trace.events) and person.cookie not in trace.said + balancer.log
    balancer.wait_for_log("trace: the client with a session cookie, for 60 s, requested by")


def test_clients_are_traced_by_the_name_they_ask_for(testbed):
    balancer = testbed.balance(testbed.server())
    with Trace(balancer, "View.Test") as trace:
        balancer.get("/by-name")
        trace.wait_for("request")
        # It connects by the name in its ClientHello.
        assert [event["event"] for event in trace.events][:3] == ["connected", "secured", "placed"]


def test_failed_handshakes_and_their_reason_are_shown(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with Trace(balancer, source) as trace:
        # It does not trust the certificate.
        with pytest.raises(ssl.SSLError):
            balancer.connect(source, context=context)
        [failed] = trace.wait_for("handshake-failed")
        assert failed["reason"] == 'the peer sent the alert "unknown CA"'
        trace.wait_for("closed")
        # It leaves before it has said anything.
        socket.create_connection((balancer.address, balancer.port), source_address=(source, 0)).close()
        assert trace.wait_for("closed", count=2)[1]["count"] == 0


def test_relayed_connection_is_traced(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, start=False)
    port = free_port(balancer.address)
    testbed.others.append(Named(server, port))
    balancer.configuration |= {"relay": {"tcp": [port]}}
    balancer.write().start()
    balancer.wait_until_serving()
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        with socket.create_connection((balancer.address, port), timeout=30, source_address=(source, 0)) as client:
            assert client.makefile().readline()
            [placed] = trace.wait_for("placed")
            assert placed["server"] == "view01" and placed["port"] == port
        [ended] = trace.wait_for("request")
        assert ended["server"] == "view01" and ended["bytes_to_client"] > 0 and "status" not in ended
        trace.wait_for("closed")


def test_traces_have_their_own_clients_and_are_limited(testbed):
    balancer = testbed.balance(testbed.server())
    sources = client_addresses(2)
    with Trace(balancer, sources[0]) as first, Trace(balancer, sources[1]) as second:
        for source in sources:
            balancer.get(source=source)
        for trace, source in zip((first, second), sources):
            trace.wait_for("request")
            assert all(event["client"].startswith(source + ":") for event in trace.events)
        with Trace(balancer, "view.test"), Trace(balancer, "127.0.0.0/8"):
            refused = balancer.call("trace", "view.test")
            assert refused.returncode == 1 and "4 traces are running: try again when one has ended" in refused.stderr
        # There is room again.
        wait_until(lambda: balancer.call("trace", "view.test", "--for", "1").returncode == 0, "room for a trace")
    balancer.wait_for_log("has ended: its time is over")


def test_trace_ends_when_its_time_is_over(testbed):
    balancer = testbed.balance(testbed.server())
    run = balancer.call("trace", "192.0.2.7", "--for", "1")
    assert run.returncode == 0 and "trace: the time is over" in run.stderr


@pytest.mark.parametrize("words", [
    [], ["192.0.2.1/24"], ["a b"], ["192.0.2.1", "--for", "601"], ["192.0.2.1", "--for", "0"], ["192.0.2.1", "--cookie"],
    ["--cookie", "--tls-keys", "file"],
])  # fmt: skip
def test_usage_errors_are_reported(testbed, words):
    run = subprocess.run([binary(), "trace", *words], capture_output=True, text=True, check=False)
    assert run.returncode == 64 and run.stderr


def test_trace_survives_the_worker(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        worker = balancer.worker
        os.kill(worker, 9)
        balancer.wait_for_another_worker(worker)
        trace.wait_for("worker-ended")
        wait_until(lambda: "a new worker goes on with it" in trace.said, "the new worker's trace")
        balancer.get("/again", source=source)
        trace.wait_for("request", status=200)


def test_too_many_events_are_counted_and_the_service_goes_on(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    worker = balancer.worker
    with contextlib.ExitStack() as traces:
        for prefix in (source, source + "/32", "127.0.0.0/8"):
            traces.enter_context(Trace(balancer, prefix))
        trace = traces.enter_context(Trace(balancer, "0.0.0.0/0"))
        endpoint = (balancer.address, balancer.port)

        def floods():
            for _ in range(100):
                socket.create_connection(endpoint, source_address=(source, 0)).close()
            return trace.found("lost", {})

        assert wait_until(floods, "lost events")[0]["count"] > 0
        assert balancer.get().status == 200
    assert balancer.worker == worker


def test_event_that_no_trace_has_asked_for_replaces_the_worker(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    worker = balancer.worker
    assert WorkerSocket(worker).say(traced(1, 1))
    balancer.wait_for_another_worker(worker)
    balancer.wait_for_log("the message “traced” came at the wrong time")
    # Nor do secrets that were not asked for.
    with Trace(balancer, "192.0.2.7"):
        worker = balancer.worker
        assert WorkerSocket(worker).say(traced(1, 8, (27, "CLIENT_RANDOM 00 00\n")))
        balancer.wait_for_another_worker(worker)


def test_control_characters_of_a_worker_reach_no_terminal(testbed):
    balancer = testbed.balance(testbed.server())
    for as_json in (True, False):
        with Trace(balancer, "192.0.2.7", json=as_json) as trace:
            number = 1 if as_json else 2
            assert WorkerSocket(balancer.worker).say(traced(number, 7, (1, "\x1b[2J\u202e"), (6, "a\nb\x9b")))
            wait_until(lambda: trace.lines, "a line")
            assert len(trace.lines) == 1
            assert not set("\x1b\x9b\u202e") & set(trace.output.read_text())


def traced(number, kind, *texts):
    """A message of the worker (Sources/WorkerProtocol/WorkerEvent.swift)."""
    facts = b"".join(bytes([key, 1]) + text(words) for key, words in texts)
    return bytes([149]) + struct.pack(">IBQB", number, kind, 1_800_000_000_000, len(texts)) + facts


# Who may trace


def as_another_user(*words, user=65534):
    return subprocess.run(
        [binary(), *words], capture_output=True, text=True, check=False, user=user, group=user, extra_groups=[], cwd="/"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_other_users_may_not_trace(testbed, folder):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.control = folder / "control"
    balancer.start().wait_until_serving()
    os.chmod(balancer.control, 0o666)
    run = as_another_user("trace", "192.0.2.7", "--control", str(balancer.control))
    assert run.returncode == 1 and "permission denied: be root, or in the group of" in run.stderr
    balancer.wait_for_log("control: refused pid .*, uid 65534")


def test_json_of_an_event_is_one_object(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        balancer.get(source=source)
        trace.wait_for("closed")
        assert all(isinstance(json.loads(line), dict) for line in trace.lines)


def test_connections_without_a_trace_stay_untraced(testbed):
    """The end of a trace is the end of its events, also for connections that it has followed."""
    balancer = testbed.balance(testbed.server(), timeouts={"keep-alive": "5m"})
    [source] = client_addresses(1)
    with balancer.connect(source) as client:
        with Trace(balancer, source) as trace:
            client.get("/one")
            trace.wait_for("request")
            trace.interrupt()
        balancer.wait_for_log("has ended: the command has ended")
        with Trace(balancer, "192.0.2.7") as other:
            client.get("/two")
            stays(lambda: not other.events, "no event of a client that no trace follows", 0.3)
