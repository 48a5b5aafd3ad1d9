"""`belvedere observe`: metrics for Prometheus, from a process that affects no client."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from harness import ROOT
from harness.observer import Observer, observers, wait_for_reports
from harness.service import belvedere
from harness.waiting import TIMEOUT


@pytest.fixture
def observed(testbed):
    """Starts a balancer and its observer; `changes` are merged over the configuration."""
    with observers() as begin:

        def start(*servers, observe=None, **changes):
            servers = servers or (testbed.server("view01"), testbed.server("view02"))
            return begin(Observer(testbed.balance(*servers, start=False, observe=observe or {}, **changes)))

        yield start


@pytest.mark.threads
def test_metrics_agree_with_the_status(observed):
    balancer, observer = observed()
    for _ in range(3):
        assert balancer.get("/").status == 200
    metrics = observer.wait_for(
        lambda metrics: 3 <= (metrics.get("requests_total") or 0) == balancer.status["traffic"]["requests"], "3 requests"
    )
    status = balancer.status
    assert metrics.get("up") == 1
    assert metrics.get("build_info", version=status["version"], node=status["node"]) == 1
    assert metrics.get("connections_limit") == status["limits"]["connections"]
    for server in status["servers"]:
        labels = {"service": "", "server": server["name"]}
        assert metrics.get("server_state", state="up", **labels) == 1
        assert metrics.get("server_state", state="down", **labels) == 0
        assert metrics.get("server_weight", **labels) == server["weight"]
    assert sum("_certificate_not_after" in name and "server" not in name for name in metrics.names) == 1
    balancer.server("view02", "drain")
    observer.wait_for(
        lambda metrics: metrics.get("server_state", service="", server="view02", state="drain") == 1, "the drain"
    )


def test_servers_certificates_are_compared_with_that_of_clients(testbed, observed, certificates):
    """A server whose certificate is another one: in the log once, in the status and in the metrics."""
    ends = time.time() + 5 * 86_400 + 3_600
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(ends))
    other = certificates.authority.issue("view.test", end=end)
    servers = testbed.server("view01"), testbed.server("view02", certificate=other)
    balancer, observer = observed(*servers, health={"interval": "200ms"})

    def of(metrics, name):
        return metrics.get("server_certificate_shown", service="", server=name)

    metrics = observer.wait_for(lambda metrics: (of(metrics, "view01"), of(metrics, "view02")) == (1, 0), "the comparison")
    expiry = metrics.get("server_certificate_not_after_timestamp_seconds", service="", server="view02")
    assert abs(expiry - ends) < 5
    _, second = balancer.status["servers"]
    assert second["last_check"]["certificate"]["fingerprint"] == other.fingerprint
    assert second["last_check"]["certificate"]["shown"] is False
    balancer.wait_for_log(r"the certificate of server view02 expires in 5 days; renew it there")
    # Further checks add no line.
    first = second["last_check"]["time"]
    observer.wait_for(lambda _: balancer.status["servers"][1]["last_check"]["time"] > first, "another check")
    assert len(re.findall("server view02: its certificate is another one than clients are shown", balancer.log)) == 1
    assert "server view01: its certificate" not in balancer.log


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("*/*", "text/plain"),
        # Prometheus 2.42 of Debian.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text",
        ),
        ("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.2", "text/plain"),
    ],
)
def test_promtool_and_prometheus_accept_the_metrics(observed, accept, kind):
    _, observer = observed()
    observer.wait_until_up()
    answer = observer.ask(Accept=accept)
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.text.endswith("# EOF\n") == (kind != "text/plain")
    if kind == "text/plain":
        if not shutil.which("promtool"):
            pytest.skip("promtool is not installed (Debian: prometheus)")
        run = subprocess.run(["promtool", "check", "metrics"], input=answer.text, capture_output=True, text=True)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_every_metric_of_a_running_service_is_documented(observed):
    _, observer = observed()
    documented = (ROOT / "docs/metrics.md").read_text()
    for name in observer.wait_until_up().names:
        histogram = re.sub("_(bucket|sum|count)$", "", name)
        assert f"| `{name}` |" in documented or f"| `{histogram}` | histogram |" in documented, name


@pytest.mark.threads
def test_clients_that_are_slow_or_silent_or_many_do_not_hinder_a_scrape(observed):
    balancer, observer = observed()
    observer.wait_until_up()
    hostile = [socket.create_connection(observer.endpoint, timeout=TIMEOUT) for _ in range(100)]
    try:
        for number, client in enumerate(hostile):
            try:
                # Silent; a part of a head; many requests whose answers are not read.
                client.sendall([b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100][number % 3])
            except OSError:
                pass  # It made room for a later one.
        assert observer.ask().status == 200
        assert balancer.get("/").status == 200
        assert len(os.listdir(f"/proc/{observer.process.pid}/fd")) < 64 + 16
    finally:
        for client in hostile:
            client.close()


@pytest.mark.threads
def test_many_scrapes_do_not_reach_the_service(observed):
    balancer, observer = observed()
    observer.wait_until_up()

    def supervisor_ticks():
        fields = open(f"/proc/{balancer.process.pid}/stat").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def observer_ticks():
        fields = open(f"/proc/{observer.process.pid}/stat").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = supervisor_ticks(), observer_ticks()
    with socket.create_connection(observer.endpoint, timeout=TIMEOUT) as client:
        # Pipelined on one connection, until the observer has used a second of its CPU.
        request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 16
        scrapes = 0
        while observer_ticks() - before[1] < os.sysconf("SC_CLK_TCK"):
            client.sendall(request)
            received = b""
            while received.count(b"HTTP/1.1 200 OK") < 16 or not received.endswith(b"\n"):
                received += client.recv(1 << 20)
            scrapes += 16
    assert scrapes > 100
    assert supervisor_ticks() - before[0] < observer_ticks() - before[1]
    assert balancer.get("/").status == 200


def test_requests_other_than_get_and_head_are_refused(observed):
    _, observer = observed()
    observer.wait_until_up()
    assert observer.ask(method="HEAD").text == ""
    assert observer.ask("/other").status == 404
    answer = observer.ask(method="POST")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    with socket.create_connection(observer.endpoint, timeout=TIMEOUT) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n")
        answer = b""
        while part := client.recv(65536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_token_is_required_where_one_is_configured(observed, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    _, observer = observed(observe={"token": str(token)})
    assert observer.ask().status == 401
    assert observer.ask(Authorization="Bearer 0123456789abcdeF").status == 401
    assert observer.ask(Authorization="Bearer 0123456789abcdef").status == 200
    # A user of a browser, with the token as password.
    assert observer.ask(Authorization="Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg==").status == 200


def test_other_networks_are_refused(observed):
    _, observer = observed(observe={"networks": ["127.250.0.0/24"]})
    answer = observer.ask()
    assert (answer.status, "networks" in answer.text) == (403, True)


@pytest.mark.threads
def test_traffic_does_not_notice_that_the_observer_is_killed_or_stopped(observed):
    balancer, observer = observed()
    observer.wait_until_up()
    observer.signal(signal.SIGSTOP)
    assert balancer.get("/").status == 200
    wait_for_reports(balancer, 1)
    observer.process.kill()
    observer.process.wait()
    assert balancer.get("/").status == 200
    observer.start().wait_until_up()


@pytest.mark.threads
def test_metrics_return_after_a_restart_of_the_service(observed):
    balancer, observer = observed()
    since = observer.wait_until_up().get("start_timestamp_seconds")
    balancer.stop()
    metrics = observer.wait_for(lambda metrics: metrics.get("up") == 0, "the end of the reports")
    assert metrics.names == {"belvedere_up", "belvedere_observer_build_info"}
    balancer.start().wait_until_serving()
    assert observer.wait_until_up().get("start_timestamp_seconds") > since


def test_the_observer_is_confined(observed):
    _, observer = observed()
    observer.wait_until_up()
    if "not in a build with a sanitizer" in observer.log:
        pytest.skip("a build with a sanitizer is not confined")
    facts = dict(
        line.split(":\t", 1) for line in open(f"/proc/{observer.process.pid}/status").read().splitlines() if ":\t" in line
    )
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0000000000000000"}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


def test_an_observer_that_can_not_start_says_why(testbed, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    run = belvedere("observe", "--configuration", balancer.file, "--socket", tmp_path / "socket")
    assert run.returncode == 1 and "the configuration has no `observe`" in run.stderr
    short = tmp_path / "short"
    short.write_text("secret\n")
    balancer.write({"observe": {"token": str(short)}})
    run = belvedere("observe", "--configuration", balancer.file, "--socket", tmp_path / "socket")
    assert run.returncode == 1 and f"{short} has no token" in run.stderr


def test_a_report_of_an_earlier_release_is_shown(observed):
    """Without what that did not have."""
    balancer, observer = observed()
    report = observer.wait_until_up() and balancer.status
    balancer.stop()
    assert report.pop("authorities") == [] and report["pair"] is None
    report["version"] = "earlier"
    with observer.report(report):
        observer.wait_for(lambda metrics: metrics.get("build_info", version="earlier", node=report["node"]), "the report")
