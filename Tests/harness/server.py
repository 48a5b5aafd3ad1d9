"""A scripted Connection Server, which records every byte that it receives."""

import hashlib
import socket
import ssl
import threading
import time
import traceback

from .http import Body, Head, Truncated, framing, read_chunk
from .stream import Stream, TLSStream
from .waiting import fresh_address, free_port, wait_until


class Connection:
    """One connection that the server accepted."""

    def __init__(self, server, stream):
        self.server = server
        self.stream = stream
        self.requests = []
        self.server_name = None
        self.opened = time.monotonic()

    @property
    def is_traffic(self):
        """Whether the connection carried anything other than health checks."""
        if self.requests or not self.stream.received:
            return bool(self.requests)
        return self.server.health_path.encode() not in bytes(self.stream.received[:64])

    @property
    def resumed(self):
        return self.stream.tls.session_reused


class Request:
    """One request that the server received, and methods to answer it byte for byte."""

    def __init__(self, connection, head):
        self.connection = connection
        self.server = connection.server
        self.stream = connection.stream
        self.head = head
        words = head.start.split(" ")
        assert len(words) == 3, f"not a request line: {head.start!r}"
        self.method, self.target, self.version = words
        self._offset = len(self.stream.received) - len(self.stream.unread())
        self._body = None

    def body(self):
        """The whole body, read on first use."""
        if self._body is None:
            self._body = Body.read(self.stream, framing(self.head))
        return self._body

    def received(self):
        """All bytes received after the head so far."""
        return bytes(self.stream.received[self._offset :])

    def chunk(self):
        """The next chunk of a chunked body: the bytes received, and its content."""
        return read_chunk(self.stream)

    def send(self, data):
        self.stream.send(data)

    def respond(self, status=200, content=b"", *fields, reason="OK", head_only=None):
        """A response with Content-Length. `fields` are whole field lines."""
        content = content.encode() if isinstance(content, str) else content
        lines = [f"HTTP/1.1 {status} {reason}", *fields]
        if status not in (204, 304) and status >= 200:
            lines.append(f"Content-Length: {len(content)}")
        silent = self.method == "HEAD" if head_only is None else head_only
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if silent else content))


def page(request):
    """The default script: pages that contain what the server received."""
    path = request.target.partition("?")[0]
    if path == "/echo":
        body = request.body()
        if request.head.get("Transfer-Encoding"):
            request.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.raw)
        else:
            request.respond(200, body.raw)
    elif path == "/hash":
        digest, count = hash_body(request)
        request.respond(200, f"{digest} {count}")
    elif path == "/head":
        request.body()
        request.respond(200, request.head.raw)
    else:
        request.body()
        request.respond(200, request.server.name, f"X-Server: {request.server.name}")


class Held:
    """A script that delays responses to targets starting with /held until `released`."""

    def __init__(self):
        self.arrived, self.released = threading.Event(), threading.Event()

    def __call__(self, request):
        if request.target.startswith("/held"):
            self.arrived.set()
            assert self.released.wait(60)
        page(request)


def hash_body(request):
    """SHA-256 and length of a body of any size, which is not kept."""
    digest, count, frame = hashlib.sha256(), 0, framing(request.head)
    if frame == "chunked":
        while True:
            _, data = request.chunk()
            assert data is not None, "upload cut short"
            if not data:
                break
            digest.update(data)
            count += len(data)
    else:
        while count < frame:
            data = request.stream.receive(min(1 << 20, frame - count))
            assert data, "upload cut short"
            digest.update(data)
            count += len(data)
            request.stream.received.clear()
    return digest.hexdigest(), count


