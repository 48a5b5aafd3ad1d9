"""iperf3 as client and server of ports that are relayed over TCP and UDP (`relay`)."""

import json
import shutil
import subprocess

import pytest
from harness.program import Program
from harness.waiting import TIMEOUT, client_addresses, free_port, wait_until

# A second, slow enough for a busy machine: a stall of a third of it fills the queue of iperf3's socket.
DATAGRAMS = ["--time", "1", "--bitrate", "2M", "--udp", "--length", "500"]
STREAM = ["--time", "1", "--bitrate", "50M"]
ATTEMPTS = 5


class Server(Program):
    """Beside a Connection Server, on TCP and UDP of one port."""

    def __init__(self, directory, server, port):
        super().__init__(directory / f"iperf3-{server.name}.log")
        self.launch(["iperf3", "--server", "--bind", server.address, "--port", port, "--forceflush"])
        wait_until(lambda: "Server listening" in self.log, lambda: f"iperf3's listener\n{self.log}")

    stop = Program.destroy


@pytest.fixture
def relay(testbed):
    """A balancer whose servers all have iperf3, and the port."""
    if not shutil.which("iperf3"):
        pytest.skip("iperf3 is not installed (Debian: iperf3)")
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, start=False)
    port = free_port(balancer.address)
    testbed.others.extend(Server(testbed.directory, server, port) for server in servers)
    balancer.configuration |= {"relay": {"tcp": [port], "udp": [port]}}
    balancer.start()
    balancer.wait_until_serving()
    for server in servers:
        balancer.wait_for_state(server.name, "up")
    return balancer, port


def measure(relay, source, *options):
    """What both ends have counted."""
    balancer, port = relay
    ends = ["--client", balancer.address, "--port", str(port), "--bind", source]

    def result():
        done = subprocess.run(
            ["iperf3", *ends, "--json", *options], capture_output=True, text=True, timeout=2 * TIMEOUT
        )
        found = json.loads(done.stdout)
        # The server may not have finished the measurement before.
        return None if "busy" in found.get("error", "") else found

    found = wait_until(result, "the end of another measurement")
    assert "error" not in found, found["error"]
    return found["end"]


@pytest.mark.parametrize("options", [[], ["--reverse"]], ids=["to the server", "from the server"])
def test_stream_of_tcp_passes(relay, options):
    end = measure(relay, client_addresses(1, start=40)[0], *STREAM, *options)
    # iperf3 ends with what is under way.
    assert end["sum_received"]["bytes"] > end["sum_sent"]["bytes"] / 2 > 0


def test_datagrams_arrive(relay):
    """The connection in which iperf3 agrees on a measurement, and its datagrams, meet one server."""
    for source in client_addresses(2, start=44):
        lost = []
        while 0 not in lost:
            assert len(lost) < ATTEMPTS, f"datagrams lost: {lost}"
            arrived = measure(relay, source, *DATAGRAMS)["sum_received"]
            assert arrived["packets"] > 0
            lost.append(arrived["lost_packets"])


def test_client_that_only_listens_gets_no_more_than_three_times_what_it_sent(relay):
    """In reverse iperf3's client sends one datagram, as one with a forged address would, and gets its answer alone."""
    balancer, _ = relay
    end = measure(relay, client_addresses(1, start=48)[0], *DATAGRAMS, "--reverse")
    assert end["sum_sent"]["packets"] > 0 and end["sum_received"]["bytes"] == 0, end
    wait_until(lambda: balancer.status["traffic"]["datagrams"]["dropped"] > 0, "datagrams that were dropped")
