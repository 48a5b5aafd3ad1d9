"""As many servers as `check` accepts, the running worker serves."""

import pytest
from harness.waiting import TIMEOUT, free_port


@pytest.mark.parametrize("count", [65, 1024])
def test_as_many_servers_as_are_accepted_are_served_and_tunnels_go_on(testbed, count):
    server = testbed.server()
    balancer = testbed.balance(server)
    worker = balancer.worker
    kept = balancer.connect()
    kept.send("GET /kept HTTP/1.1\r\nHost: view.test\r\n\r\n")
    # A thousand servers that are checked every second are much for a debug build on a busy machine.
    patient = {"timeout": 5 * TIMEOUT}
    # Nobody listens there.
    others = {f"other{n}": {"address": f"127.99.{n // 250}.{n % 250 + 1}", "port": 9} for n in range(count - 1)}
    # Some have ports of their own, which each loop listens on.
    first = free_port(balancer.address)
    for n in range(8):
        others[f"other{n}"]["ports"] = [first + n]
    balancer.reload({"servers": others}, **patient)
    balancer.wait_for_log(rf"server other{count - 2} is down")
    assert balancer.get("/").status == 200
    run = balancer.call("server", "view01", "drain", **patient)
    assert run.returncode == 0, run.stderr
    run = balancer.call("status", **patient)
    assert run.returncode == 0 and f"other{count - 2}" in run.stdout, run.stdout + run.stderr
    assert balancer.worker == worker and "the worker died" not in balancer.log, balancer.log
    kept.close()
    balancer.stop()
    balancer.start()
    balancer.wait_for_log("worker is ready", since=balancer._began, **patient)
    assert balancer.get("/").status == 200
    balancer.reload({"servers": dict.fromkeys(others)}, **patient)
    assert "the worker died" not in balancer.log, balancer.log
