"""UDP relayed unread beside 443 (`relay: udp`)."""

import contextlib
import os
import signal
import socket

import pytest
from harness import processes
from harness.datagrams import PORT, Client, Echo
from harness.waiting import client_addresses, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]

QUICK = {"interval": "200ms", "rise": 2, "fall": 2, "jitter": "0s"}


@pytest.fixture
def relay(testbed):
    """Two servers with UDP echoes on their own addresses, and a function that creates a balancer for them."""
    echoes = {}

    def make(names=("view01", "view02"), addresses=(None, None), **changes):
        servers = [testbed.server(name, address=address) for name, address in zip(names, addresses)]
        for server in servers:
            echoes[server.name] = Echo(server.name, server.address)
            testbed.others.append(echoes[server.name])
        balancer = testbed.balance(*servers, **{"relay": {"udp": [PORT]}, "health": QUICK, **changes})
        return balancer, {server.name: server for server in servers}, echoes

    return make


def server_of(balancer, source, **options):
    with Client(balancer, source, **options) as client:
        return client.ask()


def traffic(balancer):
    return balancer.status["traffic"]


def test_client_reaches_the_same_server_over_tcp_and_udp(relay):
    balancer, servers, echoes = relay()
    sources = client_addresses(24)
    # Half of them come over UDP first.
    early = {source: server_of(balancer, source) for source in sources[::2]}
    homes = balancer.servers_of(sources)
    assert set(homes.values()) == {"view01", "view02"}
    assert early == {source: homes[source] for source in early}
    assert {source: server_of(balancer, source) for source in sources} == homes
    balancer.reload({"limits": {"queue": 999}})
    assert {source: server_of(balancer, source) for source in sources} == homes
    # Another number of threads, both ways.
    for threads in (3, 1):
        balancer.reload({"threads": threads})
        assert {source: server_of(balancer, source) for source in sources} == homes


SIZES = [0, 1, 1200, 1472, 9000, 65507]


def check_datagrams(balancer, **options):
    """Any size, unchanged, in order."""
    with Client(balancer, **options) as client:
        client.ask()
        for _ in range(5):
            sent = [os.urandom(size) for size in SIZES]
            for datagram in sent:
                client.send(datagram)
            assert [client.receive() for _ in sent] == sent
        # More than a batch.
        sent = [number.to_bytes(2) for number in range(100)]
        for datagram in sent:
            client.send(datagram)
        assert [client.receive() for _ in sent] == sent


def test_datagrams_of_any_size_pass_unchanged_and_in_order(relay):
    balancer, _, _ = relay()
    check_datagrams(balancer)


@pytest.mark.parametrize("listen", ["[::1]:{port}", "*:{port}"])
def test_answers_come_from_the_address_that_the_client_sent_to(relay, listen):
    balancer, _, _ = relay()
    balancer.reload({"listen": listen.format(port=balancer.port), "redirect": "off"})
    check_datagrams(balancer, address="::1")
    if listen.startswith("*"):
        check_datagrams(balancer, address="127.77.0.1")
        check_datagrams(balancer, address="127.77.0.2", source="127.77.0.1")


def test_servers_may_have_ipv6(relay):
    balancer, _, _ = relay(names=["view01"], addresses=["::1"])
    check_datagrams(balancer)


def test_closed_port_of_a_server_ends_the_flow_and_triggers_a_check(relay):
    balancer, servers, echoes = relay(health={"interval": "1h", "jitter": "0s"})
    with Client(balancer) as client:
        name = client.ask()
        echoes[name].stop()
        checks = len(servers[name].checks)
        wait_until(lambda: client.send(b"x") or len(servers[name].checks) > checks, "a health check")
        balancer.wait_for_log(f"server {name}, port {PORT}: UDP: Connection refused")
        balancer.wait_for_access(rf'datagrams servers/{name} .* S[CD]-- .*"UDP {balancer.address}:{PORT}, ')
        # The service at the port returns, with the same clients.
        echo = Echo(name, servers[name].address)
        try:
            assert client.ask() == name
        finally:
            echo.stop()


def test_flows_of_a_server_that_is_down_move_to_another(relay):
    balancer, servers, echoes = relay()
    with Client(balancer) as client:
        name = client.ask()
        assert client.ask() == name
        other = next(other for other in servers if other != name)
        servers[name].die()
        balancer.wait_for_state(name, "down")
        wait_until(lambda: client.ask() == other, "the other server")
        balancer.wait_for_access(rf"datagrams servers/{name} .* D[D]-- ")
        # The returned server does not interrupt a session.
        servers[name].start()
        balancer.wait_for_state(name, "up")
        assert client.ask() == other


