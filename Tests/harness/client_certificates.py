"""An authority for clients' certificates, with intermediates and revocation lists."""

import ssl

from .certificates import Authority, Certificate
from .client import client_context
from .commands import openssl


class ClientAuthority(Authority):
    def _settings(self, name, extensions):
        settings = self.directory / f"{name}.cnf"
        settings.write_text(
            f"[ca]\ndefault_ca=this\n[this]\ndatabase={self.directory}/index.txt\nserial={self.directory}/serial\n"
            f"new_certs_dir={self.directory}\ndefault_md=sha256\npolicy=any\nx509_extensions=made\n"
            "[any]\ncommonName=supplied\norganizationName=optional\n"
            f"[made]\n{extensions}"
        )
        return settings

    def _sign(self, settings, request, made, start, end):
        openssl("ca", "-batch", "-config", settings, "-cert", self.certificate, "-keyfile", self.key, "-notext", "-utf8",
                "-preserveDN", "-startdate", start, "-enddate", end, "-in", request, "-out", made)  # fmt: skip

    def client(self, name, *, usage="clientAuth", end="20480101000000Z", key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), chain=(), comment=0):
        """A client's certificate for `CN=name,O=Test`; the files of `chain` follow it. `comment`: a length of text in it."""
        self._issued += 1
        stem = f"client-{self._issued}"
        private, request, made = (self.directory / f"{stem}.{kind}" for kind in ("key", "csr", "pem"))
        settings = self._settings(stem, f"basicConstraints=CA:FALSE\nauthorityKeyIdentifier=none\nextendedKeyUsage={usage}\n"
                                  + (f"nsComment={'x' * comment}\n" if comment else ""))  # fmt: skip
        openssl("req", "-newkey", *key, "-nodes", "-utf8", "-keyout", private, "-out", request, "-subj", f"/O=Test/CN={name}")
        self._sign(settings, request, made, "20200101000000Z", end)
        made.write_text(made.read_text() + "".join(file.read_text() for file in chain))
        return Certificate(made, private)

    def intermediate(self, directory, name, usage="keyCertSign,cRLSign"):
        """An authority that this one has certified."""
        other = ClientAuthority(directory, name)
        request = self.directory / f"{name}.csr"
        openssl("x509", "-x509toreq", "-in", other.certificate, "-signkey", other.key, "-out", request)
        settings = self._settings(name, f"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,{usage}\n")
        self._sign(settings, request, other.certificate, "20200101000000Z", "20480101000000Z")
        return other

    def revoke(self, certificate):
        openssl("ca", "-config", self._settings("revoke", ""), "-cert", self.certificate, "-keyfile", self.key, "-revoke", certificate.chain)

    def list(self, name="crl", *, start="20200101000000Z", end="20480101000000Z"):
        """A revocation list of what was revoked until now."""
        made = self.directory / f"{name}.crl"
        openssl("ca", "-config", self._settings("list", ""), "-cert", self.certificate, "-keyfile", self.key, "-gencrl",
                "-crl_lastupdate", start, "-crl_nextupdate", end, "-out", made)  # fmt: skip
        return made


def joined(path, *files):
    """One PEM file of several."""
    path.write_text("".join(file.read_text() for file in files))
    return path


def settings(authority, **changes):
    """`tls` for a service that asks for certificates of an authority."""
    return {"client-certificates": {"ca": str(authority.certificate), **changes}}


def context(balancer, certificate=None, **options):
    """A client's, with a certificate if given."""
    made = client_context(balancer.certificates.authority.certificate, **options)
    if certificate:
        made.load_cert_chain(certificate.chain, certificate.key)
    return made


def get(balancer, certificate=None, *, name="view.test", **options):
    """The response to a request on a new connection."""
    with balancer.connect(context=context(balancer, certificate, **options), server_name=name) as client:
        return client.get("/", host=name)


def is_refused(balancer, certificate=None, *, name="view.test", **options):
    """Whether a client gets no response, since its handshake fails: in TLS 1.3 only after its own end of it."""
    try:
        with balancer.connect(context=context(balancer, certificate, **options), server_name=name) as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")
            return client.receive_to_end() == b""
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, ConnectionError):
        return True
