"""The virtual address is a lease: it outlives its process by no more than that."""

import re
import signal

import pytest
from harness.waiting import stays, wait_until


def lifetime(node, address="192.0.2.100"):
    """How many seconds the kernel still keeps it; None when it is not there or is there for ever."""
    shown = node.run("ip", "addr", "show", "dev", "eth0")
    found = re.search(rf"{re.escape(address)}/\d+ .*\n\s+valid_lft (\d+)sec", shown)
    return int(found[1]) if found else None


def active(testbed, **vrrp):
    testbed.server()
    node = testbed.node("lb1")
    return testbed.balancer(node, vrrp=vrrp).wait_until("active")


def test_an_active_node_holds_the_address_for_seconds_and_renews_it(testbed):
    balancer = active(testbed)
    assert balancer.node.holds(testbed.ADDRESS)
    stays(lambda: 1 <= (lifetime(balancer.node) or 0) <= 3, "a short lease", 6)


def test_clients_are_served_at_the_address(testbed):
    balancer = active(testbed)
    assert testbed.get().status == 200
    assert balancer.node.holds(testbed.ADDRESS)


def test_a_stop_takes_the_address_off_and_says_so_first(testbed):
    balancer = active(testbed)
    capture = testbed.capture()
    balancer.stop()
    assert not balancer.node.holds(testbed.ADDRESS)
    last = capture.advertisements()[-1]
    assert last["vrrp.prio"] == "0"


def test_the_kernel_takes_the_address_of_a_killed_supervisor_off(testbed):
    balancer = active(testbed)
    balancer.kill()
    wait_until(lambda: not balancer.node.holds(testbed.ADDRESS), "the lease's end")


def test_the_kernel_takes_the_address_of_a_supervisor_that_hangs_off_and_it_begins_again_as_backup(testbed):
    balancer = active(testbed)
    said = len(balancer.log)
    balancer.signal(signal.SIGSTOP)
    wait_until(lambda: not balancer.node.holds(testbed.ADDRESS), "the lease's end")
    # As long as a Backup would wait before it takes over.
    stays(lambda: not balancer.node.holds(testbed.ADDRESS), "the address is gone", 2)
    balancer.signal(signal.SIGCONT)
    balancer.wait_for_log("did not run for", since=said)
    balancer.wait_until("backup", since=said).wait_until("active", since=said)


def test_an_address_that_somebody_takes_off_is_put_back(testbed):
    balancer = active(testbed)
    balancer.node.run("ip", "addr", "del", f"{testbed.ADDRESS}/24", "dev", "eth0")
    balancer.wait_for_log("the address was removed from the interface; restoring it")
    wait_until(lambda: balancer.node.holds(testbed.ADDRESS), "the address")


def test_what_an_earlier_life_left_is_swept(testbed):
    balancer = active(testbed, interval="3s")
    balancer.kill()
    assert balancer.node.holds(testbed.ADDRESS)
    said = len(balancer.log)
    balancer.start().wait_for_log("removed 192.0.2.100 from eth0", since=said)
    balancer.wait_until("backup", since=said)
    assert not balancer.node.holds(testbed.ADDRESS)


def test_an_address_that_is_no_lease_is_left_alone_and_said(testbed):
    testbed.server()
    node = testbed.node("lb1")
    node.run("ip", "addr", "add", f"{testbed.ADDRESS}/24", "dev", "eth0")
    balancer = testbed.balancer(node)
    balancer.wait_for_log("192.0.2.100 is on eth0, and this service did not put it there")
    check = balancer.call_plainly("check", "--configuration", balancer.file)
    assert check.returncode == 0 and "192.0.2.100 is on eth0" in check.stderr, check
    balancer.wait_until("active")
    balancer.stop()
    assert node.holds(testbed.ADDRESS) and lifetime(node) is None


def test_a_machines_only_address_is_never_taken_off_and_check_refuses_it(testbed):
    testbed.server()
    node = testbed.node("lb1")
    balancer = testbed.balancer(node, vrrp={"address": f"{node.address}/24"})
    balancer.wait_for_log(f"{node.address} is on eth0, and this service did not put it there")
    check = balancer.call_plainly("check", "--configuration", balancer.file)
    assert check.returncode == 1 and "is the only address that this machine has on eth0" in check.stderr, check
    balancer.stop()
    assert node.holds(node.address)


def test_check_says_of_a_peer_that_routers_are_in_between(testbed):
    testbed.server()
    node = testbed.node("lb1")
    balancer = testbed.balancer(node, start=False, vrrp={"peers": [node.address, "198.51.100.7"]}).write()
    # It never runs, and has said nothing.
    balancer.log_file.touch()
    check = balancer.call_plainly("check", "--configuration", balancer.file)
    assert "the peer 198.51.100.7 is in no network of eth0" in check.stderr, check


