"""What operators commanded outlasts a restart in a file, or says that it does not."""

import signal
import stat

import pytest
from harness.service import belvedere
from harness.view import pair
from harness.waiting import client_addresses, wait_until


def restart(balancer):
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    balancer.start()
    return balancer.wait_until_serving()


def test_admin_states_outlast_a_restart_with_a_file(testbed):
    file = testbed.directory / "servers"
    balancer = pair(testbed, server_state_file=str(file))
    balancer.server("view01", "maintenance")
    balancer.server("view02", "weight", "7")
    restart(balancer)
    assert "server state: view01 maintenance, restored after a restart" in balancer.log
    assert "server state: view02 weight 7, restored after a restart" in balancer.log
    assert balancer.status_of("view01")["state"] == "maintenance"
    assert balancer.status_of("view02")["weight"] == 7
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    balancer.server("view01", "ready")
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "up"
    assert [path.name for path in testbed.directory.glob("servers*")] == ["servers"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_file_that_comes_with_a_reload_is_written_then_and_one_that_goes_is_left_alone(testbed):
    file = testbed.directory / "servers"
    balancer = pair(testbed)
    balancer.server("view01", "drain")
    balancer.reload({"server-state-file": str(file)})
    wait_until(file.exists, "the file")
    balancer.reload({"server-state-file": "off"})
    balancer.server("view01", "ready")
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "up"
    balancer.configuration["server-state-file"] = str(file)
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "drain"


def test_action_whose_file_cant_be_written_says_so_and_is_written_when_it_can(testbed):
    folder = testbed.directory / "state"
    folder.mkdir()
    balancer = pair(testbed, server_state_file=str(folder / "servers"))
    # A folder where the draft is to be: no file can be there, not even root's.
    (folder / "servers.new" / "in-the-way").mkdir(parents=True)
    told = balancer.call("server", "view01", "drain")
    assert told.returncode == 0
    assert f"warning: it lasts until a restart only: {folder}/servers can't be written" in told.stderr
    assert balancer.status_of("view01")["state"] == "drain"
    balancer.wait_for_log("server state: .* they last until a restart only, and writing is tried again")
    (folder / "servers.new" / "in-the-way").rmdir()
    (folder / "servers.new").rmdir()
    balancer.wait_for_log(r"server state: .*/servers can be written again")
    assert '"view01"' in (folder / "servers").read_text()
    assert "warning: it lasts" not in balancer.call("server", "view02", "weight", "3").stderr


@pytest.mark.parametrize("damage", ["damaged", "a-directory"])
def test_file_of_orders_that_does_not_read_is_ignored_with_one_line(testbed, damage):
    file = testbed.directory / "servers"
    balancer = pair(testbed, server_state_file=str(file))
    balancer.server("view01", "drain")
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    content = file.read_text()
    if damage == "a-directory":
        file.unlink()
        file.mkdir()
    else:
        file.write_text(content[:-4])
    balancer.start()
    balancer.wait_until_serving()
    assert balancer.status_of("view01")["state"] == "up"
    lines = [line for line in balancer.log.splitlines() if "the file is ignored" in line]
    assert len(lines) == 1 and str(file) in lines[0]
    if damage == "a-directory":
        file.rmdir()


def test_place_where_admin_states_cannot_be_kept_is_refused_by_check_and_told_by_run(testbed):
    file = testbed.directory / "missing" / "servers"
    balancer = pair(testbed, server_state_file=str(file))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1
    assert f"{file}: can't be used: No such file or directory" in check.stdout + check.stderr
    assert balancer.server("view01", "drain").startswith("view01: drain")
    balancer.wait_for_log("server state: .*they last until a restart only, and writing is tried again")
    file.parent.mkdir()
    balancer.server("view01", "ready")
    balancer.wait_for_log("server state: .* can be written again")
