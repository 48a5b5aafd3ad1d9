"""The network of these tests itself."""

import contextlib
import socket
import subprocess
import sys

from harness.commands import printed_by
from harness.pair.lan import Lan

# Sends until there is no room.
SENDER = f"""
import contextlib, socket, time
with socket.create_connection(("{Lan.CLIENT}", 2358), timeout=0.2) as connection:
    with contextlib.suppress(TimeoutError):
        while True:
            connection.send(bytes(65536))
    print("full", flush=True)
    time.sleep(600)
"""


def test_node_that_has_ended_leaves_its_address_to_another_one(testbed):
    """Although the kernel of the former node still tries to send. With its cable it would announce the address as its own
    after some seconds, and reset the connections of the other node."""
    node = testbed.node("lb2")
    with contextlib.closing(socket.create_server((Lan.CLIENT, 2358))):
        sender = node.start(sys.executable, "-c", SENDER, stdout=subprocess.PIPE, text=True)
        assert sender.stdout.readline() == "full\n"
        node.isolate()
        sender.kill()
        sender.communicate()
    testbed.nodes.remove(node)
    node.end()
    assert f"{node.port}@" not in printed_by("ip", "-brief", "link")
