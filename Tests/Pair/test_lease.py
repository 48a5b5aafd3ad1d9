"""The virtual address is a lease: the kernel removes it some seconds after the end of its process."""

import re
import signal

import pytest
from harness.waiting import stays, wait_until


def lifetime(node, address="192.0.2.100"):
    """The remaining lifetime of the address in seconds; None if it is missing or permanent."""
    shown = node.run("ip", "addr", "show", "dev", "eth0")
    found = re.search(rf"{re.escape(address)}/\d+ .*\n\s+valid_lft (\d+)sec", shown)
    return int(found[1]) if found else None


def active(testbed, **vrrp):
    testbed.server()
    node = testbed.node("lb1")
    return testbed.balancer(node, vrrp=vrrp).wait_until("active")


def test_active_node_has_the_address_as_a_lease_and_renews_it(testbed):
    balancer = active(testbed)
    assert balancer.node.holds(testbed.ADDRESS)
    stays(lambda: 1 <= (lifetime(balancer.node) or 0) <= 3, "a short lease", 6)


def test_clients_are_served_at_the_virtual_address(testbed):
    balancer = active(testbed)
    assert testbed.get().status == 200
    assert balancer.node.holds(testbed.ADDRESS)


def test_stop_announces_and_removes_the_address(testbed):
    balancer = active(testbed)
    capture = testbed.capture()
    balancer.stop()
    assert not balancer.node.holds(testbed.ADDRESS)
    last = capture.advertisements()[-1]
    assert last["vrrp.prio"] == "0"


def test_kernel_removes_the_address_of_a_killed_supervisor(testbed):
    balancer = active(testbed)
    balancer.kill()
    wait_until(lambda: not balancer.node.holds(testbed.ADDRESS), "the lease's end")


def test_kernel_removes_the_address_of_a_hung_supervisor_which_resumes_as_backup(testbed):
    balancer = active(testbed)
    said = len(balancer.log)
    balancer.signal(signal.SIGSTOP)
    wait_until(lambda: not balancer.node.holds(testbed.ADDRESS), "the lease's end")
    # Active_Down_Interval of a Backup.
    stays(lambda: not balancer.node.holds(testbed.ADDRESS), "the address is gone", 2)
    balancer.signal(signal.SIGCONT)
    balancer.wait_for_log("did not run for", since=said)
    balancer.wait_until("backup", since=said).wait_until("active", since=said)


def test_address_removed_by_another_program_is_restored(testbed):
    balancer = active(testbed)
    balancer.node.run("ip", "addr", "del", f"{testbed.ADDRESS}/24", "dev", "eth0")
    balancer.wait_for_log("the address was removed from the interface; restoring it")
    wait_until(lambda: balancer.node.holds(testbed.ADDRESS), "the address")


def test_lease_left_by_an_earlier_process_is_removed(testbed):
    balancer = active(testbed, interval="3s")
    balancer.kill()
    assert balancer.node.holds(testbed.ADDRESS)
    said = len(balancer.log)
    balancer.start().wait_for_log("removed 192.0.2.100 from eth0", since=said)
    balancer.wait_until("backup", since=said)
    assert not balancer.node.holds(testbed.ADDRESS)


def test_address_that_is_no_lease_is_kept_and_logged(testbed):
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


def test_only_address_of_a_machine_is_never_removed_and_refused_by_check(testbed):
    testbed.server()
    node = testbed.node("lb1")
    balancer = testbed.balancer(node, vrrp={"address": f"{node.address}/24"})
    balancer.wait_for_log(f"{node.address} is on eth0, and this service did not put it there")
    check = balancer.call_plainly("check", "--configuration", balancer.file)
    assert check.returncode == 1 and "is the only address that this machine has on eth0" in check.stderr, check
    balancer.stop()
    assert node.holds(node.address)


def test_check_warns_of_a_peer_behind_a_router(testbed):
    testbed.server()
    node = testbed.node("lb1")
    balancer = testbed.balancer(node, start=False, vrrp={"peers": [node.address, "198.51.100.7"]}).write()
    # It never runs, and sends nothing.
    balancer.log_file.touch()
    check = balancer.call_plainly("check", "--configuration", balancer.file)
    assert "the peer 198.51.100.7 is in no network of eth0" in check.stderr, check


def test_release_resigns_for_a_killed_supervisor(testbed):
    balancer = active(testbed)
    capture = testbed.capture()
    balancer.kill()
    assert balancer.node.holds(testbed.ADDRESS)
    run = balancer.call("release")
    assert run.returncode == 0, run.stderr
    assert not balancer.node.holds(testbed.ADDRESS)
    # First the shutdown advertisement, then the removal of the address.
    hurry, last = capture.advertisements()[-2:]
    assert (hurry["vrrp.prio"], hurry["vrrp.short_adver_int"]) == ("101", "1")
    assert last["vrrp.prio"] == "0"
    assert last["ip.src"] == "192.0.2.11" and last["ip.ttl"] == "255"
    assert balancer.call("release").stderr == ""