@pytest.mark.parametrize("mode", ["drain", "maintenance"])
def test_server_commands_apply_to_datagrams_as_well(relay, mode):
    balancer, servers, echoes = relay()
    sources = client_addresses(12)
    homes = balancer.servers_of(sources)
    with contextlib.ExitStack() as stack:
        clients = {source: stack.enter_context(Client(balancer, source)) for source in sources}
        assert {source: client.ask() for source, client in clients.items()} == homes
        balancer.server("view01", mode)
        # What runs goes on.
        assert {source: client.ask() for source, client in clients.items()} == homes
        newcomers = client_addresses(12, start=100)
        assert {server_of(balancer, source) for source in newcomers} == {"view02"}
        again = {source: server_of(balancer, source) for source in sources}
        assert again == (homes if mode == "drain" else dict.fromkeys(sources, "view02"))


def test_flow_follows_its_client_to_another_server(relay):
    """A PCoIP client uses the same source port for all of its sessions."""
    balancer, servers, echoes = relay()
    source = "127.0.90.1"
    first = balancer.server_of(source)
    with Client(balancer, source, source_port=50002) as client:
        assert client.ask() == first
        balancer.server(first, "maintenance")
        other = balancer.server_of(source)
        assert other != first

        def moved():
            return stays_silent(client, 5.5) and client.ask() == other

        wait_until(moved, "the other server")


def test_flow_follows_its_server_to_another_address(relay, testbed):
    """A reload changes the server's address: no datagram of a new session may go to the old one."""
    balancer, servers, echoes = relay(names=["view01"])
    with Client(balancer, "127.0.90.2", source_port=50003) as client:
        assert client.ask() == "view01"
        machine = testbed.server("extra")
        testbed.others.append(Echo("extra", machine.address))
        balancer.reload({"servers": {"view01": {"address": machine.address, "port": machine.port}}})
        # What runs goes on.
        assert client.ask() == "view01"
        wait_until(lambda: stays_silent(client, 5.5) and client.ask() == "extra", "the other machine")


def test_flow_follows_its_client_after_its_service_was_renamed(relay):
    balancer, _, _ = relay()
    source = "127.0.90.3"
    with Client(balancer, source, source_port=50004) as client:
        first = client.ask()
        keys = ("service", "tls", "servers", "health", "listen", "redirect", "relay", "timeouts")
        service = {key: balancer.configuration[key] for key in keys if key in balancer.configuration}
        balancer.reload({**dict.fromkeys(service), "services": {"view": service}})
        balancer.server(first, "maintenance")
        other = balancer.server_of(source)
        assert other != first
        wait_until(lambda: stays_silent(client, 5.5) and client.ask() == other, "the other server")


def stays_silent(client, seconds):
    return client.receive(within=seconds) is None


def test_flow_keeps_the_assignment_of_its_client(relay):
    balancer, servers, _ = relay(affinity={"hold": "5s"})
    # A client that the hash sends to view01, assigned to the other one.
    source = next(source for source in client_addresses(100) if server_of(balancer, source) == "view01")
    servers["view01"].die()
    balancer.wait_for_state("view01", "down")
    assert balancer.server_of(source) == "view02"
    with Client(balancer, source) as client:
        assert client.ask() == "view02"
        servers["view01"].start()
        balancer.wait_for_state("view01", "up")
        for _ in range(40):
            client.receive(within=0.2)
            assert client.ask() == "view02"
        assert balancer.server_of(source) == "view02"


def test_flow_ends_after_silence_with_one_log_line(relay):
    balancer, _, _ = relay(timeouts={"datagrams": "2s"})
    with Client(balancer) as client:
        for _ in range(3):
            client.send(b"1234")
            assert client.receive() == b"1234"
        (line,) = balancer.wait_for_access("datagrams servers/view0[12] 0/0/0/[0-9]+/[0-9]+ -1 12 - - ---- ")
        assert f'"UDP {balancer.address}:{PORT}, 3 datagrams in, 3 out, 0 dropped"' in line
        wait_until(lambda: traffic(balancer)["flows"] == 0, "the flow's end")
        assert client.ask()
    wait_until(lambda: traffic(balancer)["datagrams"]["relayed"] >= 6, "the datagrams in the status")


def test_status_counts_the_flows_of_each_server(relay):
    balancer, _, _ = relay()

    def counted():
        return {name: balancer.load_of(name)["flows"] for name in ("view01", "view02")}

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(balancer, source)) for source in client_addresses(12, start=60)]
        met = [client.ask() for client in clients]
        flows = {name: met.count(name) for name in ("view01", "view02")}
        wait_until(lambda: counted() == flows, lambda: f"{flows}: {counted()}")
        balancer.reload({"relay": None})
        wait_until(lambda: counted() == {"view01": 0, "view02": 0}, lambda: f"no flow: {counted()}")


def test_limits_apply_to_new_flows_only(relay):
    balancer, _, _ = relay(limits={"flows": 16, "flows-per-address": 8})
    with contextlib.ExitStack() as stack:
        served = [stack.enter_context(Client(balancer, "127.0.91.1")) for _ in range(8)]
        for client in served:
            client.ask()
            client.ask()
        # The address has reached its limit.
        with Client(balancer, "127.0.91.1") as further:
            further.send(b"who")
            assert further.receive(within=0.5) is None
        # Clients that never answer their server evict each other's flows only.
        silent = [stack.enter_context(Client(balancer, f"127.0.92.{n + 1}")) for n in range(100)]
        for client in silent:
            client.send(b"x")
            client.receive(within=0.05)
        for client in served:
            assert client.ask() in ("view01", "view02")
        wait_until(lambda: traffic(balancer)["flows"] == 16, "all flows")
        wait_until(lambda: traffic(balancer)["datagrams"]["dropped"] >= 1, "dropped datagrams")


