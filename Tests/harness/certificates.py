"""Certificates in PEM files, created with the openssl command as by an operator."""

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from .commands import openssl


@dataclass(frozen=True)
class Certificate:
    """A leaf certificate and its key, in files."""

    chain: Path
    key: Path

    @property
    def fingerprint(self):
        """SHA-256 of the DER form, 64 lower-case hex digits."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.leaf_pem)).hexdigest()

    @property
    def leaf_pem(self):
        text = self.chain.read_text()
        end = "-----END CERTIFICATE-----"
        return text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end) + len(end)] + "\n"


def self_signed(name, key, chain):
    """A self-signed certificate for one name, RSA of 2048 bits."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", f"/CN={name}",
            "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", chain)  # fmt: skip
    return Certificate(chain, key)


class Authority:
    """A certificate authority in its own directory."""

    def __init__(self, directory, name="Test CA"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / "ca.pem"
        self.key = self.directory / "ca.key"
        self._issued = 0
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", self.key, "-out", self.certificate, "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
        (self.directory / "index.txt").write_text("")
        (self.directory / "index.txt.attr").write_text("unique_subject = no\n")
        (self.directory / "serial").write_text("1000\n")

    def issue(self, name, *, names=None, kind="ec", start="20200101000000Z", end="20480101000000Z", responder=None, issuer=None, complete=True, serial=None):
        """A certificate for `names` (DNS names, or IP:… entries); by default for `name` alone. `name` is the common
        name, which is used only when `names` is empty. The authority's certificate follows in the file if `complete`.
        With the URL of a `responder`, the certificate contains that; with the URL of an `issuer`, it contains the
        location of the authority's certificate, and the file does not include the latter."""
        entries = ",".join(n if n.startswith("IP:") else f"DNS:{n}" for n in ([name] if names is None else names))
        self._issued += 1
        stem = f"{self._issued}-{name.replace('*', 'star')}"
        key, request, chain, settings = (self.directory / f"{stem}.{kind}" for kind in ("key", "csr", "pem", "cnf"))
        algorithm = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
        openssl("req", "-newkey", *algorithm, "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        if serial:
            (self.directory / "serial").write_text(f"{serial:04X}\n")
        settings.write_text(
            f"[ca]\ndefault_ca=this\n[this]\ndatabase={self.directory}/index.txt\nserial={self.directory}/serial\n"
            f"new_certs_dir={self.directory}\ndefault_md=sha256\npolicy=any\nx509_extensions=leaf\n"
            "[any]\ncommonName=supplied\n"
            "[leaf]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
            + (f"subjectAltName={entries}\n" if entries else "")
            + (f"authorityInfoAccess=OCSP;URI:{responder}\n" if responder else "")
            + (f"authorityInfoAccess=caIssuers;URI:{issuer}\n" if issuer else "")
        )
        openssl(
            "ca", "-batch", "-config", settings, "-cert", self.certificate, "-keyfile", self.key, "-notext",
            "-startdate", start, "-enddate", end, "-in", request, "-out", chain,
        )  # fmt: skip
        if complete and not issuer:
            chain.write_text(chain.read_text() + self.certificate.read_text())
        return Certificate(chain, key)

    def certify(self, other, *, start="20200101000000Z", end="20480101000000Z"):
        """A certificate by this authority for the name and key of another one; returns its file."""
        self._issued += 1
        request, chain, settings = (self.directory / f"{self._issued}-authority.{kind}" for kind in ("csr", "pem", "cnf"))
        openssl("x509", "-x509toreq", "-in", other.certificate, "-signkey", other.key, "-out", request)
        settings.write_text(
            f"[ca]\ndefault_ca=this\n[this]\ndatabase={self.directory}/index.txt\nserial={self.directory}/serial\n"
            f"new_certs_dir={self.directory}\ndefault_md=sha256\npolicy=any\nx509_extensions=authority\n"
            "[any]\ncommonName=supplied\n"
            "[authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
        )
        openssl(
            "ca", "-batch", "-config", settings, "-cert", self.certificate, "-keyfile", self.key, "-notext",
            "-startdate", start, "-enddate", end, "-in", request, "-out", chain,
        )  # fmt: skip
        return chain


class CertificateFactory:
    """The certificates of the suites, created on first use and kept for the whole run."""

    service_name = "view.test"

    def __init__(self, directory):
        self._directory = Path(directory)
        self.authority = Authority(self._directory / "authority")
        self._made = {}

    def _once(self, key, make):
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def front(self):
        """The service's certificate, which the servers also use unless a test changes it."""
        return self._once("front", lambda: self.authority.issue(self.service_name))

    @property
    def second(self):
        """A second name on the same listener."""
        return self._once("second", lambda: self.authority.issue("other.test"))

    @property
    def rsa(self):
        """For the ciphers of old clients, which authenticate with RSA."""
        return self._once("rsa", lambda: self.authority.issue(self.service_name, kind="rsa"))

    @property
    def expired(self):
        return self._once("expired", lambda: self.authority.issue(self.service_name, end="20200201000000Z"))

    @property
    def not_yet_valid(self):
        return self._once("future", lambda: self.authority.issue(self.service_name, start="20470101000000Z"))

    @property
    def wrong_name(self):
        return self._once("wrong", lambda: self.authority.issue("unknown.test"))

    @property
    def common_name_alone(self):
        return self._once("bare", lambda: self.authority.issue(self.service_name, names=[]))

    @property
    def by_address(self):
        """Valid for the loopback address, not for any name."""
        return self._once("address", lambda: self.authority.issue("address", names=["IP:127.0.0.1"]))

    @property
    def other_authority(self):
        return self._once("ca2", lambda: Authority(self._directory / "other-authority", "Other CA"))

    @property
    def unknown_issuer(self):
        """The right name from an authority that is not configured; equivalent to a self-signed server certificate."""
        return self._once("unknown", lambda: self.other_authority.issue(self.service_name, complete=False))
