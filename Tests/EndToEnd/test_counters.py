"""The counters of `belvedere status --json`, compared with the access log and with what clients and servers did."""

import os
import re
import signal
import time
from collections import Counter

import pytest
from harness.client import client_context
from harness.server import Held, page
from harness.waiting import client_addresses, wait_until

pytestmark = pytest.mark.threads

HOST = "Host: view.test\r\n"

LINE = re.compile(
    r" (?P<service>[^ /]+)/(?P<server>[^ ]+) (-?\d+/){4}\d+ (?P<status>-1|\d{3}) (?P<bytes>\d+) - - "
    r"(?P<cause>.)(?P<phase>.)-- \d+/\d+/\d+/\d+/(?P<retries>\+?\d+) "
)
CAUSES = {"C": "client", "S": "server", "P": "proxy", "R": "resource", "D": "down", "K": "killed",
          "c": "client_timeout", "s": "server_timeout", "L": "local"}  # fmt: skip


def logged(lines):
    """What these lines of the access log add up to."""
    sums = Counter()
    for line in lines:
        match = LINE.search(line)
        assert match, line
        sums["requests"] += 1
        if match["status"] != "-1":
            sums[match["status"][0] + "xx"] += 1
        if match["cause"] != "-":
            sums[CAUSES[match["cause"]]] += 1
        sums["bytes_out"] += int(match["bytes"])
        sums["retries"] += int(match["retries"])
        sums["redispatches"] += match["retries"].startswith("+")
    return sums


def counted(traffic):
    """The same of the counters of a service or server, without those that are zero."""
    sums = Counter({name: traffic[name] for name in ("requests", "bytes_out", "retries", "redispatches")})
    sums.update({name: count for name, count in traffic["responses"].items() if name != "own"})
    sums.update(traffic["terminations"])
    return +sums


def wait_for_agreement(balancer):
    """The status in which the counters of the service and of each server are the sums of the access log."""

    def agrees():
        lines, status = balancer.access_lines, balancer.status
        if counted(status["counters"]["services"][0]["counts"]["traffic"]) != +logged(lines):
            return None
        for server in status["servers"]:
            of_server = +logged([line for line in lines if f"/{server['name']} " in line])
            if not server["counts"] or counted(server["counts"]["traffic"]) != of_server:
                return None
        return status

    return wait_until(agrees, lambda: f"{balancer.status['counters']} to be {logged(balancer.access_lines)}")


def wait_for_reports(balancer):
    """Waits for two reports of the worker, which are a second apart."""

    def turns():
        return sum(loop["turns"] for loop in balancer.status["counters"]["loops"])

    for _ in range(2):
        before = turns()
        wait_until(lambda: turns() > before, "a report")


def of_server(status, name):
    (server,) = [server for server in status["servers"] if server["name"] == name]
    return server["counts"]


def statuses(request):
    """/status/404: an answer with that status."""
    if request.target.startswith("/status/"):
        request.body()
        status = int(request.target.rpartition("/")[2])
        fields = ["Location: /"] if status == 302 else []
        request.respond(status, "" if status == 204 else "words", *fields)
    elif request.target == "/cut":
        request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nless")
        request.stream.close()
    else:
        page(request)


def test_counters_are_the_sums_of_the_access_log(testbed):
    """Answers of each class, our own, an aborted request, an incomplete answer, a redirect."""
    held = Held()

    def script(request):
        (held if request.target.startswith("/held") else statuses)(request)

    balancer = testbed.balance(testbed.server(script=script))
    with balancer.connect() as client:
        for status in (200, 201, 204, 302, 304, 404, 410, 500, 503):
            assert client.get(f"/status/{status}").status == status
        assert client.post("/echo", b"x" * 100_000).status == 200
    with balancer.connect() as client:
        assert client.exchange(f"GET / HTTP/1.1\r\n{HOST}Bad Name: x\r\n\r\n").status == 400
    with balancer.connect_redirect() as client:
        assert client.exchange(f"GET /a HTTP/1.1\r\n{HOST}\r\n").status == 301
    with balancer.connect() as client:
        client.send(f"GET /held HTTP/1.1\r\n{HOST}\r\n")
        assert held.arrived.wait(20)
    balancer.wait_for_access("GET /held")
    held.released.set()
    with balancer.connect() as client:
        client.send(f"GET /cut HTTP/1.1\r\n{HOST}\r\n")
        client.receive_to_end()
    balancer.wait_for_access("GET /cut")
    status = wait_for_agreement(balancer)
    service = status["counters"]["services"][0]
    traffic, server = service["counts"]["traffic"], of_server(status, "view01")
    assert traffic["responses"]["own"] == 2
    assert traffic["responses"]["4xx"] == 3 and traffic["terminations"]["client"] == 1 and traffic["terminations"]["local"] == 1
    assert 100_000 < traffic["bytes_in"] < 110_000 and server["traffic"]["bytes_in"] < traffic["bytes_in"]
    assert server["response_failures"] == 1 and server["connect_failures"] == 0
    assert server["traffic"]["responses"]["own"] == 0
    # The held request has no answer.
    assert sum(server["total_time"]["buckets"]) == server["traffic"]["requests"]
    assert sum(server["response_time"]["buckets"]) == server["traffic"]["requests"] - 1
    assert 1 <= sum(server["connect_time"]["buckets"]) <= server["traffic"]["requests"]
    assert service["clients"] == 1 and service["client_limit"] == 100_000
    assert service["connections"] == 0 and service["waiting"] == 0


