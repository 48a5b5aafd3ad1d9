"""The worker serves the maximum number of servers that `check` accepts."""

import pytest
from harness.waiting import TIMEOUT, free_port, wait_until


# `status` gives up after five seconds, which a sanitizer may take for the status of 1,024 servers.
@pytest.mark.parametrize("count", [65, pytest.param(1024, marks=pytest.mark.once)])
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


def test_thousand_servers_are_up_after_their_first_checks(testbed):
    """All of them are due at once. If they shared the time of a busy machine, all would time out."""
    addresses = [f"127.98.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    nginx = testbed.nginx(extra="\n".join(f"listen {address}:8443 ssl;" for address in addresses))
    servers = {f"other{n}": {"address": address, "port": 8443} for n, address in enumerate(addresses)}
    trust = {"ca": str(testbed.certificates.authority.certificate)}
    balancer = testbed.balance(
        nginx, serving=False, servers=servers, trust=trust, health={"timeout": f"{TIMEOUT / 2:.0f}s"}
    )

    def up():
        return balancer.log.count("is up: health check passed") == len(addresses) + 1

    wait_until(up, lambda: balancer.log, 10 * TIMEOUT)
    assert " is down" not in balancer.log
    assert balancer.get("/").status == 200
