"""The bytes of one connection, in the clear or through TLS: every received byte is kept, each call writes once (through
TLS one record), and the way the peer ended is known exactly."""

import socket
import ssl
import threading

from .waiting import TIMEOUT


class Stream:
    """A TCP connection. `ended` is None while the peer has not ended its direction, then one of "clean" (FIN; through
    TLS: close_notify), "truncated" (FIN without close_notify) and "reset"."""

    def __init__(self, sock):
        self.socket = sock
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.ended = None
        self._unread = bytearray()
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Sending

    def send(self, data):
        """One write (through TLS: one record up to 16 KB)."""
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def finish(self):
        """Ends our direction, through TLS by a close_notify, in the clear by a FIN. The other direction stays open."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        """Closes like a dying process: without close_notify."""
        if not self.closed:
            self.closed = True
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.socket.close()

    def reset(self):
        """Closes with a TCP RST."""
        if not self.closed:
            self.closed = True
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.socket.close()

    # Receiving

    def receive(self, most=65536):
        """At least one byte, or b"" once the peer has ended (see `ended`)."""
        if self._unread:
            taken = bytes(self._unread[:most])
            del self._unread[:most]
            return taken
        return self._more(most)

    def receive_exactly(self, count):
        """`count` bytes; fewer only when the peer ends before."""
        while len(self._unread) < count:
            if not self._keep():
                break
        return self._take(min(count, len(self._unread)))

    def receive_until(self, marker):
        """Everything up to and including `marker`; without it only when the peer ends before."""
        start = 0
        while True:
            at = self._unread.find(marker, start)
            if at >= 0:
                return self._take(at + len(marker))
            start = max(0, len(self._unread) - len(marker) + 1)
            if not self._keep():
                return self._take(len(self._unread))

    def receive_to_end(self):
        """Everything until the peer ends."""
        while self._keep():
            pass
        return self._take(len(self._unread))

    def unread(self):
        """The bytes that were received and not yet read."""
        return bytes(self._unread)

    def _take(self, count):
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _keep(self):
        data = self._more(65536)
        self._unread += data
        return bool(data)

    def _more(self, most):
        if self.ended:
            return b""
        try:
            data = self._read(most)
        except ConnectionError:
            self.ended = "reset"
            return b""
        if not data:
            self.ended = self.ended or "clean"
        self.received += data
        return data

    def _read(self, most):
        return self.socket.recv(most)


class TLSStream(Stream):
    """TLS over memory BIOs, so that a test controls and observes close_notify, records and truncation. One thread may
    send while another one receives."""

    def __init__(self, sock, context, *, server_side=False, server_name=None, session=None):
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name, session=session
        )
        self._state = threading.Lock()
        self._sending = threading.Lock()

    def handshake(self):
        self._drive(self.tls.do_handshake)
        return self

    def send(self, data):
        data = data.encode("latin-1") if isinstance(data, str) else data
        view = memoryview(data)
        while view:
            with self._sending:
                with self._state:
                    written = self.tls.write(view[:16384])
                    wire = self._outgoing.read()
                self.socket.sendall(wire)
            view = view[written:]

    def send_pieces(self, records, sizes):
        """Sends each of `records` as a record; their bytes are sent in writes of `sizes` (an endless iterator),
        independent of record boundaries."""
        with self._sending:
            with self._state:
                for record in records:
                    self.tls.write(record)
                wire = self._outgoing.read()
            at = 0
            while at < len(wire):
                size = next(sizes)
                self.socket.sendall(wire[at : at + size])
                at += size

    def finish(self):
        with self._state:
            try:
                # Python's unwrap also reads, and OpenSSL fails permanently if it then finds application data.
                while data := self.tls.read(65536):
                    self.received += data
                    self._unread += data
            except ssl.SSLError:
                pass
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass  # It expects the peer's close_notify, which may arrive later.
        self._flush()

    def _read(self, most):
        try:
            return self._drive(lambda: self.tls.read(most))
        except ssl.SSLZeroReturnError:
            self.ended = "clean"
            return b""
        except ssl.SSLError as end:
            if not isinstance(end, ssl.SSLEOFError) and getattr(end, "reason", None) != "UNEXPECTED_EOF_WHILE_READING":
                raise
            self.ended = "truncated"
            return b""

    def _drive(self, operation):
        while True:
            try:
                with self._state:
                    result = operation()
            except ssl.SSLWantReadError:
                self._flush()
                if self._incoming.eof:
                    raise ssl.SSLEOFError("the peer has ended, and OpenSSL wants more") from None
                data = self.socket.recv(65536)
                with self._state:
                    self._incoming.write(data) if data else self._incoming.write_eof()
                continue
            except ssl.SSLError:
                self._flush()
                raise
            self._flush()
            return result

    def _flush(self):
        if self._outgoing.pending:
            with self._sending:
                with self._state:
                    wire = self._outgoing.read()
                if wire:
                    try:
                        self.socket.sendall(wire)
                    except ConnectionError:
                        pass  # The next read returns how the peer ended.