def test_forged_flows_do_not_block_an_address_or_fill_the_log(relay):
    balancer, _, _ = relay(limits={"flows": 64, "flows-per-address": 4})
    with contextlib.ExitStack() as stack:
        # Their sender never receives an answer.
        for _ in range(20):
            stack.enter_context(Client(balancer, "127.0.95.1")).send(b"x")
        own = stack.enter_context(Client(balancer, "127.0.95.1"))
        assert own.ask() == own.ask()
        wait_until(lambda: traffic(balancer)["flows"] == 21, "all flows")
        balancer.reload({"relay": None})
    balancer.wait_for_access("datagrams servers/")
    balancer.stop()
    assert len([line for line in balancer.access_lines if " datagrams servers/" in line]) == 1


def test_answers_to_forged_addresses_are_bounded(relay):
    """The server answers one datagram with many."""
    balancer, _, echoes = relay()
    for echo in echoes.values():
        echo.answers = lambda datagram: [datagram * 10] * 20
    with Client(balancer) as client:
        client.send(b"0123456789")
        assert client.receive(within=1) is None
        # Three times the bytes received, and no more.
        for echo in echoes.values():
            echo.answers = lambda datagram: [datagram] * 20
        client.send(b"0123456789")
        received = [client.receive() for _ in range(6)]
        assert received == [b"0123456789"] * 6 and client.receive(within=0.5) is None
        # The client has answered, which confirms its address.
        client.send(b"0123456789")
        assert [client.receive() for _ in range(20)] == [b"0123456789"] * 20


def test_flood_of_new_addresses_is_bounded_and_others_are_served(relay):
    balancer, _, _ = relay(limits={"flows": 200})
    flood = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(300)]
    def memory():
        """In KiB; not measured under a sanitizer, which keeps freed memory."""
        return processes.memory(balancer.worker) or 0

    try:
        for number, attacker in enumerate(flood):
            attacker.bind((f"127.0.93.{number % 250 + 1}", 0))
        with Client(balancer, "127.0.94.1") as client:
            client.ask()
            client.ask()
            before = None
            for turn in range(20):
                for attacker in flood:
                    attacker.sendto(b"x" * 100, (balancer.address, PORT))
                assert client.ask() in ("view01", "view02")
                assert balancer.get("/whoami").status == 200
                if turn == 4:
                    before = memory()
            assert memory() - before < 8192
    finally:
        for attacker in flood:
            attacker.close()


def test_reload_adds_and_removes_listeners(relay):
    balancer, _, _ = relay()
    with Client(balancer) as client, Client(balancer, port=PORT + 1) as other:
        client.ask()
        for echo in balancer.configuration["servers"].values():
            assert echo
        balancer.reload({"relay": {"udp": [PORT, PORT + 1]}})
        name = client.ask()
        extra = Echo("extra", balancer.configuration["servers"][name]["address"], PORT + 1)
        try:
            assert other.ask() == other.ask() == "extra"
        finally:
            extra.stop()
        balancer.reload({"relay": None})
        balancer.wait_for_access("datagrams servers/view0[12] .* K[D]--", count=2)
        with pytest.raises(ConnectionRefusedError):
            for _ in range(100):
                client.socket.send(b"x")
                client.receive(within=0.1)


def test_another_worker_serves_the_same_clients(relay):
    balancer, _, _ = relay()
    sources = client_addresses(8)
    homes = balancer.servers_of(sources)
    worker = balancer.worker
    with Client(balancer, sources[0]) as client:
        assert client.ask() == homes[sources[0]]
        os.kill(worker, signal.SIGKILL)
        balancer.wait_for_another_worker(worker)
        assert client.ask() == homes[sources[0]]
    assert {source: server_of(balancer, source) for source in sources} == homes


def test_server_can_not_be_a_client(relay):
    """Otherwise two servers could answer each other without end."""
    balancer, servers, echoes = relay()
    for name, echo in echoes.items():
        echo.socket.sendto(b"loop", (balancer.address, PORT))
    wait_until(lambda: traffic(balancer)["datagrams"]["dropped"] >= 2, "dropped datagrams")
    assert traffic(balancer)["flows"] == 0


def test_start_is_refused_if_the_port_is_in_use(relay, testbed):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        balancer = testbed.balance(testbed.server(), start=False, relay={"udp": [PORT]})
        other.bind((balancer.address, PORT))
        log = balancer.refusal()
    assert f"the listener for UDP on {balancer.address}:{PORT} can't be bound" in log and "ss -ulnp" in log