def test_release_gives_up_for_a_supervisor_that_was_killed(testbed):
    balancer = active(testbed)
    capture = testbed.capture()
    balancer.kill()
    assert balancer.node.holds(testbed.ADDRESS)
    run = balancer.call("release")
    assert run.returncode == 0, run.stderr
    assert not balancer.node.holds(testbed.ADDRESS)
    # First that a Backup need not wait, then that this node is gone.
    hurry, last = capture.advertisements()[-2:]
    assert (hurry["vrrp.prio"], hurry["vrrp.short_adver_int"]) == ("101", "1")
    assert last["vrrp.prio"] == "0"
    assert last["ip.src"] == "192.0.2.11" and last["ip.ttl"] == "255"
    assert balancer.call("release").stderr == ""


def test_release_takes_nothing_off_but_leases_whatever_the_file_says(testbed):
    balancer = active(testbed, interval="3s")
    node, file = balancer.node, balancer.directory / "leases"
    wait_until(file.exists, "the record of what is held")
    balancer.kill()
    node.run("ip", "addr", "add", "192.0.2.150/24", "dev", "eth0", "valid_lft", 100, "preferred_lft", 100)
    with file.open("a") as leases:
        leases.write(f"address eth0 {node.address}/24\naddress eth0 192.0.2.150/24\n")
    run = balancer.call("release")
    assert run.returncode == 0, run.stderr
    assert node.holds(node.address) and node.holds("192.0.2.150")
    assert not node.holds(testbed.ADDRESS)


def test_leases_of_another_instance_are_left_to_it(testbed):
    testbed.server()
    node = testbed.node("lb1")
    node.run("ip", "addr", "add", "192.0.2.150/24", "dev", "eth0", "valid_lft", 100, "preferred_lft", 100)
    balancer = testbed.balancer(node).wait_until("active")
    wait_until((balancer.directory / "leases").exists, "the record of what is held")
    balancer.kill()
    assert balancer.call("release").returncode == 0
    assert node.holds("192.0.2.150") and not node.holds(testbed.ADDRESS)


def test_what_an_earlier_life_with_another_configuration_left_is_swept(testbed):
    balancer = active(testbed, interval="3s")
    wait_until((balancer.directory / "leases").exists, "the record of what is held")
    balancer.kill()
    changed = testbed.balancer(balancer.node, vrrp={"address": "192.0.2.110/24"})
    changed.wait_for_log("removed 192.0.2.100 from eth0")
    assert not balancer.node.holds(testbed.ADDRESS)


@pytest.mark.parametrize("way", ["stop", "release", "the lease's end", "the next start"])
def test_the_machine_s_own_addresses_of_the_subnet_stay_when_the_virtual_one_goes(testbed, way):
    testbed.server()
    node = testbed.node("lb1")
    # The kernel's own setting, which deletes what came to a subnet later together with what came first.
    node.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/all/promote_secondaries")
    node.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries")
    balancer = testbed.balancer(node, vrrp={"address": "192.0.2.100/25", "interval": "3s" if "start" in way else "1s"})
    balancer.wait_until("active")
    node.run("ip", "addr", "add", "192.0.2.40/25", "dev", "eth0")
    assert any("192.0.2.40/25" in line and "secondary" in line for line in node.addresses())
    if way == "stop":
        balancer.stop()
    else:
        wait_until((balancer.directory / "leases").exists, "the record of what is held")
        balancer.kill()
    if way == "release":
        assert balancer.call("release").returncode == 0
    elif way == "the next start":
        said = len(balancer.log)
        balancer.start().wait_for_log("removed 192.0.2.100 from eth0", since=said)
    wait_until(lambda: not node.holds(testbed.ADDRESS), "the virtual address gone")
    assert node.holds("192.0.2.40")
    assert "192.0.2.0/25 " in node.run("ip", "route"), "and the way to its subnet"


def test_release_leaves_a_service_that_runs_alone(testbed):
    balancer = active(testbed)
    run = balancer.call("release")
    assert run.returncode == 1
    assert "the service runs" in run.stderr
    assert balancer.node.holds(testbed.ADDRESS)


def test_release_after_an_orderly_stop_has_nothing_to_do(testbed):
    balancer = active(testbed)
    balancer.stop()
    run = balancer.call("release")
    assert (run.returncode, run.stderr) == (0, "")


def test_three_capabilities_are_enough(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), start=False)
    # Those of the unit. Root without the others may no more than their owner.
    three = "-all,+net_bind_service,+net_admin,+net_raw"
    balancer.prefix = ["setpriv", f"--bounding-set={three}", f"--inh-caps={three}"]
    balancer.start().wait_until("active")
    assert balancer.node.holds(testbed.ADDRESS) and testbed.get().status == 200
    capture = testbed.capture()
    balancer.kill()
    run = balancer.call("release")
    assert (run.returncode, balancer.node.holds(testbed.ADDRESS)) == (0, False), run.stderr
    assert capture.advertisements()[-1]["vrrp.prio"] == "0"
