"""An OCSP responder whose answers a test controls: correct, late, wrong or none."""

import datetime
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from .waiting import fresh_address, wait_until


class OCSPResponder:
    """Listens at `url`. `answer` is a function of the request's bytes that returns status and content; `questions` are
    the requests received. Create it before the certificates that contain its URL."""

    def __init__(self, address=None, name=None):
        self.questions = []
        self.answer = None
        responder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                question = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/ocsp-request"
                responder.questions.append(question)
                status, content = responder.answer(question)
                self.send_response(status)
                self.send_header("Content-Type", "application/ocsp-response")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer((address or fresh_address(), 0), Handler)
        self._server.daemon_threads = True
        address, port = self._server.server_address
        self.url = f"http://{name or address}:{port}/status?of=this"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def wait_for_questions(self, count):
        wait_until(lambda: len(self.questions) >= count, lambda: f"{count} questions, {len(self.questions)} came")


def signed(certificate, authority, *, signer=None, status="good", begin=-1, end=24, of=None):
    """The response of `authority` about `certificate`, valid from `begin` to `end`: hours from now, or a datetime."""
    signer = signer or authority
    now = datetime.datetime.utcnow().replace(microsecond=0)

    def moment(time):
        return time if isinstance(time, datetime.datetime) else now + datetime.timedelta(hours=time)

    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    revoked = status == "revoked"
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=x509.load_pem_x509_certificate((of or certificate).leaf_pem.encode()), issuer=issuer,
            algorithm=hashes.SHA1(), cert_status=getattr(ocsp.OCSPCertStatus, status.upper()),
            this_update=moment(begin), next_update=None if end is None else moment(end),
            revocation_time=now if revoked else None, revocation_reason=None,
        )
        .responder_id(
            ocsp.OCSPResponderEncoding.HASH, x509.load_pem_x509_certificate(signer.certificate.read_bytes())
        )
        .sign(serialization.load_pem_private_key(signer.key.read_bytes(), None), hashes.SHA256())
    )  # fmt: skip
    return answer.public_bytes(serialization.Encoding.DER)