def test_release_removes_only_leases_whatever_the_record_says(testbed):
    balancer = active(testbed, interval="3s")
    node, file = balancer.node, balancer.directory / "leases"
    wait_until(file.exists, "the lease record")
    balancer.kill()
    node.run("ip", "addr", "add", "192.0.2.150/24", "dev", "eth0", "valid_lft", 100, "preferred_lft", 100)
    with file.open("a") as leases:
        leases.write(f"address eth0 {node.address}/24\naddress eth0 192.0.2.150/24\n")
    run = balancer.call("release")
    assert run.returncode == 0, run.stderr
    assert node.holds(node.address) and node.holds("192.0.2.150")
    assert not node.holds(testbed.ADDRESS)


def test_leases_of_another_instance_are_kept(testbed):
    testbed.server()
    node = testbed.node("lb1")
    node.run("ip", "addr", "add", "192.0.2.150/24", "dev", "eth0", "valid_lft", 100, "preferred_lft", 100)
    balancer = testbed.balancer(node).wait_until("active")
    wait_until((balancer.directory / "leases").exists, "the lease record")
    balancer.kill()
    assert balancer.call("release").returncode == 0
    assert node.holds("192.0.2.150") and not node.holds(testbed.ADDRESS)


def test_lease_left_by_an_earlier_process_with_another_configuration_is_removed(testbed):
    balancer = active(testbed, interval="3s")
    wait_until((balancer.directory / "leases").exists, "the lease record")
    balancer.kill()
    changed = testbed.balancer(balancer.node, vrrp={"address": "192.0.2.110/24"})
    changed.wait_for_log("removed 192.0.2.100 from eth0")
    assert not balancer.node.holds(testbed.ADDRESS)


@pytest.mark.parametrize("way", ["stop", "release", "the lease's end", "the next start"])
def test_other_addresses_of_the_subnet_stay_when_the_virtual_one_is_removed(testbed, way):
    testbed.server()
    node = testbed.node("lb1")
    # The kernel's default, by which the removal of a subnet's first address removes the others as well.
    node.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/all/promote_secondaries")
    node.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries")
    balancer = testbed.balancer(node, vrrp={"address": "192.0.2.100/25", "interval": "3s" if "start" in way else "1s"})
    balancer.wait_until("active")
    node.run("ip", "addr", "add", "192.0.2.40/25", "dev", "eth0")
    assert any("192.0.2.40/25" in line and "secondary" in line for line in node.addresses())
    if way == "stop":
        balancer.stop()
    else:
        wait_until((balancer.directory / "leases").exists, "the lease record")
        balancer.kill()
    if way == "release":
        assert balancer.call("release").returncode == 0
    elif way == "the next start":
        said = len(balancer.log)
        balancer.start().wait_for_log("removed 192.0.2.100 from eth0", since=said)
    wait_until(lambda: not node.holds(testbed.ADDRESS), "the removal of the virtual address")
    assert node.holds("192.0.2.40")
    assert "192.0.2.0/25 " in node.run("ip", "route"), "and the way to its subnet"


def test_release_does_not_affect_a_running_service(testbed):
    balancer = active(testbed)
    run = balancer.call("release")
    assert run.returncode == 1
    assert "the service runs" in run.stderr
    assert balancer.node.holds(testbed.ADDRESS)


def test_release_after_a_regular_stop_does_nothing(testbed):
    balancer = active(testbed)
    balancer.stop()
    run = balancer.call("release")
    assert (run.returncode, run.stderr) == (0, "")


def test_three_capabilities_are_sufficient(testbed):
    testbed.server()
    balancer = testbed.balancer(testbed.node("lb1"), start=False)
    # The capabilities of the unit. Without other ones root is an ordinary user.
    three = "-all,+net_bind_service,+net_admin,+net_raw"
    balancer.prefix = ["setpriv", f"--bounding-set={three}", f"--inh-caps={three}"]
    balancer.start().wait_until("active")
    assert balancer.node.holds(testbed.ADDRESS) and testbed.get().status == 200
    capture = testbed.capture()
    balancer.kill()
    run = balancer.call("release")
    assert (run.returncode, balancer.node.holds(testbed.ADDRESS)) == (0, False), run.stderr
    assert capture.advertisements()[-1]["vrrp.prio"] == "0"
