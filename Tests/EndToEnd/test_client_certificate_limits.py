"""Certificates of clients that are made to cost much, or to be taken for another's."""

import re
import ssl

from harness.certificates import Certificate
from harness.client_certificates import ClientAuthority, get, is_refused, settings
from harness.tracing import Trace

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def reasons(balancer, certificate):
    """Why a client is refused with each version of TLS, as a trace has it."""
    found = []
    for version in V12, V13:
        with Trace(balancer, "127.0.0.1") as trace:
            assert is_refused(balancer, certificate, minimum=version, maximum=version), certificate
            [event] = trace.wait_for("handshake-failed")
            found.append(event["reason"])
    return found


def test_chains_have_four_intermediates_at_most(testbed, authority, tmp_path):
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    above, chain = authority, []
    for number in range(1, 6):
        above = above.intermediate(tmp_path / f"{number}", f"Level {number}")
        chain.insert(0, above.certificate)
        if number == 4:
            # The root may be sent as well.
            assert get(balancer, above.client("kim", chain=chain)).status == 200
            assert get(balancer, above.client("kim", chain=[*chain, authority.certificate])).status == 200
    for reason in reasons(balancer, above.client("kim", chain=chain)):
        assert "certificate chain too long" in reason, reason


def test_certificates_that_lead_nowhere_are_limited_too(testbed, authority, tmp_path):
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    others = [ClientAuthority(tmp_path / f"{number}", f"Other {number}").certificate for number in range(6)]
    assert get(balancer, authority.client("kim", chain=others[:5])).status == 200
    for reason in reasons(balancer, authority.client("kim", chain=others)):
        assert "more than 6 certificates were sent" in reason, reason


def test_chains_have_32_kib_at_most(testbed, authority):
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    assert get(balancer, authority.client("kim", comment=30_000)).status == 200
    for reason in reasons(balancer, authority.client("kim", comment=33_000)):
        assert "excessive message size" in reason, reason


def test_names_of_a_refused_certificate_are_shown_up_to_their_limit(testbed, authority, tmp_path):
    other = ClientAuthority(tmp_path / "other", "Other CA")
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    # Each letter is escaped to six characters.
    part = "ö" * 64
    shown, hidden = (other.client("/CN=".join([part] * 2 + ["x" * 64] * count)) for count in (3, 4))
    names = re.compile(r"'CN=x{64},.*,CN=(\\C3\\B6){64},.*does not pass: unable to get local issuer certificate")
    assert is_refused(balancer, shown)
    balancer.wait_for_log(names.pattern)
    for reason in reasons(balancer, shown):
        assert names.search(reason), reason
    for reason in reasons(balancer, hidden):
        assert "C3" not in reason and "more than 1024 characters" in reason, reason


def test_forged_certificate_with_a_revoked_number_is_refused_for_its_signature(testbed, tmp_path):
    """A list is read, which costs most, for what an authority has signed only."""
    clients, rogue = (ClientAuthority(tmp_path / name, "Clients CA") for name in ("clients", "rogue"))
    # Both begin to count at the same number.
    kim, forged, lee = clients.client("kim"), rogue.client("kim"), clients.client("lee")
    clients.revoke(kim)
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(clients, crl=str(clients.list())))
    assert get(balancer, lee).status == 200
    for reason in reasons(balancer, kim):
        assert "certificate revoked" in reason, reason
    for reason in reasons(balancer, forged):
        assert "certificate signature failure" in reason, reason


def test_authority_is_no_client(testbed, authority, tmp_path):
    balancer = testbed.balance(testbed.server(), serving=False, tls=settings(authority))
    middle = authority.intermediate(tmp_path / "middle", "Middle CA", usage="digitalSignature,keyCertSign,cRLSign")
    assert get(balancer, middle.client("kim", chain=[middle.certificate])).status == 200
    for reason in reasons(balancer, Certificate(middle.certificate, middle.key)):
        assert "it is that of an authority" in reason, reason


def test_clients_are_asked_whichever_certificate_of_the_service_they_get(testbed, certificates, authority):
    other = certificates.authority.issue("cards.test")
    tls = settings(authority) | {
        "certificate": None, "key": None,
        "certificates": [{"certificate": str(made.chain), "key": str(made.key)} for made in (certificates.front, other)],
    }  # fmt: skip
    balancer = testbed.balance(testbed.server(), serving=False, tls=tls)
    kim = authority.client("kim")
    for name in "view.test", "cards.test":
        for version in V12, V13:
            options = {"name": name, "minimum": version, "maximum": version}
            assert get(balancer, kim, **options).status == 200
            assert is_refused(balancer, **options)
