"""Streams of bytes between a process on one node and the receiver on the other one (`belvedere apply`)."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from harness.pair.lan import Lan
from harness.pair.streams import Receiver, Refused, Stream, echo
from harness.waiting import TIMEOUT, wait_until

MB = 1 << 20
# Of no one.
GROUP = 65533


@pytest.fixture
def nodes(testbed):
    """Two nodes of a pair without a virtual address, the second one with a place for its receiver."""
    testbed.server()
    secret = testbed.directory / "pair.key"
    secret.write_text(secrets.token_hex(32) + "\n")
    secret.chmod(0o640)
    pair = {"nodes": {"lb1": "192.0.2.11", "lb2": "192.0.2.12"}, "secret": str(secret)}
    forwarded = {"trusted-proxies": [f"{Lan.CLIENT}/32"]}
    nodes = []
    for name in ("lb1", "lb2"):
        balancer = testbed.balancer(testbed.node(name), start=False, vrrp=[], pair=pair, forwarded=forwarded)
        balancer.receiver = balancer.directory / "receiver"
        balancer.options = ["--receiver", balancer.receiver]
        nodes.append(balancer.start())
    for balancer, other in zip(nodes, ("lb2", "lb1")):
        balancer.wait_for_log(f"pair: {other} has joined")
        balancer.wait_for_log("worker is ready")
    return nodes


def received_by(testbed, node, serve):
    receiver = Receiver(node.receiver, serve)
    testbed.programs.append(receiver)
    return receiver


def send_all(stream, octets):
    """On a thread of its own, until the stream ends."""

    def send():
        with contextlib.suppress(OSError):
            stream.send(octets)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("source", [0, 1])
def test_stream_carries_bytes_in_both_directions(testbed, nodes, source):
    """By either node: lb2 makes the connection. A process's end is the end on both sides."""
    receiver = received_by(testbed, nodes[1 - source], echo)
    for _ in range(2):
        stream = Stream(nodes[source], ("lb2", "lb1")[source])
        octets = secrets.token_bytes(MB)
        send_all(stream, octets)
        assert stream.receive_all(MB) == octets
        ended = receiver.ended
        stream.close()
        wait_until(lambda ended=ended: receiver.ended == ended + 1, "the end at the receiver")
    for node in nodes:
        node.wait_for_log(r"apply: the stream (to|from) lb\d has ended$")


def test_each_node_can_open_a_stream_at_the_same_time(testbed, nodes):
    for node in nodes:
        received_by(testbed, node, echo)
    streams = [Stream(nodes[0], "lb2"), Stream(nodes[1], "lb1")]
    for number, stream in enumerate(streams):
        send_all(stream, bytes([number]) * MB)
    for number, stream in enumerate(streams):
        assert stream.receive_all(MB) == bytes([number]) * MB
        stream.close()


def test_stream_ends_after_the_last_byte_of_the_receiver(testbed, nodes):
    answer = secrets.token_bytes(100_000)

    def serve(connection):
        assert connection.recv(100) == b"question"
        connection.sendall(answer)

    received_by(testbed, nodes[1], serve)
    stream = Stream(nodes[0], "lb2")
    stream.send(b"question")
    assert stream.receive_all(len(answer)) == answer
    assert stream.receive() == ""


def test_stream_that_cannot_be_opened_is_refused_with_the_reason(testbed, nodes):
    first, second = nodes
    for node, reason in {
        "lb2": "apply is not enabled on lb2: systemctl enable --now belvedere-apply.socket",
        "lb1": "the pair has no other node `lb1`. There are: lb2",
        "lb3": "the pair has no other node `lb3`. There are: lb2",
    }.items():
        with pytest.raises(Refused) as refusal:
            Stream(first, node)
        assert str(refusal.value) == reason
    # One at a time.
    received_by(testbed, second, echo)
    stream = Stream(first, "lb2")
    with pytest.raises(Refused, match="another stream is open to a node"):
        Stream(first, "lb2")
    stream.close()
    second.stop()
    first.wait_for_log("pair: lb2 has left")
    with pytest.raises(Refused, match="lb2 is not connected: it says: belvedere stops"):
        Stream(first, "lb2")


def test_only_root_may_open_a_stream(testbed):
    """Not those either whom the socket's group lets ask for everything else."""
    asker = (
        "import socket, sys\n"
        "with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:\n"
        "    sock.connect(sys.argv[1])\n"
        "    sock.sendall(sys.argv[2].encode() + b'\\n')\n"
        "    print(sock.makefile().readline())\n"
    )
    balancer = testbed.balancer(testbed.node("lb1"), testbed.server(), start=False, vrrp=[])
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        balancer.control = Path(place) / "control"
        balancer.start().wait_for_log("worker is ready")
        os.chown(balancer.control, 0, GROUP)
        as_member = ["setpriv", "--reuid=65534", f"--regid={GROUP}", "--clear-groups", "/usr/bin/python3", "-c", asker]
        answers = []
        for request in ({"command": "status"}, {"command": "apply-stream", "node": "lb2"}):
            words = [*as_member, str(balancer.control), json.dumps({"version": 1, **request})]
            run = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT)
            answers.append(json.loads(run.stdout))
        balancer.stop()
    assert answers[0]["ok"]
    assert answers[1] == {"ok": False, "reasons": ["permission denied: be root"], "version": 1}


