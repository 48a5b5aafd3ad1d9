"""`belvedere server NAME drain|maintenance|ready|weight N`: who goes where then, for how long, and what operators see."""

import json
import os
import signal
import socket
import stat
import subprocess
import threading

import pytest
from harness.service import belvedere, binary
from harness.http import LAST_CHUNK, Head, chunk, read_chunk
from harness.server import page
from harness.waiting import client_addresses, wait_until

# Checks that find a change in a moment.
QUICK = {"interval": "200ms", "timeout": "5s", "rise": 2, "fall": 2, "jitter": "0s"}

TUNNEL = (
    b"POST /ice/tunnel?3F2504E0 HTTP/1.1\r\nHost: view.test:443\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Type: application/octet-stream\r\n\r\n"
)
HELLO = chunk(b"M;1;;17;messageType=S:aW5pdA==|;")


def tunnel_or_page(request):
    """Echoes a tunnel's chunks, and answers everything else with the server's name."""
    if not request.target.startswith("/ice/"):
        return page(request)
    request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Server: " + request.server.name.encode() + b"\r\n\r\n")
    while True:
        raw, content = request.chunk()
        if content is None:
            return None
        request.send(raw)
        if not content:
            return None


class User:
    """Somebody at work: a page now and then on a kept connection, and all the time a tunnel on another."""

    def __init__(self, balancer, source):
        self.source = source
        self.pages, self.tunnel = balancer.connect(source), balancer.connect(source)
        self.home = self.page()
        self.tunnel.send(TUNNEL + HELLO)
        head = Head.read(self.tunnel)
        assert head.start == "HTTP/1.1 200 OK" and head.get("X-Server") == self.home
        assert read_chunk(self.tunnel)[0] == HELLO

    def page(self):
        answer = self.pages.get("/whoami")
        assert answer is not None and answer.status == 200, f"{self.source}: {answer and answer.status}"
        return answer["X-Server"]

    def work(self):
        """Everything still goes to the same server, and the tunnel is the one it was."""
        assert self.page() == self.home, f"{self.source} was moved"
        self.tunnel.send(HELLO)
        assert read_chunk(self.tunnel)[0] == HELLO, f"the tunnel of {self.source} was cut"

    def leave(self):
        self.tunnel.send(LAST_CHUNK)
        assert read_chunk(self.tunnel)[0] == LAST_CHUNK
        self.tunnel.close()
        self.pages.close()


def command(balancer, *words):
    """Gives a command that is obeyed, and returns what is said of the server."""
    run = balancer.call("server", *words)
    assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{balancer.log}"
    return run.stdout.rstrip("\n")


def load_of(balancer, name):
    """What it carries; a worker tells it within a second."""
    return wait_until(lambda: balancer.status_of(name)["load"], lambda: f"the load of {name}:\n{balancer.log}")


def pair(testbed, **options):
    """Two servers whose users may pause between two pages."""
    timeouts = {"keep-alive": "1m"} | options.pop("timeouts", {})
    servers = (testbed.server(name, script=tunnel_or_page) for name in ("view01", "view02"))
    return testbed.balance(*servers, timeouts=timeouts, **options)


def users_of(balancer, count=24):
    """Users of both servers, by server."""
    users = [User(balancer, source) for source in client_addresses(count)]
    homes = {name: [user for user in users if user.home == name] for name in ("view01", "view02")}
    assert all(homes.values())
    return homes


def another_worker(balancer, than):
    balancer.expects_worker_death = True
    wait_until(lambda: balancer.worker not in (None, than), "another worker")
    wait_until(lambda: balancer.status_of("view02")["state"] != "unknown", "the servers' first checks")


# Drain


def test_drained_server_loses_its_last_session_without_one_user_being_moved(testbed):
    balancer = pair(testbed)
    homes = users_of(balancer)
    assert command(balancer, "view01", "drain") == f"view01: drain, {len(homes['view01'])} sessions left"
    # Newcomers all go to the other server.
    newcomers = [User(balancer, source) for source in client_addresses(20, start=100)]
    assert {user.home for user in newcomers} == {"view02"}
    # Those who are there stay, over new connections too, until they leave by themselves.
    leaving = list(homes["view01"])
    while leaving:
        for user in leaving + homes["view02"] + newcomers:
            user.work()
            assert balancer.server_of(user.source) == user.home
        leaving.pop().leave()
        wait_until(
            lambda: load_of(balancer, "view01")["sessions"] == len(leaving), lambda: f"{balancer.status_of('view01')}"
        )
    shown = load_of(balancer, "view01")
    assert (shown["sessions"], shown["exchanges"], shown["waiting"]) == (0, 0, 0)
    # Who comes back in time still finds the own server, which is up all the while.
    assert shown["clients"] >= len(homes["view01"])
    assert balancer.server_of(homes["view01"][0].source) == "view01"


