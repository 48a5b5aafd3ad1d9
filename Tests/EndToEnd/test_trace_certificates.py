"""Certificates of clients in `belvedere trace` and in the access log: whose was accepted, and why one no longer is."""

import json
import subprocess

import pytest
from harness.client_certificates import ClientAuthority, context, joined, settings
from harness.tracing import Trace
from harness.waiting import client_addresses, wait_until


@pytest.fixture(scope="module")
def kim(authority):
    return authority.client('kim "k"')


def fingerprint(certificate):
    said = subprocess.run(
        ["openssl", "x509", "-in", certificate.chain, "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True, check=True
    )
    return said.stdout.strip().partition("=")[2]


def comparable(text):
    return text.replace(":", "").lower()


NAME = 'CN=kim \\"k\\",O=Test'


def test_accepted_certificate_is_in_the_trace_and_in_the_access_log(testbed, authority, kim):
    balancer = testbed.balance(
        testbed.server(), tls=settings(authority, required=False), log={"access": {"format": "json"}}, threads=1
    )
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace, Trace(balancer, source, json=False) as lines:
        for certificate in kim, None:
            with balancer.connect(source, context=context(balancer, certificate)) as client:
                assert client.get("/traced", "Connection: close").status == 200
        with_one, without = trace.wait_for("secured", count=2)
        wait_until(lambda: sum(" TLS: " in line for line in lines.lines) == 2, "both handshakes")
    assert with_one["client_certificate"] == NAME
    assert comparable(with_one["client_certificate_fingerprint"]) == comparable(fingerprint(kim))
    assert not [member for member in without if member.startswith("client_certificate")]
    shown = [line for line in lines.lines if " TLS: " in line]
    assert shown[0].endswith(f"name view.test, certificate {NAME}") and shown[1].endswith("name view.test")
    entries = [json.loads(line) for line in balancer.wait_for_access("/traced", count=2)]
    assert [entry.get("client_certificate") for entry in entries] == [NAME, None]


def test_rejected_certificate_has_the_name_of_its_counter_and_belvedere_has_closed(testbed, authority, tmp_path):
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    balancer.wait_for_log("the worker is ready")
    [source] = client_addresses(1)
    other = ClientAuthority(tmp_path / "other", "Other CA").client("kim")
    with Trace(balancer, source) as trace:
        for certificate, counter in ((other, "bad_client_certificate"), (None, "no_client_certificate")):
            for round in 1, 2, 3:
                try:
                    with balancer.connect(source, context=context(balancer, certificate)) as client:
                        client.get("/")
                except (OSError, EOFError, AssertionError):
                    pass
                trace.wait_for("handshake-failed", count=round, failure=counter)
        # Whichever side was first to notice.
        trace.wait_for("closed", count=6, by="belvedere", reason="the TLS handshake has failed")
        assert not trace.found("closed", {"by": "client"})


def test_client_that_refuses_our_certificate_has_closed(testbed, authority):
    balancer = testbed.balance(testbed.server())
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        subprocess.run(
            ["openssl", "s_client", "-connect", f"{balancer.address}:{balancer.port}", "-bind", f"{source}:0",
             "-servername", "view.test", "-CAfile", authority.certificate, "-verify_return_error"],
            input=b"", capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        trace.wait_for("handshake-failed", failure="certificate")
        trace.wait_for("closed", by="client", reason="the TLS handshake has failed")


def test_open_connection_of_a_certificate_that_was_revoked_says_so(testbed, certificates, authority, tmp_path):
    lee = authority.client("lee")
    folder = certificates.front.chain.parent
    lists = joined(folder / f"{tmp_path.name}-crl.pem", authority.list())
    balancer = testbed.balance(
        testbed.server(), tls=settings(authority, required=False, crl=str(lists)), timeouts={"keep-alive": "5m"}
    )
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        with balancer.connect(source, context=context(balancer, lee)) as client:
            assert client.get("/").status == 200
            before = balancer.status["traffic"]["refused"]["requests"]
            authority.revoke(lee)
            joined(lists, authority.list("second"))
            balancer.reload()
            assert client.get("/").status == 421
            [request] = trace.wait_for("request", status=421)
        trace.wait_for("closed", by="belvedere", reason="its request was refused")
    why = "the certificate 'CN=lee,O=Test', issued by 'CN=Clients CA', does not pass: certificate revoked"
    assert request["reason"].startswith(f"Belvedere refused it: tls.client-certificates: {why}")
    balancer.wait_for_log(rf"client {source}:\d+ is disconnected: {why}")
    wait_until(lambda: balancer.status["traffic"]["refused"]["requests"] == before + 1, "a counted request")