def open_half_way(testbed, nodes):
    """A stream in the middle of a transfer, with more to send than its window."""
    receiver = received_by(testbed, nodes[1], echo)
    stream = Stream(nodes[0], "lb2")
    octets = secrets.token_bytes(4 * MB)
    send_all(stream, octets)
    assert octets.startswith(stream.receive_all(MB // 4))
    return receiver, stream


def reopen(nodes):
    """The nodes are connected again, and carry streams as before."""

    def opened():
        try:
            return Stream(nodes[0], "lb2")
        except Refused:
            return None

    stream = wait_until(opened, "another stream")
    stream.send(b"once more")
    assert stream.receive_all(9) == b"once more"
    stream.close()


def test_loss_of_the_link_ends_the_stream_on_both_nodes(testbed, nodes):
    receiver, stream = open_half_way(testbed, nodes)
    nodes[1].node.isolate()
    assert stream.end().startswith("lb2 has left: ")
    wait_until(lambda: receiver.ended == 1, "the end at the receiver")
    nodes[1].wait_for_log("apply: the stream from lb1 has ended: lb1 has left: ")
    nodes[1].node.join()
    reopen(nodes)


@pytest.mark.parametrize("which", [0, 1])
def test_death_of_a_worker_ends_the_stream_on_both_nodes(testbed, nodes, which):
    receiver, stream = open_half_way(testbed, nodes)
    os.kill(nodes[which].status["worker"]["pid"], signal.SIGKILL)
    assert stream.end().startswith(("the worker of lb1 has ended", "lb2 has left: ")[which])
    wait_until(lambda: receiver.ended == 1, "the end at the receiver")
    reopen(nodes)


@pytest.mark.parametrize("which", [0, 1])
def test_stop_of_a_node_ends_the_stream_on_both_nodes(testbed, nodes, which):
    receiver, stream = open_half_way(testbed, nodes)
    nodes[which].stop()
    assert stream.end() == f"belvedere stops on lb{which + 1}"
    wait_until(lambda: receiver.ended == 1, "the end at the receiver")


def test_death_of_a_process_ends_the_stream_on_both_nodes(testbed, nodes):
    """As by Ctrl-C, while there is no room for what it sends."""
    taken = threading.Event()

    def serve(connection):
        taken.wait(TIMEOUT)
        echo(connection)

    receiver = received_by(testbed, nodes[1], serve)
    words = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
from harness.pair.lan import Lan
from harness.pair.streams import Stream
class Balancer: control = {str(nodes[0].control)!r}
stream = Stream(Balancer, "lb2")
print("open", flush=True)
stream.send(bytes(4 << 20))
"""
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        process.kill()
    taken.set()
    wait_until(lambda: receiver.ended == 1, "the end at the receiver")
    reopen(nodes)


def test_slow_receiver_delays_its_sender_only(testbed, nodes):
    """What is on the way stays small, and clients are known to the other node as soon as ever."""
    first, second = nodes
    released = threading.Event()
    received = []

    def serve(connection):
        released.wait(TIMEOUT)
        while octets := connection.recv(65536):
            received.append(octets)

    received_by(testbed, second, serve)
    stream = Stream(first, "lb2")
    octets = secrets.token_bytes(MB)
    sender = send_all(stream, octets)
    for number in range(1, 4):
        answer = testbed.get(first.node.address, "/", f"X-Forwarded-For: 198.51.100.{number}", "Connection: close")
        assert answer.status == 200, answer.text
        wait_until(lambda number=number: known_clients(second) == number, "a client that the other node knows")
    assert sender.is_alive()
    released.set()
    sender.join(TIMEOUT)
    wait_until(lambda: sum(map(len, received)) == len(octets), lambda: f"all bytes: {sum(map(len, received))}")
    assert b"".join(received) == octets
    stream.close()


def known_clients(node):
    return sum(server["load"]["clients"] for server in node.status["servers"] if server["load"])


def test_reload_waits_for_a_stream_before_the_nodes_join_again(testbed, nodes):
    """Its result may be what the stream is about."""
    received_by(testbed, nodes[1], echo)
    stream = Stream(nodes[0], "lb2")
    for node in nodes:
        node.reload({"affinity": {"hold": "80m"}})
    octets = secrets.token_bytes(MB)
    send_all(stream, octets)
    assert stream.receive_all(MB) == octets
    assert not any("has left" in node.log for node in nodes)
    stream.close()
    nodes[0].wait_for_log("has left: .*its configuration has changed")
    reopen(nodes)


def test_more_than_8_mb_is_too_much(testbed, nodes):
    def serve(connection):
        while connection.recv(65536):
            pass

    received_by(testbed, nodes[1], serve)
    stream = Stream(nodes[0], "lb2")
    with pytest.raises(OSError):
        for _ in range(16):
            stream.send(bytes(MB))
    assert stream.end() == "it has more than 8 MB"


def test_next_process_is_started_two_seconds_after_the_last_one(testbed, nodes):
    """However often the worker of a node wants one."""
    moments = []

    def serve(connection):
        moments.append(time.monotonic())
        connection.recv(1)

    received_by(testbed, nodes[1], serve)
    for _ in range(3):
        Stream(nodes[0], "lb2").close()
    assert all(later - earlier > 1 for earlier, later in zip(moments, moments[1:])), moments