def test_returned_server_gets_new_clients_only(testbed):
    balancer = pair(testbed)
    command(balancer, "view01", "drain")
    homes = {source: User(balancer, source) for source in client_addresses(24)}
    assert {user.home for user in homes.values()} == {"view02"}
    assert command(balancer, "view01", "ready").startswith("view01: up")
    for user in homes.values():
        user.work()
        assert balancer.server_of(user.source) == "view02"
    assert {balancer.server_of(source) for source in client_addresses(24, start=100)} == {"view01", "view02"}


def test_drain_is_kept_over_reloads(testbed):
    balancer = pair(testbed)
    homes = users_of(balancer)
    command(balancer, "view01", "drain")
    for threads in (1, 3, 2):
        balancer.reload({"threads": threads})
        for user in homes["view01"] + homes["view02"]:
            user.work()
    assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
    shown = balancer.status_of("view01")
    assert (shown["state"], shown["reason"], shown["admin_state"]["mode"]) == ("drain", "administratively", "drain")


def test_drain_is_kept_when_the_worker_is_killed_and_no_client_is_moved(testbed):
    file = testbed.directory / "affinity"
    balancer = pair(testbed, affinity={"file": str(file)})
    sources = client_addresses(24)
    homes = {source: balancer.server_of(source) for source in sources}
    assert set(homes.values()) == {"view01", "view02"}
    command(balancer, "view01", "drain")
    wait_until(file.exists, "the clients' file, which a drain has written at once")
    for _ in range(2):
        worker = balancer.worker
        os.kill(worker, signal.SIGKILL)
        another_worker(balancer, worker)
        assert {source: balancer.server_of(source) for source in sources} == homes
        assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
        assert balancer.status_of("view01")["state"] == "drain"
    command(balancer, "view01", "ready")
    assert {source: balancer.server_of(source) for source in sources} == homes
    assert {balancer.server_of(source) for source in client_addresses(40, start=200)} == {"view01", "view02"}


def test_drain_and_503_are_both_obeyed_and_either_is_enough(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health=QUICK)
    command(balancer, "view01", "drain")
    servers[0].health = 503
    balancer.wait_for_log("server view01 is still drain: health check answered 503")
    assert command(balancer, "view01", "ready").startswith("view01: drain")
    servers[0].health = 200
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")


def test_drained_server_that_dies_is_down_and_drained_when_it_comes_back(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health=QUICK)
    command(balancer, "view01", "drain")
    servers[0].die()
    balancer.wait_for_state("view01", "down")
    assert command(balancer, "view01", "drain").startswith("view01: down, drain requested")
    servers[0].start()
    balancer.wait_for_state("view01", "drain")


def test_connections_that_are_passed_through_are_drained_alike(testbed):
    def speak(request):
        request.respond(200, request.server.name)

    servers = [testbed.server(name, script=speak) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, mode="passthrough", tls=None)

    def home_of(source):
        with balancer.connect(source) as client:
            return client.get("/", "Connection: close").text

    homes = {source: home_of(source) for source in client_addresses(24)}
    assert set(homes.values()) == {"view01", "view02"}
    source = next(source for source, home in homes.items() if home == "view01")
    with balancer.connect(source) as kept:
        assert kept.get("/").text == "view01"
        assert command(balancer, "view01", "drain").startswith("view01: drain, 1 session left")
        assert {source: home_of(source) for source in homes} == homes
        assert {home_of(source) for source in client_addresses(20, start=100)} == {"view02"}
        command(balancer, "view01", "maintenance")
        assert kept.get("/").text == "view01"
        assert {home_of(source) for source in homes} == {"view02"}


# Maintenance


