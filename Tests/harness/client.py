"""Raw clients: the bytes that a test sends are sent unchanged."""

import socket
import ssl

from .http import Response
from .stream import Stream, TLSStream
from .waiting import TIMEOUT


def client_context(authority=None, *, resumption=True, minimum=None, maximum=None, ciphers=None, alpn=("http/1.1",)):
    """The trust of a client: the authority's certificates, or any certificate without an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # By default Python treats an end without close_notify as a regular one.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if authority:
        context.load_verify_locations(authority)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if not resumption:
        context.options |= ssl.OP_NO_TICKET
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


class _Exchanges:
    """The operations of a client on its stream."""

    def exchange(self, request, method=None):
        """Sends raw bytes and reads one response; the method is taken from the request line unless given."""
        data = request.encode("latin-1") if isinstance(request, str) else request
        self.send(data)
        return Response.read(self, method or data.split(b" ", 1)[0].decode("latin-1"))

    def get(self, target="/", *fields, host="view.test"):
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *fields]
        return self.exchange("\r\n".join(lines) + "\r\n\r\n")

    def post(self, target, content=b"", *fields, host="view.test"):
        lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(content)}", *fields]
        return self.exchange(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + content)

    def answer(self, method="GET", *, body=True):
        """The next response on the connection, or None when it ended."""
        return Response.read(self, method, body=body)

    def gets_nothing(self):
        """Whether the other end closes without having sent a byte; this end is closed then."""
        with self:
            return self.receive_to_end() == b""


class PlainClient(_Exchanges, Stream):
    pass


class TLSClient(_Exchanges, TLSStream):
    pass


def connect_socket(endpoint, source=None):
    """A TCP connection, from `source` if given, so that the balancer sees that client."""
    return socket.create_connection(endpoint, timeout=TIMEOUT, source_address=(source, 0) if source else None)


def connect_plain(endpoint, source=None):
    return PlainClient(connect_socket(endpoint, source))


def connect_tls(endpoint, context, *, server_name="view.test", source=None, session=None):
    sock = connect_socket(endpoint, source)
    try:
        return TLSClient(sock, context, server_name=server_name, session=session).handshake()
    except BaseException:
        sock.close()
        raise