class ConnectionServer:
    """Listens, answers health checks by `health` (a status, or a function of the request), and passes every other
    request to `script` (a function of the request). After the script returns, the connection continues with the next
    request, unless the script closed it.

    With `expects_nonsense`, a failed assertion in a script does not fail the test, nor does an invalid request line: if
    a script leaves a body unread, its bytes precede the next request.

    `on_accept(socket)`, when set, may take over a connection before a byte is read; it then returns true."""

    def __init__(self, name, certificate, *, script=page, health=200, tls=True, address=None, health_path="/favicon.ico"):
        self.name, self.script, self.health, self.health_path = name, script, health, health_path
        self.address = address or fresh_address()
        self.port = free_port(self.address)
        self.on_accept = None
        self.expects_nonsense = False
        # Whether a close_notify is answered with one; some servers just close.
        self.answers_end = True
        self.connections, self.requests, self.checks, self.failures = [], [], [], []
        self.accepted = 0
        self._context = server_context(certificate) if tls else None
        self._lock = threading.Lock()
        self._held = []
        self._fillers = []
        self._present = threading.Event()
        self._present.set()
        self._listener = None
        self.start()

    # Start and stop

    def start(self):
        """Listens (again), on the same address and port as before."""
        assert self._listener is None
        listener = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(1024)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def die(self):
        """The effects of kill -9: nothing listens, and the kernel closes every connection without close_notify."""
        listener, self._listener = self._listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()
        with self._lock:
            open_ones = [c.stream for c in self.connections]
            held, self._held = self._held, []
        for stream in open_ones:
            stream.close()
        for sock in held:
            sock.close()

    stop = die

    def vanish(self):
        """The machine does not answer: a SYN gets no reply, because the listen queue is full. Open connections stay."""
        self._present.clear()
        self._listener.listen(0)
        while True:
            filler = socket.socket(self._listener.family, socket.SOCK_STREAM)
            self._fillers.append(filler)
            filler.settimeout(0.2)
            try:
                filler.connect((self.address, self.port))
            except TimeoutError:
                return

    def reappear(self):
        while self._fillers:
            self._fillers.pop().close()
        self._listener.listen(1024)
        self._present.set()

    # Records

    @property
    def traffic(self):
        """The connections that carried more than health checks."""
        with self._lock:
            return [c for c in self.connections if c.is_traffic]

    @property
    def traffic_bytes(self):
        """Every byte received on those connections."""
        return b"".join(bytes(c.stream.received) for c in self.traffic)

    def forget(self):
        """Clears the recorded requests."""
        with self._lock:
            self.requests.clear()

    def wait_for_requests(self, count):
        wait_until(lambda: len(self.requests) >= count, lambda: f"{count} requests at {self.name}: {self.requests}")
        return self.requests

    # Serving

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._present.wait()
            self.accepted += 1
            hook = self.on_accept
            if hook and hook(sock):
                self._held.append(sock)
                continue
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        if self._context:
            stream = TLSStream(sock, self._context, server_side=True)
        else:
            stream = Stream(sock)
        connection = Connection(self, stream)
        stream.socket.settimeout(120)
        with self._lock:
            self.connections.append(connection)
        try:
            if self._context:
                stream.tls.connection = connection
                stream.handshake()
            self._exchange(connection)
        except (OSError, Truncated):
            pass  # The peer is the one under test; what it did is on record.
        except AssertionError as fault:
            if not stream.closed and not self.expects_nonsense:
                self.failures.append("".join(traceback.format_exception(fault)))
        except Exception as fault:
            self.failures.append("".join(traceback.format_exception(fault)))
        finally:
            if stream.ended == "clean" and self.answers_end:
                try:
                    stream.finish()
                except OSError:
                    pass
            stream.close()

    def _exchange(self, connection):
        stream = connection.stream
        while not stream.closed:
            head = Head.read(stream)
            if head is None:
                return
            request = Request(connection, head)
            if request.target == self.health_path:
                self.checks.append(request)
                health = self.health
                if callable(health):
                    health(request)
                else:
                    request.respond(health, b"icon", "Connection: close")
                if "close" in (head.get("Connection") or "").lower():
                    if not stream.closed:
                        stream.finish()
                        stream.close()
                    return
                continue
            with self._lock:
                self.requests.append(request)
                connection.requests.append(request)
            self.script(request)
            if not stream.closed and (head.get("Connection") or "").lower() == "close":
                if self.answers_end:
                    stream.finish()
                return


def server_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    context.set_alpn_protocols(["http/1.1"])

    def remember(tls, name, _):
        tls.connection.server_name = name

    context.sni_callback = remember
    return context
