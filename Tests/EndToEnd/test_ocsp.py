"""OCSP stapling: clients that ask get the authority's answer, and even if the authority fails,
the certificate is served."""

import datetime
import re
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.x509 import ocsp
from harness.certificates import Authority, openssl
from harness.responder import OCSPResponder, signed
from harness.waiting import TIMEOUT, free_port, fresh_address, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ocsp-authority", "OCSP test CA")


@pytest.fixture
def responder():
    with OCSPResponder() as responder:
        yield responder


def balance(testbed, certificate, **changes):
    tls = {"certificate": str(certificate.chain), "key": str(certificate.key), **changes.pop("tls", {})}
    return testbed.balance(testbed.server(), serving=False, tls=tls, **changes)


def stapled(balancer, *, name="view.test", version="-tls1_3"):
    """The certificate's status in the staple by `openssl s_client -status`, or None without a staple."""
    done = subprocess.run(
        ["openssl", "s_client", "-status", version, "-servername", name, "-connect",
         f"{balancer.address}:{balancer.port}"],
        input="", capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert "CONNECTED" in done.stdout and "Verification" in done.stdout, done.stdout + done.stderr
    if "OCSP response: no response sent" in done.stdout:
        return None
    assert "OCSP Response Status: successful" in done.stdout, done.stdout
    return re.search(r"Cert Status: (\w+)", done.stdout)[1]


def serial(certificate):
    return x509.load_pem_x509_certificate(certificate.leaf_pem.encode()).serial_number


def wait_for_staple(balancer, status="good"):
    wait_until(lambda: stapled(balancer) == status, lambda: f"a staple that says {status}\n{balancer.log}")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_clients_that_ask_get_the_authoritys_answer(testbed, authority, responder, tmp_path, version):
    """The authority is `openssl ocsp`, which answers from the index that `openssl ca` keeps."""
    certificate = authority.issue("view.test", responder=responder.url)

    def answer(question):
        (tmp_path / "question").write_bytes(question)
        openssl(
            "ocsp", "-index", authority.directory / "index.txt", "-CA", authority.certificate, "-rsigner",
            authority.certificate, "-rkey", authority.key, "-ndays", "1", "-reqin", tmp_path / "question", "-respout",
            tmp_path / "answer",
        )  # fmt: skip
        return 200, (tmp_path / "answer").read_bytes()

    responder.answer = answer
    balancer = balance(testbed, certificate)
    wait_until(lambda: stapled(balancer, version=version) == "good", lambda: balancer.log)
    told = rf"info +worker: OCSP: {re.escape(responder.url)} says that .*view\.test.* is good; stapled for 2[34] hours"
    balancer.wait_for_log(told)


def test_request_is_for_this_certificate_and_clients_cause_no_further_ones(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (200, signed(certificate, authority))
    balancer = balance(testbed, certificate)
    wait_for_staple(balancer)
    for _ in range(3):
        assert stapled(balancer) == "good"
    assert len(responder.questions) == 1
    asked = ocsp.load_der_ocsp_request(responder.questions[0])
    assert asked.serial_number == serial(certificate)


def test_name_of_the_responder_is_resolved(testbed, authority):
    """Inside the worker's sandbox."""
    with OCSPResponder("127.0.0.1", "localhost") as responder:
        certificate = authority.issue("view.test", responder=responder.url)
        responder.answer = lambda question: (200, signed(certificate, authority))
        wait_for_staple(balance(testbed, certificate))


def test_certificate_is_served_if_the_responder_can_not_be_resolved(testbed, authority):
    balancer = balance(testbed, authority.issue("view.test", responder="http://nowhere.invalid/"))
    balancer.wait_for_log("OCSP: http://nowhere.invalid/ does not say .*nowhere.invalid has no address", timeout=60)
    assert stapled(balancer) is None


def test_answer_without_nextupdate_is_stapled(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (200, signed(certificate, authority, end=None))
    wait_for_staple(balance(testbed, certificate))


def test_answer_valid_for_thousands_of_years_is_stapled(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    end = datetime.datetime(9999, 12, 31, 23, 59, 59)
    responder.answer = lambda question: (200, signed(certificate, authority, end=end))
    balancer = balance(testbed, certificate)
    wait_for_staple(balancer)
    balancer.reload({"retries": 2})
    assert stapled(balancer) == "good"
    assert len(responder.questions) == 1 and "the worker died" not in balancer.log, balancer.log


WRONG = {
    "garbage": (lambda c, a, o: (200, b"<html>"), "no OCSP response"),
    "empty": (lambda c, a, o: (200, b""), "no OCSP response"),
    "status": (lambda c, a, o: (503, b"later"), "status 503"),
    "unwilling": (lambda c, a, o: (200, bytes.fromhex("30030a0103")), "answers 'trylater'"),
    "junk-behind": (lambda c, a, o: (200, signed(c, a) + b"\r\n"), "no OCSP response"),
    "cut": (lambda c, a, o: (200, signed(c, a)[:-1]), "no OCSP response"),
    "large": (lambda c, a, o: (200, bytes(100_000)), "too large"),
    "other-signer": (lambda c, a, o: (200, signed(c, a, signer=o)), "not signed by the certificate's issuer"),
    "other-certificate": (lambda c, a, o: (200, signed(c, a, of=a.issue("other.test"))), "about another certificate"),
    "stale": (lambda c, a, o: (200, signed(c, a, begin=-48, end=-1)), "out of date"),
    "early": (lambda c, a, o: (200, signed(c, a, begin=2)), "begins in the future"),
    "revoked": (lambda c, a, o: (200, signed(c, a, status="revoked")), "is revoked: replace it at once"),
    "unknown": (lambda c, a, o: (200, signed(c, a, status="unknown")), "does not know the certificate"),
}


@pytest.mark.parametrize("case", WRONG)
def test_invalid_answer_is_not_stapled_and_logged_once(testbed, authority, responder, certificates, case):
    certificate = authority.issue("view.test", responder=responder.url)
    make, words = WRONG[case]
    responder.answer = lambda question: make(certificate, authority, certificates.other_authority)
    balancer = balance(testbed, certificate)
    balancer.wait_for_log(rf"(warning|error) worker: OCSP: {re.escape(responder.url)} (does not say|says) that .*{words}")
    assert stapled(balancer) is None
    assert len(re.findall("OCSP:", balancer.log)) == 1, balancer.log


def test_certificate_is_served_if_the_responder_is_missing_or_hangs(testbed, authority, responder):
    held = threading.Event()

    def hang(question):
        held.wait(TIMEOUT)
        return 503, b""

    responder.answer = hang
    try:
        hanging = balance(testbed, authority.issue("view.test", responder=responder.url))
        responder.wait_for_questions(1)
        assert stapled(hanging) is None
    finally:
        held.set()
    address = fresh_address()
    gone = balance(testbed, authority.issue("view.test", responder=f"http://{address}:{free_port(address)}/"))
    gone.wait_for_log("OCSP: .* does not say .*refused.* it is served")
    assert stapled(gone) is None


def test_staple_survives_a_reload_and_is_dropped_with_its_certificate(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (200, signed(certificate, authority))
    balancer = balance(testbed, certificate)
    wait_for_staple(balancer)
    balancer.reload({"retries": 2})
    assert stapled(balancer) == "good"
    assert len(responder.questions) == 1
    # The certificate is rotated: its authority is asked again, and the old answer is not sent any more.
    renewed = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (503, b"")
    balancer.reload({"tls": {"certificate": str(renewed.chain), "key": str(renewed.key)}})
    balancer.wait_for_log("OCSP: .*status 503")
    assert stapled(balancer) is None


def test_each_certificate_has_its_own_staple(testbed, authority, responder, certificates):
    first = authority.issue("view.test", responder=responder.url)
    second = authority.issue("other.test", responder=responder.url)

    def answer(question):
        asked = ocsp.load_der_ocsp_request(question).serial_number
        return 200, signed(first if asked == serial(first) else second, authority)

    responder.answer = answer
    plain = certificates.rsa
    several = [{"certificate": str(c.chain), "key": str(c.key)} for c in (first, second)]
    balancer = testbed.balance(
        testbed.server(), serving=False, tls={"certificate": None, "key": None, "certificates": several}
    )
    for name in ("view.test", "other.test"):
        wait_until(lambda: stapled(balancer, name=name) == "good", lambda: f"{name}\n{balancer.log}")
    balancer.reload({"tls": {"certificates": [{"certificate": str(plain.chain), "key": str(plain.key)}, several[1]]}})
    assert stapled(balancer) is None
    assert stapled(balancer, name="other.test") == "good"


def test_certificate_of_two_services_is_stapled_for_both_with_one_request(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (200, signed(certificate, authority))
    tls = {"certificate": str(certificate.chain), "key": str(certificate.key)}
    balancer = testbed.balance(testbed.server(), start=False, serving=False, tls=tls)
    keys = ("service", "tls", "servers", "health", "listen", "redirect", "timeouts")
    view = {key: balancer.configuration.pop(key) for key in keys if key in balancer.configuration}
    services = {"view": view, "cards": view | {"service": "cards.test"}}
    balancer.write({"services": services}).start()
    balancer.wait_for_log("worker is ready")
    for name in ("view.test", "cards.test"):
        wait_until(lambda: stapled(balancer, name=name) == "good", lambda: f"{name}\n{balancer.log}")
    balancer.reload({"services": {"view": {"retries": 2}}})
    assert [stapled(balancer, name=name) for name in ("view.test", "cards.test")] == ["good", "good"]
    assert len(responder.questions) == 1


def test_stapling_can_be_switched_off(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    responder.answer = lambda question: (200, signed(certificate, authority))
    balancer = balance(testbed, certificate, tls={"ocsp-stapling": False})
    assert stapled(balancer) is None
    balancer.reload({"tls": {"ocsp-stapling": True}})
    wait_for_staple(balancer)
    balancer.reload({"tls": {"ocsp-stapling": False}})
    assert stapled(balancer) is None
    assert len(responder.questions) == 1


def test_certificate_without_its_issuer_in_the_file_is_logged_once(testbed, authority, responder):
    certificate = authority.issue("view.test", responder=responder.url)
    certificate.chain.write_text(certificate.leaf_pem)
    balancer = balance(testbed, certificate)
    balancer.wait_for_log("warning worker: OCSP: nothing is stapled to .*, whose issuer is not in the file")
    balancer.reload({"retries": 2})
    assert len(re.findall("OCSP:", balancer.log)) == 1, balancer.log
    assert stapled(balancer) is None and not responder.questions