def test_slow_answer_is_in_the_bucket_of_its_time(testbed):
    held = Held()
    balancer = testbed.balance(testbed.server(script=held))
    with balancer.connect() as client:
        client.send(f"GET /held HTTP/1.1\r\n{HOST}\r\n")
        assert held.arrived.wait(20)
        time.sleep(0.2)
        held.released.set()
        assert client.answer().status == 200
    status = wait_for_agreement(balancer)
    for name in ("response_time", "total_time"):
        histogram = of_server(status, "view01")[name]
        longest = max(index for index, count in enumerate(histogram["buckets"]) if count)
        # The bound of the bucket before, in microseconds.
        assert 250 * 2**longest < histogram["sum_us"]
        # Above 128 ms.
        assert longest >= 9, histogram


def test_failed_connections_count_at_the_server_that_refused_them(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values())
    sources = [s for s, server in balancer.servers_of(client_addresses(20)).items() if server == "view01"]
    servers["view01"].die()
    for source in sources:
        assert balancer.get("/", source=source).status == 200
    status = wait_for_agreement(balancer)
    refused, other = of_server(status, "view01"), of_server(status, "view02")
    retries = status["counters"]["services"][0]["counts"]["traffic"]["retries"]
    assert refused["connect_failures"] >= 1 and refused["response_failures"] == 0
    assert other["connect_failures"] == 0
    assert refused["connect_failures"] == retries == other["traffic"]["redispatches"]
    wait_until(lambda: of_server(balancer.status, "view01")["failed_checks"] >= 2, lambda: f"{balancer.status['servers']}")
    assert of_server(balancer.status, "view02")["failed_checks"] == 0
    assert of_server(balancer.status, "view02")["checks"] >= 1


def test_handshakes_count_by_their_outcome(testbed, certificates):
    balancer = testbed.balance(testbed.server())
    before = wait_for_handshakes(balancer, lambda handshakes: handshakes["full"] >= 1)
    context = balancer.context()
    with balancer.connect(context=context) as client:
        assert client.get("/").status == 200
        session = client.tls.session
    with balancer.connect(context=context, session=session) as client:
        assert client.tls.session_reused
    with balancer.connect_plain() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.receive_to_end()
    # A client that does not know the authority.
    with pytest.raises(OSError):
        balancer.connect(context=client_context(certificates.other_authority.certificate)).close()
    balancer.connect_plain().close()

    def is_complete(handshakes):
        failures = handshakes["failures"]
        return failures["not_tls"] == 1 and failures["certificate"] == 1 and failures["closed"] >= 1

    after = wait_for_handshakes(balancer, is_complete)
    assert after["resumed"] == before["resumed"] + 1
    assert after["full"] == before["full"] + 1
    assert after["failures"]["local"] == 0 and after["failures"]["timeout"] == 0


def wait_for_handshakes(balancer, condition):
    def met():
        handshakes = balancer.status["counters"]["handshakes"]
        return handshakes if condition(handshakes) else None

    return wait_until(met, lambda: f"handshakes: {balancer.status['counters']['handshakes']}")


def test_counters_go_on_after_a_worker_was_killed_and_after_a_reload(testbed):
    balancer = testbed.balance(testbed.server("view01"), testbed.server("view02"))
    for source in client_addresses(10):
        assert balancer.get("/", source=source).status == 200
    before = wait_for_agreement(balancer)
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    for source in client_addresses(10):
        assert balancer.get("/", source=source).status == 200
    status = wait_for_agreement(balancer)
    assert status["traffic"]["requests"] >= before["traffic"]["requests"] + 10
    assert status["counters"]["workers"] == 2
    assert status["counters"]["handshakes"]["full"] >= before["counters"]["handshakes"]["full"] + 10
    balancer.reload({"threads": 3})
    for source in client_addresses(10):
        assert balancer.get("/", source=source).status == 200
    wait_for_agreement(balancer)


def test_counters_of_a_server_begin_at_zero_when_it_is_added(testbed):
    servers = {name: testbed.server(name) for name in ("view01", "view02")}
    balancer = testbed.balance(*servers.values())
    balancer.servers_of(client_addresses(20))
    before = wait_for_agreement(balancer)
    entries = balancer.configuration["servers"]
    balancer.reload({"servers": {"view01": entries["view01"], "view02": None}})
    assert len(balancer.status["servers"]) == 1
    # A server that returns before the worker has dropped it goes on.
    wait_for_reports(balancer)
    balancer.reload({"servers": entries})
    status = wait_until(lambda: (s := balancer.status) and of_server(s, "view02") and s, "the counters of view02")
    assert of_server(status, "view01")["traffic"]["requests"] == of_server(before, "view01")["traffic"]["requests"]
    assert of_server(before, "view02")["traffic"]["requests"] >= 1
    assert of_server(status, "view02")["traffic"]["requests"] == 0
