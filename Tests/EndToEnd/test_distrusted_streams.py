"""Streams between processes on two nodes, as a worker that was taken over would abuse them."""
import secrets
import socket
import struct

import pytest
from harness.waiting import TIMEOUT, fresh_address
from harness.worker_socket import WorkerSocket, text

# The kind of the event (Sources/WorkerProtocol/WorkerEvent.swift).
STREAM = 144
# Contents of messages about streams (Sources/Domain/StreamMessage.swift).
OPEN, DATA, CREDIT, CLOSE = 1, 2, 3, 4


def stream(number, kind, content=b"", node="lb2"):
    """What the opener of a stream on another node is said to have sent."""
    return bytes([STREAM]) + text(node) + struct.pack(">QBB", number, 1, kind) + content


@pytest.fixture
def applied_to(testbed):
    """A node of a pair, and the processes that were connected where its receiver is to be: when they were."""
    secret = testbed.directory / "pair.key"
    secret.write_text(secrets.token_hex(32) + "\n")
    secret.chmod(0o640)
    pair = {"nodes": {"lb1": fresh_address(), "lb2": fresh_address()}, "node": "lb1", "secret": str(secret)}
    balancer = testbed.balance(testbed.server(), start=False, pair=pair)
    path = balancer.directory / "receiver"
    balancer.options = ["--receiver", path]
    balancer.start().wait_until_serving()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        yield balancer, listener


def test_worker_can_have_a_receiver_started_at_most_every_two_seconds(applied_to):
    balancer, listener = applied_to
    end = WorkerSocket(balancer.worker)
    assert end.say(stream(0, OPEN))
    listener.settimeout(TIMEOUT)
    listener.accept()[0].close()
    for number in range(20):
        assert end.say(stream(number, CLOSE, text(""))) and end.say(stream(number + 1, OPEN))
    listener.settimeout(0.5)
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.settimeout(TIMEOUT)
    listener.accept()[0].close()
    assert balancer.get("/").status == 200


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (stream(1, DATA, text("no")), "“stream” came at the wrong time"),
        (stream(1, CREDIT, b"\x04"), "“stream” came at the wrong time"),
        (stream(2, OPEN, node="lb1"), "a message's node is out of range"),
    ],
)
def test_worker_that_sends_more_than_was_granted_is_replaced(applied_to, message, words):
    balancer, listener = applied_to
    worker = balancer.worker
    end = WorkerSocket(worker)
    assert end.say(stream(1, OPEN))
    listener.settimeout(TIMEOUT)
    connection = listener.accept()[0]
    for _ in range(9):
        end.say(message)
    balancer.wait_for_log(rf"protocol violation by the worker, .*: .*{words}")
    balancer.wait_for_another_worker(worker)
    connection.settimeout(TIMEOUT)
    while connection.recv(100):
        pass
    connection.close()
