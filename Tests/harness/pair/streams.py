"""Streams between processes of two nodes: a process that wants one, and what receives it on the other node."""

import contextlib
import json
import socket
import threading

from harness.waiting import TIMEOUT


class Refused(Exception):
    """The answer was no; with the reasons."""


class Stream:
    """A process with a stream to another node, over the control socket of its own."""

    def __init__(self, balancer, node):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT)
        self._socket.connect(str(balancer.control))
        request = {"version": 1, "command": "apply-stream", "node": node}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self._line())
        if not answer["ok"]:
            self.close()
            raise Refused("\n".join(answer["reasons"]))
        assert answer == {"ok": True, "node": node, "version": 1}

    def _line(self):
        line = b""
        # Byte by byte: what follows belongs to the stream.
        while not line.endswith(b"\n"):
            line += self._exactly(1)
        return line

    def _exactly(self, count):
        received = b""
        while len(received) < count:
            piece = self._socket.recv(count - len(received))
            assert piece, f"the end after {received!r}"
            received += piece
        return received

    def send(self, octets):
        self._socket.sendall(octets)

    def receive(self):
        """The next bytes; the reason, a text, at the end."""
        if length := int.from_bytes(self._exactly(2)):
            return self._exactly(length)
        reason = self._exactly(int.from_bytes(self._exactly(2))).decode()
        # Reset where something that this process had sent was not read any more.
        with contextlib.suppress(ConnectionResetError):
            assert self._socket.recv(1) == b""
        return reason

    def receive_all(self, count):
        """At least so many bytes."""
        received = b""
        while len(received) < count:
            piece = self.receive()
            assert isinstance(piece, bytes), f"{piece!r} after {len(received)} bytes"
            received += piece
        return received

    def end(self):
        """The reason of its end; what comes before is dropped."""
        while isinstance(piece := self.receive(), bytes):
            pass
        return piece

    def close(self):
        self._socket.close()


class Receiver:
    """What systemd starts on the other node; each connection is passed to `serve` on a thread of its own."""

    def __init__(self, path, serve):
        self._serve = serve
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self.connections, self.ended = [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._run, args=[connection], daemon=True).start()

    def _run(self, connection):
        try:
            self._serve(connection)
        finally:
            connection.close()
            self.ended += 1

    def end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            # Its thread closes it; it may have done so.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def echo(connection):
    try:
        while octets := connection.recv(65536):
            connection.sendall(octets)
    except OSError:
        # The stream has ended while it sent.
        pass
