"""`belvedere reload`: its answer, and when it comes."""

import re
import signal

from harness.server import Held
from harness.waiting import all_at_once, wait_until


def test_reload_prints_the_number_of_the_configuration(testbed):
    balancer = testbed.balance(testbed.server())
    assert balancer.reload() == 2
    assert balancer.reload() == 3
    assert balancer.status["configuration"]["number"] == 3


def test_reload_applies_the_configuration(testbed):
    balancer = testbed.balance(testbed.server("view01"))
    second = testbed.server("view02")
    balancer.configuration["servers"] = {
        "view02": {"address": second.address, "port": second.port, "trust": {"ca": str(testbed.certificates.authority.certificate)}}
    }
    balancer.reload()
    assert [server["name"] for server in balancer.status["servers"]] == ["view02"]
    wait_until(lambda: balancer.get("/whoami").status == 200, "the new server's answer")
    assert balancer.server_of("127.0.0.1") == "view02"


def test_refused_reload_shows_every_problem_with_its_place_and_changes_nothing(testbed):
    balancer = testbed.balance(testbed.server())
    good = dict(balancer.configuration)
    balancer.configuration = good | {"serverz": {}, "threads": "many"}
    balancer.write()
    run = balancer.call("reload")
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.search(r"belvedere.yaml:\d+:\d+: error: unknown key `serverz`", run.stderr), run.stderr
    assert "Did you mean `servers`?" in run.stderr
    assert re.search(r"belvedere.yaml:\d+:\d+: error: .*`many`", run.stderr), run.stderr
    assert run.stderr.endswith("the new configuration is refused, the previous one stays in use\n")
    assert balancer.get("/").status == 200
    assert balancer.status["configuration"]["number"] == 1
    balancer.configuration = good
    # The refused configuration had a number.
    assert balancer.reload() > 1


def test_reload_without_a_file_is_refused(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.file.unlink()
    run = balancer.call("reload")
    assert run.returncode == 1
    assert "cannot be read: No such file or directory (ENOENT)" in run.stderr
    assert balancer.get("/").status == 200


def test_reload_shows_warnings_and_succeeds(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.configuration["affinity"] = {"hold": "5m"}
    balancer.write()
    run = balancer.call("reload")
    assert (run.returncode, run.stdout) == (0, "configuration 2 is in use\n")
    assert re.search(r"belvedere.yaml:\d+:\d+: warning: a View client may be idle for 90 minutes", run.stderr)


def test_reloads_at_the_same_time_are_all_answered(testbed):
    balancer = testbed.balance(testbed.server())
    answers = all_at_once(lambda _: balancer.call("reload"), range(8))
    assert [run.returncode for run in answers] == [0] * 8, [run.stderr for run in answers]
    assert balancer.get("/").status == 200


def test_reload_while_the_service_stops_is_refused(testbed):
    held = Held()
    server = testbed.server(script=held)
    balancer = testbed.balance(server, serving=False, timeouts={"stop": "1h"})
    client = balancer.connect()
    client.send(b"GET /held HTTP/1.1\r\nHost: view.test\r\n\r\n")
    wait_until(lambda: server.requests, "the request")
    balancer.signal(signal.SIGTERM)
    wait_until(lambda: balancer.status["state"] == "stopping", "the stop")
    run = balancer.call("reload")
    assert run.returncode == 1 and "stop" in run.stderr
    held.released.set()
    assert client.answer().status == 200
    assert balancer.wait() == 0
