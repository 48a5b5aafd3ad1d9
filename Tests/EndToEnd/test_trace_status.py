"""Who learns of a running `belvedere trace`: the status and the log."""

import contextlib
import re

from harness.tracing import Trace
from harness.waiting import client_addresses, wait_until


def test_running_traces_are_in_the_status(testbed):
    balancer = testbed.balance(testbed.server())
    assert balancer.status["traces"] == []
    with Trace(balancer, "192.0.2.7", "--for", "300") as trace, Trace(balancer, "--cookie", cookie="5F2C.secret") as other:
        first, second = balancer.status["traces"]
        assert first["subject"] == "192.0.2.7" and 200 < first["seconds_left"] <= 300 and first["secrets"] is False
        assert first["requester"].startswith(f"pid {trace.process.pid}, uid ")
        assert second["subject"] == "the client with a session cookie" and second["requester"].startswith(f"pid {other.process.pid},")
        page = balancer.call("status").stdout
        assert "192.0.2.7, " in page and f"s left, for pid {trace.process.pid}" in page
        assert "5F2C" not in page + balancer.call("status", "--json").stdout + balancer.log
    wait_until(lambda: balancer.status["traces"] == [], "the end of both")


def test_refused_traces_are_in_the_log(testbed):
    balancer = testbed.balance(testbed.server())
    with Trace(balancer, "192.0.2.1"), Trace(balancer, "192.0.2.2"), Trace(balancer, "192.0.2.3"), Trace(balancer, "192.0.2.4"):
        refused = balancer.call("trace", "192.0.2.5")
        assert refused.returncode == 1
        balancer.wait_for_log(r"trace: 192\.0\.2\.5, requested by pid \d+, uid \d+, was refused: 4 traces are running")


def test_refusals_of_traces_without_end_do_not_fill_the_log(testbed):
    balancer = testbed.balance(testbed.server())
    with contextlib.ExitStack() as running:
        for number in range(4):
            running.enter_context(Trace(balancer, f"192.0.2.{number}", "--for", "600"))

        def many():
            assert balancer.call("trace", "192.0.2.5").returncode == 1
            return re.search(r"was refused: 4 traces are running.*\(and (\d+) more since the last line\)", balancer.log)

        assert int(wait_until(many, "a line that counts", timeout=60)[1]) > 0


def test_warning_says_how_many_clients_the_secrets_may_be_of(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    for number, (client, extent) in enumerate(
        ((source, "one address"), (source + "/32", "one address"), ("127.0.0.0/8", "16777216 addresses"), ("view.test", "whoever asks for this name"))
    ):
        keys = balancer.directory / f"keys-{number}"
        with Trace(balancer, client, "--tls-keys", str(keys)) as trace:
            balancer.get("/", source=source)
            balancer.get("/", source=source)
            trace.wait_for("closed", count=2)
            assert trace.interrupt() == 0
        balancer.wait_for_log(rf"trace: the TLS secrets of .* \({extent}\) are given to pid {trace.process.pid}, ")
        balancer.wait_for_log(rf"for pid {trace.process.pid}, .* has ended: ")
        ended = rf"for pid {trace.process.pid}, .* has ended: .*; the TLS secrets of 2 connections were given"
        assert re.search(ended, balancer.log), balancer.log + "\n".join(trace.lines)


def test_stop_of_the_service_is_named(testbed):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, balancer.connect(source) as client:
        client.get("/")
        trace.wait_for("request")
        balancer.stop()
        trace.wait_for("closed", by="belvedere", reason="the service stops")
        assert trace.process.wait(timeout=60) == 69 and "the service has ended" in trace.said
        trace.wait_for("ended", reason="the service has ended", count=1)
    balancer.wait_for_log(rf"trace: of {source}, for pid {trace.process.pid}, .*, has ended: the service stops")
