"""Operators' commands and the status of a node with a virtual router."""

import time

from harness.waiting import stays, wait_until


def router(balancer):
    return balancer.status["routers"][0]


def test_failover_and_failback_have_no_gap(testbed):
    first, second = testbed.pair()
    probe = testbed.probe()
    since = time.monotonic()
    run = first.call("failover")
    assert (run.returncode, run.stdout) == (0, "router-51: 192.0.2.12 has the address now\n"), run.stderr
    # After the command the other node has the address.
    assert second.node.holds(testbed.ADDRESS)
    wait_until(lambda: not first.node.holds(testbed.ADDRESS), "the address on the other node")
    stays(lambda: second.node.holds(testbed.ADDRESS), "who was sent away stays away", 4)
    assert router(first)["state"] == "backup" and router(first)["priority_reductions"] == ["withdrawn by the administrator"]
    print(f"gap: {probe.gap(since) * 1000:.0f} ms")
    assert probe.gap(since) < 0.3
    since = time.monotonic()
    run = first.call("failover", "--back")
    assert (run.returncode, run.stdout) == (0, "router-51: this node has the address\n"), run.stderr
    assert first.node.holds(testbed.ADDRESS)
    wait_until(lambda: not second.node.holds(testbed.ADDRESS), "one holder")
    time.sleep(0.5)
    print(f"gap: {probe.gap(since) * 1000:.0f} ms")
    assert probe.gap(since) < 0.3


def test_failover_without_a_successor_keeps_the_address_and_reports_it(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1")).wait_until("active")
    run = balancer.call("failover")
    assert (run.returncode, run.stdout) == (1, "router-51: no other node took over, this node keeps the address\n")
    assert balancer.node.holds(testbed.ADDRESS)


def test_failover_of_a_backup_withdraws_it(testbed):
    _, second = testbed.pair()
    run = second.call("failover", "--for", "2h")
    assert (run.returncode, run.stdout) == (0, "router-51: this node did not have the address\n")
    assert router(second)["priority"] == 1
    run = second.call("failover", "--back")
    assert (run.returncode, run.stdout) == (0, "router-51: this node takes part in the election again; 192.0.2.11 has the address\n")


def test_failback_is_answered_once_the_active_is_known(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1")).wait_until("backup")
    run = balancer.call("failover", "--back")
    assert (run.returncode, run.stdout) == (0, "router-51: this node has the address\n"), run.stderr
    assert balancer.node.holds(testbed.ADDRESS)


def test_withdrawn_node_takes_over_if_the_other_one_dies(testbed):
    first, second = testbed.pair()
    assert first.call("failover").returncode == 0
    said = len(first.log)
    second.kill()
    assert second.call("release").returncode == 0
    first.wait_until("active", since=said)


def test_failover_without_virtual_routers_is_refused(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), vrrp=[])
    balancer.wait_for_log("serves")
    run = balancer.call("failover")
    assert run.returncode == 1
    assert "there is no virtual address here" in run.stderr


def test_status_shows_roles_priorities_and_reasons(testbed):
    first, second = testbed.pair()
    active, backup = router(first), router(second)
    assert (active["state"], backup["state"]) == ("active", "backup")
    assert (active["priority"], backup["priority"]) == (101, 100)
    assert active["holds_addresses"] and not backup["holds_addresses"]
    assert active["addresses"] == ["192.0.2.100/24"] and active["lease"] == 3
    assert active["became_active"] == 1 and backup["became_active"] == 0
    peer = wait_until(lambda: router(second)["peer"], "an advertisement")
    assert peer["address"] == "192.0.2.11" and peer["priority"] == 101
    wait_until(lambda: router(first)["sent"] > active["sent"], "advertisements sent")
    wait_until(lambda: router(second)["received"] > backup["received"], "advertisements received")
    assert "router-51" in first.call("status").stdout
    # A rejected advertisement is counted by its reason: keepalived's checksum follows the other convention.
    testbed.keepalived(testbed.node("lb3"), priority=150)
    wait_until(lambda: any(r["kind"] == "checksum" for r in router(first)["rejected"]), "a rejection", timeout=30)


def test_reload_that_changes_the_virtual_router_is_refused(testbed):
    first, _ = testbed.pair()
    first.file.write_text(first.file.read_text().replace("192.0.2.100/24", "192.0.2.105/24"))
    run = first.call("reload")
    assert run.returncode == 1
    assert "vrrp can't change while the service runs; `systemctl restart belvedere` changes it" in run.stderr
