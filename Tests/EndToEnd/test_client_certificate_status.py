"""What an administrator sees of certificates of clients: `check`, `status`, metrics and the log."""

import re
import ssl
import time

import pytest
from harness.client_certificates import ClientAuthority, context, get, is_refused, joined, settings
from harness.observer import Observer
from harness.service import belvedere
from harness.waiting import wait_until


@pytest.fixture
def crl(certificates, tmp_path):
    """The path of revocation lists, in a folder that every worker may read."""
    return certificates.front.chain.parent / f"{tmp_path.name}-crl.pem"


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def test_authorities_and_lists_are_in_check_status_and_metrics(testbed, authority, crl):
    end = int(time.time()) + 9 * 3600
    joined(crl, authority.list(end=stamp(end)))
    balancer = testbed.balance(testbed.server("view01"), start=False, tls=settings(authority, crl=str(crl), required=False))
    observer = Observer(balancer)
    balancer.start().wait_until_serving()
    check = belvedere("check", "-c", balancer.file)
    assert check.stdout.startswith("The configuration is in order.\n")
    assert re.search(
        r"client certificate  not required, of CN=Clients CA\n +authorities: until \d{4}-\d\d-\d\d\n"
        r" +1 revocation list until 20\d\d-\d\d-\d\dT", check.stdout), check.stdout  # fmt: skip

    status = wait_until(lambda: balancer.status["authorities"] and balancer.status, "the report of the worker")
    kinds = [(entry["kind"], entry["subject"], entry["required"], entry["service"]) for entry in status["authorities"]]
    # The first to end comes first.
    assert kinds == [("revocation_list", "CN=Clients CA", False, ""), ("authority", "CN=Clients CA", False, "")]
    assert status["authorities"][0]["not_after"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(end)))
    text = balancer.call("status").stdout
    shown = re.sub(r"\n +", " ", text)
    assert re.search(r"client CAs +not required; authority CN=Clients CA, until \S+, .* left; revocation list CN=Clients CA, until", shown), text

    observer.start()
    try:
        name = "revocation_list_next_update_timestamp_seconds"
        labels = {"service": "", "file": str(crl), "issuer": "CN=Clients CA"}
        metrics = observer.wait_for(lambda metrics: metrics.get(name, **labels) == end, "the list's end")
        labels = {"service": "", "file": str(authority.certificate), "subject": "CN=Clients CA"}
        assert metrics.get("client_authority_not_after_timestamp_seconds", **labels) > end
    finally:
        observer.stop()
    balancer.reload({"tls": {"client-certificates": None}})
    wait_until(lambda: balancer.status["authorities"] == [], lambda: balancer.status["authorities"])


def test_an_expired_list_is_not_in_order(testbed, authority, crl):
    joined(crl, authority.list(start="20200101000000Z", end="20200201000000Z"))
    balancer = testbed.balance(testbed.server("view01"), serving=False, tls=settings(authority, crl=str(crl)))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 0
    assert check.stdout.startswith(
        "The configuration is accepted, but clients are refused: the revocation list of CN=Clients CA has expired.\n"), check.stdout  # fmt: skip
    assert "client certificate  required, of CN=Clients CA\n" in check.stdout
    text = re.sub(r"\n +", " ", wait_until(
        lambda: balancer.status["authorities"] and balancer.call("status").stdout, "the report of the worker"))  # fmt: skip
    assert "revocation list CN=Clients CA, expired 2020-02-01" in text


def test_a_client_without_a_required_certificate_is_in_the_log(testbed, authority):
    balancer = testbed.balance(testbed.server("view01"), serving=False, tls=settings(authority), threads=1)
    assert get(balancer, authority.client("kim")).status == 200
    assert is_refused(balancer)
    balancer.wait_for_log(r"client 127\.\S+:\d+ is disconnected: no certificate was sent, and one is required")


def alert(balancer, certificate=None, version=ssl.TLSVersion.TLSv1_3):
    """The alert that a client gets which sends nothing after its handshake."""
    made = context(balancer, certificate, minimum=version, maximum=version, ciphers="DEFAULT:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError) as caught:
        with balancer.connect(context=made) as client:
            client.receive()
    return caught.value.reason.split("ALERT_")[1]


def test_clients_get_the_alerts_of_the_manual(testbed, authority, crl, tmp_path):
    other = ClientAuthority(tmp_path / "other", "Other CA")
    joined(crl, authority.list())
    balancer = testbed.balance(testbed.server("view01"), serving=False, tls=settings(authority, crl=str(crl)))
    kim, middle = authority.client("kim"), authority.intermediate(tmp_path / "middle", "Middle CA")
    assert get(balancer, kim).status == 200
    assert alert(balancer) == "CERTIFICATE_REQUIRED"
    assert alert(balancer, version=ssl.TLSVersion.TLSv1_2) == "HANDSHAKE_FAILURE"
    assert alert(balancer, other.client("kim")) == "UNKNOWN_CA"
    assert alert(balancer, authority.client("late", end="20210101000000Z")) == "CERTIFICATE_EXPIRED"
    assert alert(balancer, authority.client("server", usage="serverAuth")) == "UNSUPPORTED_CERTIFICATE"
    assert alert(balancer, authority.client("weak", key=("rsa:1024",))) == "BAD_CERTIFICATE"
    # No list of the intermediate.
    assert alert(balancer, middle.client("max", chain=[middle.certificate])) == "UNKNOWN_CA"
    authority.revoke(kim)
    joined(crl, authority.list())
    balancer.reload()
    assert alert(balancer, kim) == "CERTIFICATE_REVOKED"
    joined(crl, authority.list(start="20200101000000Z", end="20200201000000Z"))
    balancer.reload()
    assert alert(balancer, authority.client("lee")) == "CERTIFICATE_EXPIRED"
