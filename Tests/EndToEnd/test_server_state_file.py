"""What operators commanded outlasts a restart in a file, or says that it does not. One that does not read is ignored
as that of test_affinity_file.py is."""

import stat

import pytest
from harness.service import belvedere
from harness.view import pair
from harness.waiting import client_addresses, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


def test_admin_states_survive_a_restart_with_a_file(testbed):
    file = testbed.directory / "servers"
    balancer = pair(testbed, server_state_file=str(file))
    balancer.server("view01", "maintenance")
    balancer.server("view02", "weight", "7")
    balancer.restart()
    assert "server state: view01 maintenance, restored after a restart" in balancer.log
    assert "server state: view02 weight 7, restored after a restart" in balancer.log
    assert balancer.status_of("view01")["state"] == "maintenance"
    assert balancer.status_of("view02")["weight"] == 7
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    balancer.server("view01", "ready")
    balancer.restart()
    assert balancer.status_of("view01")["state"] == "up"
    assert [path.name for path in testbed.directory.glob("servers*")] == ["servers"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_reload_starts_or_stops_writing_the_file(testbed):
    file = testbed.directory / "servers"
    balancer = pair(testbed)
    balancer.server("view01", "drain")
    balancer.reload({"server-state-file": str(file)})
    wait_until(file.exists, "the file")
    balancer.reload({"server-state-file": "off"})
    balancer.server("view01", "ready")
    balancer.restart()
    assert balancer.status_of("view01")["state"] == "up"
    balancer.configuration["server-state-file"] = str(file)
    balancer.restart()
    assert balancer.status_of("view01")["state"] == "drain"


def test_failure_to_write_the_file_is_reported_and_writing_is_retried(testbed):
    folder = testbed.directory / "state"
    folder.mkdir()
    balancer = pair(testbed, server_state_file=str(folder / "servers"))
    # A folder at the path of the temporary file: even root can't create a file there.
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


def test_unwritable_path_of_the_file_is_refused_by_check_and_logged_by_run(testbed):
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
