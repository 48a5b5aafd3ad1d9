"""The worker serves the maximum number of servers that `check` accepts."""

import pytest
from harness.waiting import TIMEOUT, free_port


@pytest.mark.parametrize("count", [65, 1024])
def test_maximum_number_of_servers_is_served_and_tunnels_go_on(testbed, count):
    server = testbed.server()
    balancer = testbed.balance(server)
    worker = balancer.worker
    kept = balancer.connect()
    kept.send("GET /kept HTTP/1.1\r\nHost: view.test\r\n\r\n")
    # Checks of a thousand servers every second are too many for a debug build on a busy machine.
    patient = {"timeout": 5 * TIMEOUT}
    # No process listens there.
    others = {f"other{n}": {"address": f"127.99.{n // 250}.{n % 250 + 1}", "port": 9} for n in range(count - 1)}
    # Some have dedicated ports, on which each loop listens.
    for n in range(8):
        others[f"other{n}"]["ports"] = [free_port(balancer.address)]
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
