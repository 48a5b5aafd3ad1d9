"""`belvedere status`: the page for people and terminals, and the JSON for programs."""

import datetime
import json
import os
import re
import signal
import ssl
import subprocess

import pytest
from harness.server import Held
from harness.service import binary
from harness.waiting import wait_until


def test_status_page_fits_80_columns_and_has_no_colours_in_a_pipe(testbed):
    balancer = testbed.balance(testbed.server("view01"), testbed.server("view02"))
    run = balancer.call("status")
    assert run.returncode == 0 and run.stderr == ""
    lines = run.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines), lines
    assert "\x1b" not in run.stdout
    assert re.match(r"belvedere \d+\.\d+\.\d+ on \S+: serving$", lines[0]), lines
    for name in ("view01", "view02"):
        assert re.search(rf"^{name} +up +\d+ s$", run.stdout, re.MULTILINE), run.stdout


@pytest.mark.threads
def test_status_shows_the_certificate_in_use_before_and_after_a_reload(testbed, certificates):
    balancer = testbed.balance(testbed.server())

    def shown():
        (certificate,) = wait_until(lambda: balancer.status["certificates"], "a certificate")
        with balancer.connect() as client:
            seen = client.tls.getpeercert()
        assert int(certificate["serial"], 16) == int(seen["serialNumber"], 16)
        assert certificate["names"] == [name for _, name in seen["subjectAltName"]]
        ends = ssl.cert_time_to_seconds(seen["notAfter"])
        assert datetime.datetime.fromisoformat(certificate["not_after"]).timestamp() == ends
        return certificate

    first = shown()
    assert first["file"] == str(certificates.front.chain)
    other = certificates.authority.issue("view.test")
    balancer.reload({"tls": {"certificate": str(other.chain), "key": str(other.key)}})
    second = shown()
    assert second["file"] == str(other.chain) and second["fingerprint"] != first["fingerprint"]


@pytest.mark.threads
def test_status_counts_requests_connections_and_refusals(testbed):
    held = Held()
    balancer = testbed.balance(testbed.server("view01", script=held))
    before = wait_until(lambda: balancer.status["servers"][0]["load"] and balancer.status["traffic"], "the first figures")
    for _ in range(5):
        assert balancer.get("/").status == 200
    with balancer.connect() as client:
        assert client.exchange(b"GET / HTTP/1.1\r\nHost: view.test\r\nBad Name: x\r\n\r\n").status == 400
    with balancer.connect_plain() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.receive_to_end()
    with balancer.connect() as client:
        client.send(b"GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert held.arrived.wait(20)

        def settled():
            status = balancer.status
            traffic, load = status["traffic"], status["servers"][0]["load"]
            return (
                traffic["accepted"] >= before["accepted"] + 8
                and traffic["requests"] >= before["requests"] + 6
                and traffic["refused"]["requests"] == 1
                and traffic["refused"]["handshakes"] >= 1
                and (traffic["connections"], traffic["exchanges"]) == (1, 1)
                and (load["exchanges"], load["sessions"]) == (1, 1)
                and load["connections"] >= 1
                and traffic["per_second"] is not None
            )

        wait_until(settled, lambda: f"the figures: {balancer.status}")
        # A loop that ends and starts again does not reset the count.
        figures = balancer.status["traffic"]
        for threads in (1, 4, 2):
            balancer.reload({"threads": threads})
        wait_until(lambda: balancer.status["configuration"]["in_memory"] == 2, lambda: f"{balancer.status['configuration']}")
        later = balancer.status["traffic"]
        assert later["accepted"] >= figures["accepted"] and later["requests"] >= figures["requests"]
        held.released.set()
        assert client.answer().status == 200
    wait_until(lambda: balancer.status["configuration"]["in_memory"] == 1, lambda: f"{balancer.status['configuration']}")


@pytest.mark.threads
def test_status_lists_problems_of_both_processes_and_counts_repeated_ones(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health={"interval": "200ms", "rise": 1, "fall": 1, "jitter": "0s"})
    assert balancer.status["problems"] == []

    def problems(words):
        return [p for p in balancer.status["problems"] if words in p["text"]]

    for times in (1, 2):
        servers[1].die()
        balancer.wait_for_state("view02", "down")
        # The check may be refused, or cut.
        wait_until(
            lambda: sum(p["count"] for p in problems("server view02 is down, was up")) == times,
            lambda: f"{balancer.status['problems']}",
        )
        servers[1].start()
        balancer.wait_for_state("view02", "up")
    worker = balancer.worker
    balancer.expects_worker_death = True
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: problems("the worker died"), lambda: f"{balancer.status['problems']}")
    assert "last problems" in balancer.call("status").stdout


def test_status_shows_the_last_check_beside_the_reason_for_the_state(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, health={"interval": "200ms", "rise": 100, "fall": 1, "jitter": "0s"})

    def check_is(expected):
        def seen():
            check = balancer.status["servers"][0]["last_check"]
            return check if check and check["result"] == expected else None

        return wait_until(seen, lambda: f"{balancer.status['servers']}")

    assert check_is("200")["needed"] == 0
    server.health = 418
    balancer.wait_for_state("view01", "down")
    assert check_is("status 418")["needed"] == 0
    server.health = 200
    check = check_is("200")
    assert 0 < check["count"] < check["needed"] == 100
    (shown,) = balancer.status["servers"]
    assert shown["state"] == "down" and "418" in shown["reason"]
    text = " ".join(balancer.call("status").stdout.split())
    assert re.search(r"status 418; last check \d s ago: 200 \(\d+ ms\), \d+ of 100 needed", text), text


def test_status_on_a_terminal_is_coloured_unless_NO_COLOR_is_set(testbed):
    balancer = testbed.balance(testbed.server())

    def on_terminal(**environment):
        ours, theirs = os.openpty()
        run = balancer.call("status", capture_output=False, stdout=theirs, env=os.environ | {"TERM": "xterm"} | environment)
        os.close(theirs)
        assert run.returncode == 0
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass
        os.close(ours)
        return shown.decode()

    assert "\x1b[32mup" in on_terminal(NO_COLOR="")
    assert "\x1b" not in on_terminal(NO_COLOR="1")
    assert "\x1b" not in on_terminal(TERM="dumb")


def test_status_watch_goes_on_over_a_restart_of_the_worker(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    watch = subprocess.Popen(
        [binary(), "status", "--json", "--watch", "--control", balancer.control], stdout=subprocess.PIPE, text=True
    )
    try:
        first = json.loads(watch.stdout.readline())
        os.kill(balancer.worker, signal.SIGKILL)
        wait_until(lambda: json.loads(watch.stdout.readline())["worker"] not in (None, first["worker"]), "another worker")
    finally:
        watch.kill()
        watch.wait()