def test_server_in_maintenance_gets_nobody_and_its_tunnels_end_by_themselves(testbed):
    balancer = pair(testbed)
    homes = users_of(balancer)
    assert command(balancer, "view01", "maintenance").startswith("view01: maintenance")
    for user in homes["view01"]:
        # The next page comes from the other server, the tunnel goes on.
        assert user.page() == "view02"
        user.tunnel.send(HELLO)
        assert read_chunk(user.tunnel)[0] == HELLO
    before = len(testbed.servers[0].requests)
    for source in client_addresses(20, start=100):
        assert balancer.server_of(source) == "view02"
    assert len(testbed.servers[0].requests) == before
    wait_until(lambda: load_of(balancer, "view01")["exchanges"] == len(homes["view01"]), "the tunnels in the figures")
    # Back again: who has moved stays there.
    command(balancer, "view01", "ready")
    for user in homes["view01"]:
        assert user.page() == "view02"


def test_idle_connections_to_a_server_in_maintenance_are_closed_and_none_is_kept(testbed):
    arrived, released = threading.Event(), threading.Event()

    def slow(request):
        if request.target == "/slow":
            arrived.set()
            assert released.wait(60)
        return page(request)

    server = testbed.server("view01", script=slow)
    balancer = testbed.balance(server, testbed.server("view02"), server_changes={"view02": {"backup": True}})
    assert balancer.server_of("127.0.0.1") == "view01"
    with balancer.connect() as client:
        client.send(b"GET /slow HTTP/1.1\r\nHost: view.test\r\n\r\n")
        assert arrived.wait(20)
        command(balancer, "view01", "maintenance")
        released.set()
        assert client.answer()["X-Server"] == "view01"
        wait_until(lambda: all(c.stream.ended or c.stream.closed for c in server.traffic), "every connection's end")
        assert client.get("/whoami")["X-Server"] == "view02"


def test_who_waits_for_a_server_that_goes_into_maintenance_is_sent_elsewhere(testbed):
    arrived, released = threading.Event(), threading.Event()

    def held(request):
        if request.target == "/hold":
            arrived.set()
            assert released.wait(60)
        return page(request)

    balancer = testbed.balance(
        testbed.server("view01", script=held), testbed.server("view02"),
        server_changes={"view01": {"connections": 1}, "view02": {"backup": True}},
    )  # fmt: skip
    holder, waiter = balancer.connect("127.0.91.1"), balancer.connect("127.0.91.2")
    holder.send(b"GET /hold HTTP/1.1\r\nHost: view.test\r\n\r\n")
    assert arrived.wait(20)
    waiter.send(b"GET /whoami HTTP/1.1\r\nHost: view.test\r\n\r\n")
    wait_until(lambda: load_of(balancer, "view01")["waiting"] == 1, lambda: f"{balancer.status_of('view01')}")
    command(balancer, "view01", "maintenance")
    assert waiter.answer()["X-Server"] == "view02"
    released.set()
    assert holder.answer()["X-Server"] == "view01"


def test_server_in_maintenance_stays_so_when_the_worker_is_killed_and_is_not_waited_for(testbed):
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers)
    command(balancer, "view01", "maintenance")
    servers[0].die()
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    another_worker(balancer, worker)
    shown = balancer.status_of("view01")
    assert (shown["state"], shown["reason"]) == ("maintenance", "administratively")
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    # Nobody has answered there yet.
    assert command(balancer, "view01", "ready").startswith("view01: down")


def test_no_server_left_is_warned_of(testbed):
    balancer = testbed.balance(testbed.server("view01"))
    run = balancer.call("server", "view01", "maintenance")
    assert run.returncode == 0
    assert run.stderr == "warning: no server takes new clients now: they are answered with 503\n"
    assert balancer.get("/").status == 503
    command(balancer, "view01", "ready")
    assert balancer.get("/").status == 200


# Weight


