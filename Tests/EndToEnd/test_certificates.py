"""Diagnostics about certificates: `check` and `reload` print the same, and a refused reload changes nothing.
Also the deploy hook for certbot."""

import os
import re
import shutil
import ssl
import stat
import subprocess
import time
from pathlib import Path

import pytest
from harness import ROOT
from harness.service import belvedere, binary
from harness.certificates import Authority, openssl
from harness.waiting import TIMEOUT

pytestmark = pytest.mark.memory

HOOK = ROOT / "packaging/examples/certbot-deploy-hook"


class Workshop:
    """Creates valid and invalid certificates."""

    def __init__(self, directory, authority):
        self.directory, self.authority = Path(directory), authority

    def file(self, name, *texts):
        path = self.directory / name
        path.write_text("".join(t if isinstance(t, str) else Path(t).read_text() for t in texts))
        return path

    def good(self, **options):
        return self.authority.issue("view.test", **options)

    def ending(self, days):
        return self.good(end=time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86_400 + 600)))

    def alone(self):
        """Without its issuer, and without a URL of it."""
        front = self.good()
        return self.file("alone.pem", front.leaf_pem), front.key

    def with_renewed_issuer(self, *, first):
        """The expired certificate of the authority and its renewed one, in this order or the
        other."""
        front = self.good()
        upper = Authority(self.directory / "upper", "Upper")
        ended, valid = (upper.certify(self.authority, end=f"{year}0101000000Z") for year in (2021, 2048))
        order = (ended, valid) if first == "ended" else (valid, ended)
        return self.file(f"renewed-{first}.pem", front.leaf_pem, *order), front.key

    def with_unrelated(self):
        front = self.good()
        return self.file("more.pem", front.chain, self.authority.issue("other.test").chain), front.key

    def encrypted(self, *, inside):
        front = self.good()
        key = self.directory / "encrypted.key"
        openssl("pkey", "-in", front.key, "-aes256", "-passout", "pass:secret", "-out", key)
        return (self.file("both.pem", front.chain, key), None) if inside else (front.chain, key)

    def weak_key(self):
        chain, key = self.directory / "weak.pem", self.directory / "weak.key"
        openssl(
            "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "30", "-subj", "/CN=view.test", "-addext",
            "subjectAltName=DNS:view.test", "-keyout", key, "-out", chain,
        )  # fmt: skip
        return chain, key

    def weak_signature(self):
        chain, key, request = (self.directory / f"sha1.{kind}" for kind in ("pem", "key", "csr"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=view.test", "-keyout", key, "-out", request)
        openssl(
            "x509", "-req", "-sha1", "-days", "30", "-in", request, "-CA", self.authority.certificate, "-CAkey",
            self.authority.key, "-set_serial", "77", "-out", chain,
        )  # fmt: skip
        return chain, key


def pair(certificate):
    return certificate.chain, certificate.key


# The fault, and whether it is refused or only reported.
WRONG = {
    "no file": (lambda w: (Path("/nowhere/view.pem"), None), r"/nowhere/view.pem: can't be read: No such file"),
    "no certificate": (lambda w: (w.file("empty.pem", "nothing\n"), w.good().key), r"empty.pem: holds no certificate"),
    "no key": (lambda w: (w.good().chain, None), r"view.test.pem: holds no private key"),
    "no key apart": (lambda w: (w.good().chain, w.file("no.key", "nothing\n")), r"no.key: holds no private key"),
    "key of another": (lambda w: (w.good().chain, w.good().key), r"belongs to none of the certificates"),
    "damaged": (
        lambda w: (w.file("damaged.pem", w.good().leaf_pem.replace("MII", "M!I", 1)), w.good().key), "OpenSSL refuses it"
    ),
    "encrypted key": (lambda w: w.encrypted(inside=False), r"encrypted.key: .*is encrypted: store it without a passphrase"),
    "encrypted key inside": (lambda w: w.encrypted(inside=True), r"both.pem.* is encrypted: store it without a passphrase"),
    "weak key": (lambda w: w.weak_key(), r"weak.pem: OpenSSL refuses it: ee key too small; the key of CN=view.test is RSA 1024"),
    "weak signature": (lambda w: w.weak_signature(), r"sha1.pem: OpenSSL refuses it: .*md too weak.* its signature sha1With|ecdsa-with-SHA1"),
}  # fmt: skip
DOUBTFUL = {
    "expired": (lambda w: pair(w.good(end="20200201000000Z")), r"has expired and clients refuse it; renew it"),
    "ends soon": (lambda w: pair(w.ending(20)), r"the certificate for view.test expires in 20 days; renew it"),
    "not yet valid": (lambda w: pair(w.good(start="20470101000000Z")), r"is not valid yet"),
    "for others": (lambda w: pair(w.authority.issue("other.test")), r"no certificate is for the service name view.test"),
    "unrelated certificate": (lambda w: w.with_unrelated(), r"more.pem: not sent, since they do not belong to the chain: CN=other.test"),
    "issuer missing without a URL": (
        lambda w: w.alone(), r"alone.pem: its issuer CN=Workshop is not in the file.* append it \(a root is not sent\)"
    ),
    "renewed issuer behind": (
        lambda w: w.with_renewed_issuer(first="ended"), r"not sent, since the file has a better certificate .*: CN=Workshop"
    ),
    "renewed issuer in front": (
        lambda w: w.with_renewed_issuer(first="valid"), r"not sent, since the file has a better certificate .*: CN=Workshop"
    ),
    "issuer missing": (
        lambda w: pair(w.good(issuer="http://ca.test/ca.crt")), r"its issuer CN=Workshop is not in the file.* http://ca.test/ca.crt"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def serving(shared_testbed, certificates):
    """A balancer whose worker may read the folder of its certificate."""
    folder = shared_testbed.directory / "tls"
    folder.mkdir()
    for file in pair(certificates.front):
        shutil.copy(file, folder)
    chain, key = (folder / file.name for file in pair(certificates.front))
    return shared_testbed.balance(shared_testbed.server(), **settings(chain, key))


@pytest.fixture
def workshop(serving, tmp_path):
    folder = Path(serving.configuration["tls"]["certificate"]).parent / tmp_path.name
    return Workshop(folder, Authority(folder, "Workshop"))


def settings(chain, key):
    return {"tls": {"certificate": str(chain), "key": str(key) if key else None}}


def check(balancer):
    run = belvedere("check", "-c", balancer.file)
    return run.returncode, run.stderr


def shown(balancer):
    with balancer.connect(context=balancer.context()) as client:
        return client.tls.getpeercert(binary_form=True)


@pytest.fixture
def restored(serving):
    """The balancer, whose configuration is restored afterwards."""
    before = serving.configuration
    yield serving
    serving.configuration = before
    serving.reload()


@pytest.mark.parametrize("case", WRONG)
def test_unusable_certificate_is_refused_with_the_same_message_everywhere(restored, workshop, case):
    make, words = WRONG[case]
    before = shown(restored)
    restored.write(settings(*make(workshop)))
    code, said = check(restored)
    assert code == 1 and re.search(words, said), said
    run = restored.call("reload")
    assert run.returncode == 1 and re.search(words, run.stderr), run.stdout + run.stderr
    assert shown(restored) == before


@pytest.mark.parametrize("case", DOUBTFUL)
def test_certificate_that_clients_may_refuse_is_reported_and_served(restored, workshop, case):
    make, words = DOUBTFUL[case]
    restored.write(settings(*make(workshop)))
    code, said = check(restored)
    assert code == 0 and len(re.findall(words, said)) == 1, said
    run = restored.call("reload")
    assert run.returncode == 0 and re.search(words, run.stdout + run.stderr), run.stdout + run.stderr


@pytest.mark.parametrize("days", [31, 29])
def test_check_and_log_warn_at_the_same_number_of_days(restored, workshop, days):
    restored.write(settings(*pair(workshop.ending(days))))
    assert ("expires in" in check(restored)[1]) == (days < 30)


def test_issuers_in_the_wrong_order_are_sent_in_the_right_order(restored, workshop):
    authority = workshop.authority
    between = Authority(workshop.directory / "between", "Between")
    request = workshop.directory / "between.csr"
    openssl("req", "-new", "-key", between.key, "-subj", "/CN=Between", "-out", request)
    (workshop.directory / "ca.cnf").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    openssl(
        "x509", "-req", "-days", "20", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key,
        "-set_serial", "99", "-extfile", workshop.directory / "ca.cnf", "-out", between.certificate,
    )  # fmt: skip
    front = between.issue("view.test")
    chain = workshop.file("mixed.pem", authority.certificate, between.certificate, front.chain)
    restored.write(settings(chain, front.key))
    assert check(restored) == (0, "")
    restored.reload()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{restored.address}:{restored.port}", "-CAfile", authority.certificate],
        input="", capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout, done.stdout
    assert re.findall(r"^ \d s:CN = (.*)$", done.stdout, re.MULTILINE) == ["view.test", "Between"]


@pytest.mark.parametrize("first", ["ended", "valid"])
def test_valid_certificate_of_a_renewed_issuer_is_sent(restored, workshop, first):
    restored.write(settings(*workshop.with_renewed_issuer(first=first)))
    restored.reload()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{restored.address}:{restored.port}", "-CAfile",
         workshop.directory / "upper" / "ca.pem"],
        input="", capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout, done.stdout


# certbot


def run_hook(balancer, lineage, **changes):
    environment = {
        "PATH": f"{binary().parent}:{os.environ['PATH']}", "BELVEDERE_OWNER": f"{os.getuid()}:{os.getgid()}",
        "BELVEDERE_LINEAGE": "view.test", "BELVEDERE_CERTIFICATE": str(balancer.directory / "view.pem"),
        "BELVEDERE_CONTROL": str(balancer.control), "RENEWED_LINEAGE": str(lineage), "RENEWED_DOMAINS": "view.test",
        **changes,
    }  # fmt: skip
    return subprocess.run([HOOK], env=environment, capture_output=True, text=True, timeout=TIMEOUT)


@pytest.fixture
def renewing(testbed, certificates, tmp_path):
    """A balancer that serves certbot's certificate, and a function that renews it."""
    balancer = testbed.balance(testbed.server(), start=False)
    lineage = tmp_path / "live" / "view.test"
    lineage.mkdir(parents=True)

    def renew(certificate, key=None):
        (lineage / "fullchain.pem").write_text(certificate.chain.read_text())
        (lineage / "privkey.pem").write_text((key or certificate.key).read_text())
        return lineage

    front = certificates.front
    file = balancer.directory / "view.pem"
    file.write_text(front.chain.read_text() + front.key.read_text())
    balancer.configuration["tls"] = {"certificate": str(file)}
    balancer.start().wait_until_serving()
    return balancer, renew, file


def test_certbot_hook_installs_a_renewed_certificate(renewing, certificates):
    balancer, renew, file = renewing
    renewed = certificates.authority.issue("view.test")
    run = run_hook(balancer, renew(renewed))
    assert run.returncode == 0, run.stderr
    assert shown(balancer) == ssl.PEM_cert_to_DER_cert(renewed.leaf_pem)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.glob("view.pem*")) == ["view.pem", "view.pem.before"]


def test_certbot_hook_restores_the_former_certificate_if_the_renewed_one_is_refused(renewing, certificates):
    balancer, renew, file = renewing
    before = file.read_text()
    run = run_hook(balancer, renew(certificates.authority.issue("view.test"), key=certificates.second.key))
    assert run.returncode == 1
    assert "belongs to none of its certificates" in run.stderr and "goes on with the one before" in run.stderr
    assert file.read_text() == before
    assert shown(balancer) == ssl.PEM_cert_to_DER_cert(certificates.front.leaf_pem)


def test_certbot_hook_ignores_other_certificates(renewing, certificates):
    balancer, renew, file = renewing
    before = file.read_text()
    run = run_hook(balancer, renew(certificates.second), BELVEDERE_LINEAGE="elsewhere.test")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert file.read_text() == before


def test_certbot_hook_installs_a_renewed_certificate_while_the_service_is_stopped(renewing, certificates, tmp_path):
    balancer, renew, file = renewing
    renewed = certificates.authority.issue("view.test")
    run = run_hook(balancer, renew(renewed), BELVEDERE_CONTROL=str(tmp_path / "missing"))
    assert run.returncode == 0 and "does not run" in run.stdout
    assert renewed.leaf_pem in file.read_text()
