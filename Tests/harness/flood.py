"""A TLS peer that sends any number of TLS's own messages, through OpenSSL: Python's ssl has no function for them."""

import ctypes
import ctypes.util
import socket

from .waiting import TIMEOUT

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))


def _function(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


_p, _i, _l = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
_context_new = _function(_ssl, "SSL_CTX_new", _p, _p)
_context_free = _function(_ssl, "SSL_CTX_free", None, _p)
_context_control = _function(_ssl, "SSL_CTX_ctrl", _l, _p, _i, _l, _p)
_use_chain = _function(_ssl, "SSL_CTX_use_certificate_chain_file", _i, _p, ctypes.c_char_p)
_use_key = _function(_ssl, "SSL_CTX_use_PrivateKey_file", _i, _p, ctypes.c_char_p, _i)
_client_method = _function(_ssl, "TLS_client_method", _p)
_server_method = _function(_ssl, "TLS_server_method", _p)
_new = _function(_ssl, "SSL_new", _p, _p)
_free = _function(_ssl, "SSL_free", None, _p)
_set_bio = _function(_ssl, "SSL_set_bio", None, _p, _p, _p)
_set_connect = _function(_ssl, "SSL_set_connect_state", None, _p)
_set_accept = _function(_ssl, "SSL_set_accept_state", None, _p)
_handshake = _function(_ssl, "SSL_do_handshake", _i, _p)
_key_update = _function(_ssl, "SSL_key_update", _i, _p, _i)
_new_ticket = _function(_ssl, "SSL_new_session_ticket", _i, _p)
_get_error = _function(_ssl, "SSL_get_error", _i, _p, _i)
_read = _function(_ssl, "SSL_read", _i, _p, ctypes.c_char_p, _i)
_write = _function(_ssl, "SSL_write", _i, _p, ctypes.c_char_p, _i)
_bio_new = _function(_crypto, "BIO_new", _p, _p)
_bio_memory = _function(_crypto, "BIO_s_mem", _p)
_bio_read = _function(_crypto, "BIO_read", _i, _p, ctypes.c_char_p, _i)
_bio_write = _function(_crypto, "BIO_write", _i, _p, ctypes.c_char_p, _i)
_bio_pending = _function(_crypto, "BIO_ctrl_pending", ctypes.c_size_t, _p)

_SET_MINIMUM, _SET_MAXIMUM, _TLS12, _TLS13, _PEM = 123, 124, 0x0303, 0x0304, 1
_WANT_READ = 2


class Flooder:
    """One connection: a client of `endpoint`, or the server's side of `sock`. It verifies nothing. Messages are
    collected in memory until `flush`, so that thousands of them are sent at once."""

    def __init__(self, sock, certificate=None, *, version=_TLS13):
        self.socket = sock
        sock.settimeout(TIMEOUT)
        self.context = _context_new(_client_method() if certificate is None else _server_method())
        for control in (_SET_MINIMUM, _SET_MAXIMUM):
            _context_control(self.context, control, version, None)
        if certificate is not None:
            assert _use_chain(self.context, str(certificate.chain).encode()) == 1
            assert _use_key(self.context, str(certificate.key).encode(), _PEM) == 1
        self.ssl = _new(self.context)
        self._incoming, self._outgoing = _bio_new(_bio_memory()), _bio_new(_bio_memory())
        _set_bio(self.ssl, self._incoming, self._outgoing)
        (_set_connect if certificate is None else _set_accept)(self.ssl)
        self._drive(lambda: _handshake(self.ssl))

    @classmethod
    def connect(cls, endpoint, **options):
        return cls(socket.create_connection(endpoint, timeout=TIMEOUT), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.ssl:
            self.socket.close()
            _free(self.ssl)
            _context_free(self.context)
            self.ssl = None

    def key_updates(self, count, *, requested=False):
        for _ in range(count):
            assert _key_update(self.ssl, 1 if requested else 0) == 1
            assert _handshake(self.ssl) == 1

    def tickets(self, count):
        for _ in range(count):
            assert _new_ticket(self.ssl) == 1
            assert _handshake(self.ssl) == 1

    def write(self, data):
        data = data.encode() if isinstance(data, str) else data
        assert _write(self.ssl, data, len(data)) == len(data)

    def flush(self):
        """Sends the collected messages; False when the peer has closed the connection."""
        try:
            self.socket.sendall(self._take())
            return True
        except OSError:
            return False

    def read(self):
        """The next bytes from the peer; b"" once it has ended."""
        buffer = ctypes.create_string_buffer(1 << 14)
        try:
            count = self._drive(lambda: _read(self.ssl, buffer, len(buffer)))
        except OSError:
            return b""
        return buffer.raw[: max(0, count)]

    def has_been_cut(self):
        """Waits until the peer ends the connection."""
        while self.read():
            pass
        return True

    def _take(self):
        size = _bio_pending(self._outgoing)
        buffer = ctypes.create_string_buffer(size or 1)
        count = _bio_read(self._outgoing, buffer, size)
        return buffer.raw[: max(0, count)]

    def _drive(self, operation):
        while True:
            result = operation()
            if result > 0:
                self.socket.sendall(self._take())
                return result
            if _get_error(self.ssl, result) != _WANT_READ:
                return result
            self.socket.sendall(self._take())
            data = self.socket.recv(1 << 16)
            if not data:
                return 0
            _bio_write(self._incoming, data, len(data))