def test_weight_changes_the_share_of_new_clients_and_moves_nobody(testbed):
    balancer = pair(testbed)
    sources = client_addresses(24)
    homes = {source: balancer.server_of(source) for source in sources}
    assert command(balancer, "view01", "weight", "0").startswith("view01: up, weight 0, configured 1")
    assert {source: balancer.server_of(source) for source in sources} == homes
    assert {balancer.server_of(source) for source in client_addresses(20, start=100)} == {"view02"}
    balancer.reload({"threads": 1})
    assert {balancer.server_of(source) for source in client_addresses(20, start=130)} == {"view02"}
    command(balancer, "view01", "weight", "256")
    new = [balancer.server_of(source) for source in client_addresses(60, start=160)]
    # 59.8 expected.
    assert new.count("view01") > 50
    assert command(balancer, "view01", "weight", "configured").startswith("view01: up")
    assert balancer.status_of("view01")["admin_state"] is None
    assert {balancer.server_of(source) for source in client_addresses(30, start=230)} == {"view01", "view02"}


# What is kept, and what is not


def test_order_is_forgotten_with_the_server(testbed):
    balancer = pair(testbed)
    command(balancer, "view01", "drain")
    servers = dict(balancer.configuration["servers"])
    balancer.configuration["servers"] = {"view02": servers["view02"]}
    balancer.reload()
    run = balancer.call("server", "view01", "ready")
    assert run.returncode == 1 and "no server `view01`. Did you mean `view02`?" in run.stderr
    balancer.configuration["servers"] = servers
    balancer.reload()
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")
    assert balancer.status_of("view01")["admin_state"] is None


def test_order_is_kept_by_a_server_that_moves_to_another_address(testbed):
    balancer = pair(testbed)
    command(balancer, "view01", "maintenance")
    other = testbed.server("view01")
    balancer.configuration["servers"]["view01"] |= {"address": other.address, "port": other.port}
    balancer.reload()
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    assert balancer.status_of("view01")["state"] == "maintenance"
    command(balancer, "view01", "ready")
    wait_until(lambda: balancer.status_of("view01")["state"] == "up", "the server up")


def test_orders_and_reloads_at_the_same_time_are_all_obeyed(testbed):
    balancer = pair(testbed)
    faults = []

    def give(words, count):
        for _ in range(count):
            run = balancer.call(*words)
            if run.returncode:
                faults.append(f"{words}: {run.stderr}")

    threads = [
        threading.Thread(target=give, args=(words, 6))
        for words in (["reload"], ["server", "view01", "drain"], ["server", "view02", "weight", "3"], ["status", "--json"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert balancer.status_of("view01")["state"] == "drain"
    assert balancer.status_of("view02")["weight"] == 3
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}


def test_order_while_no_worker_runs_is_remembered(testbed):
    balancer = pair(testbed)
    balancer.expects_worker_death = True
    # While the supervisor stands still, nobody starts another worker; both the end and the order wait for it.
    os.kill(balancer.process.pid, signal.SIGSTOP)
    try:
        worker = balancer.worker
        command = subprocess.Popen(
            [binary(), "server", "view01", "drain", "--control", balancer.control],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.kill(worker, signal.SIGKILL)
    finally:
        os.kill(balancer.process.pid, signal.SIGCONT)
    command.communicate(timeout=60)
    assert command.returncode == 0
    another_worker(balancer, worker)
    assert balancer.status_of("view01")["state"] == "drain"


# Over a restart


def restart(balancer):
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    balancer.start()
    return balancer.wait_until_serving()


def test_orders_outlast_a_restart_with_a_file(testbed):
    file = testbed.directory / "orders"
    balancer = pair(testbed, server_state_file=str(file))
    command(balancer, "view01", "maintenance")
    command(balancer, "view02", "weight", "7")
    restart(balancer)
    assert "server state: view01 maintenance, restored after a restart" in balancer.log
    assert "server state: view02 weight 7, restored after a restart" in balancer.log
    assert balancer.status_of("view01")["state"] == "maintenance"
    assert balancer.status_of("view02")["weight"] == 7
    assert {balancer.server_of(source) for source in client_addresses(20)} == {"view02"}
    command(balancer, "view01", "ready")
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "up"
    assert [path.name for path in testbed.directory.glob("orders*")] == ["orders"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_file_that_comes_with_a_reload_is_written_then_and_one_that_goes_is_left_alone(testbed):
    file = testbed.directory / "orders"
    balancer = pair(testbed)
    command(balancer, "view01", "drain")
    balancer.reload({"server-state-file": str(file)})
    wait_until(file.exists, "the orders' file")
    balancer.reload({"server-state-file": "off"})
    command(balancer, "view01", "ready")
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "up"
    balancer.configuration["server-state-file"] = str(file)
    restart(balancer)
    assert balancer.status_of("view01")["state"] == "drain"


def test_order_whose_file_cant_be_written_says_so_and_is_written_when_it_can(testbed):
    folder = testbed.directory / "state"
    folder.mkdir()
    balancer = pair(testbed, server_state_file=str(folder / "orders"))
    # A folder where the draft is to be: no file can be there, not even root's.
    (folder / "orders.new" / "in-the-way").mkdir(parents=True)
    told = balancer.call("server", "view01", "drain")
    assert told.returncode == 0
    assert f"warning: it lasts until a restart only: {folder}/orders can't be written" in told.stderr
    assert balancer.status_of("view01")["state"] == "drain"
    balancer.wait_for_log("server state: .* they last until a restart only, and writing is tried again")
    (folder / "orders.new" / "in-the-way").rmdir()
    (folder / "orders.new").rmdir()
    balancer.wait_for_log(r"server state: .*/orders can be written again")
    assert '"view01"' in (folder / "orders").read_text()
    assert "warning: it lasts" not in balancer.call("server", "view02", "weight", "3").stderr


@pytest.mark.parametrize("damage", ["shortened", "foreign", "too-new", "empty", "a-directory"])
def test_file_of_orders_that_does_not_read_is_ignored_with_one_line(testbed, damage):
    file = testbed.directory / "orders"
    balancer = pair(testbed, server_state_file=str(file))
    command(balancer, "view01", "drain")
    balancer.signal(signal.SIGTERM)
    assert balancer.wait() == 0
    content = file.read_text()
    if damage == "a-directory":
        file.unlink()
        file.mkdir()
    else:
        file.write_text({
            "shortened": content[:-4],
            "foreign": "service: view.test\n",
            "too-new": content.replace('"version":1', '"version":2'),
            "empty": "",
        }[damage])  # fmt: skip
    balancer.start()
    balancer.wait_until_serving()
    assert balancer.status_of("view01")["state"] == "up"
    lines = [line for line in balancer.log.splitlines() if "the file is ignored" in line]
    assert len(lines) == 1 and str(file) in lines[0]
    if damage == "a-directory":
        file.rmdir()


def test_place_where_orders_cannot_be_kept_is_refused_by_check_and_told_by_run(testbed):
    file = testbed.directory / "missing" / "orders"
    balancer = pair(testbed, server_state_file=str(file))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 1
    assert f"{file}: can't be used: No such file or directory" in check.stdout + check.stderr
    assert command(balancer, "view01", "drain").startswith("view01: drain")
    balancer.wait_for_log("server state: .*they last until a restart only, and writing is tried again")
    file.parent.mkdir()
    command(balancer, "view01", "ready")
    balancer.wait_for_log("server state: .* can be written again")


# What is refused


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["view1", "drain"], 1, "the configuration has no server `view1`. Did you mean `view01`?"),
        (["nonsense", "drain"], 1, "the configuration has no server `nonsense`. There are: view01"),
        (["view01", "weight"], 64, "`weight` takes a number from 0 to 256, or `configured`"),
        (["view01", "weight", "257"], 64, "`257` is no weight"),
        (["view01", "drain", "3"], 64, "`drain` takes no number"),
        (["view01", "stop"], 64, "stop"),
        (["view01"], 64, "action"),
    ],
)
def test_order_that_makes_no_sense_is_refused(shared_testbed, words, status, said):
    if not shared_testbed.balancers:
        shared_testbed.balance(shared_testbed.server("view01"))
    balancer = shared_testbed.balancers[0]
    run = balancer.call("server", *words)
    assert run.returncode == status and run.stdout == ""
    assert said in run.stderr
    assert balancer.status_of("view01")["admin_state"] is None


def test_order_over_the_socket_is_answered_with_the_server(testbed):
    balancer = pair(testbed)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(balancer.control))
        sock.sendall(b'{"version":1,"command":"server","name":"view01","action":"weight","weight":5}\n')
        answer = json.loads(sock.makefile().readline())
    assert answer["ok"] is True and answer["warnings"] == []
    assert answer["server"]["name"] == "view01"
    assert (answer["server"]["weight"], answer["server"]["configured_weight"]) == (5, 1)
    assert balancer.status_of("view01")["admin_state"]["weight"] == 5
