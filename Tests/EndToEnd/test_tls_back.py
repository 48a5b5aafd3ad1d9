"""Verification of servers, and servers that fail it."""

import re
import ssl

import pytest
from harness.certificates import openssl
from harness.server import server_context
from harness.waiting import client_addresses, wait_until

pytestmark = pytest.mark.memory

INSECURE = {"trust": "insecure-no-verification"}


def colons(fingerprint):
    return ":".join(fingerprint[n : n + 2] for n in range(0, 64, 2)).upper()


# (name, certificate of the server, changes of its entry, whether it is trusted); `F` and `W` stand for fingerprints.
MATRIX = [
    ("authority, right name", "front", {}, True),
    ("authority, expired", "expired", {}, False),
    ("authority, not yet valid", "not_yet_valid", {}, False),
    ("authority, wrong name", "wrong_name", {}, False),
    ("authority, wrong name but the configured one", "wrong_name", {"server-name": "unknown.test"}, True),
    ("authority, right name but another is configured", "front", {"server-name": "unknown.test"}, False),
    ("authority, unknown issuer", "unknown_issuer", {}, False),
    ("authority, name is an address", "by_address", {"server-name": "127.0.0.1"}, True),
    ("authority, other address", "by_address", {"server-name": "127.0.0.2"}, False),
    ("authority, right name in the common name alone", "common_name_alone", {}, False),
    ("system store, unknown issuer", "front", {"trust": "system"}, False),
    ("fingerprint, right", "unknown_issuer", {"trust": {"fingerprint": "F"}}, True),
    ("fingerprint, right, with colons", "unknown_issuer", {"trust": {"fingerprint": "F:"}}, True),
    ("fingerprint, right, expired and wrong name", "expired", {"trust": {"fingerprint": "F"}, "server-name": "a.test"}, True),
    ("fingerprint, one of two", "unknown_issuer", {"trust": {"fingerprint": ["W", "F"]}}, True),
    ("fingerprint, wrong", "unknown_issuer", {"trust": {"fingerprint": "W"}}, False),
    ("fingerprint, wrong, good chain", "front", {"trust": {"fingerprint": "W"}}, False),
    ("no verification, unknown issuer", "unknown_issuer", INSECURE, True),
    ("no verification, expired", "expired", INSECURE, True),
    ("no verification, wrong name", "wrong_name", INSECURE, True),
]  # fmt: skip


def filled(change, certificate, certificates):
    words = {"F": certificate.fingerprint, "F:": colons(certificate.fingerprint), "W": certificates.second.fingerprint}
    trust = change.get("trust")
    if isinstance(trust, dict):
        value = trust["fingerprint"]
        value = [words[v] for v in value] if isinstance(value, list) else words[value]
        return {**change, "trust": {"ca": None, "fingerprint": value}}
    return change


@pytest.fixture(scope="module")
def matrix(shared_testbed, certificates):
    """All rows in one balancer: the health check of each server shows whether it was trusted."""
    servers, changes = [], {}
    for number, (_, kind, change, _) in enumerate(MATRIX):
        certificate = getattr(certificates, kind)
        server = shared_testbed.server(f"row{number:02}", certificate=certificate)
        servers.append(server)
        changes[server.name] = filled(change, certificate, certificates)
    return shared_testbed.balance(*servers, server_changes=changes), servers


@pytest.mark.parametrize("number", range(len(MATRIX)), ids=[row[0].replace(" ", "-") for row in MATRIX])
def test_each_kind_of_trust_accepts_and_refuses_certificates(matrix, number):
    balancer, servers = matrix
    _, kind, _, believed = MATRIX[number]
    server = servers[number]
    assert balancer.state_of(server.name) == ("up" if believed else "down"), balancer.log
    # A server that is not trusted never receives a request, not even of a health check.
    assert bool(server.checks) == believed
    if not believed:
        line = next(line for line in balancer.log.splitlines() if f"server {server.name} is down" in line)
        assert "certificate" in line, line


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("expired", "expired"),
        ("wrong_name", "name|host"),
        ("unknown_issuer", "issuer|self.signed|unable to"),
        ("common_name_alone", "no subjectAltName.*have it issued with subjectAltName 'view.test', or pin it"),
    ],
)
def test_log_names_the_certificate_the_reason_and_the_fingerprint(testbed, certificates, kind, reason):
    certificate = getattr(certificates, kind)
    server = testbed.server(certificate=certificate)
    balancer = testbed.balance(server, serving=False)
    balancer.wait_for_state("view01", "down")
    log = balancer.log
    assert re.search(reason, log, re.IGNORECASE), log
    plain = re.sub("[:]", "", log).lower()
    assert certificate.fingerprint in plain, log
    subject = openssl("x509", "-in", certificate.chain, "-noout", "-subject").split("=")[-1].strip()
    assert subject in log, log
    # And that fingerprint pins it.
    pinned = testbed.balance(server, server_changes={"view01": {"trust": {"ca": None, "fingerprint": certificate.fingerprint}}})
    assert pinned.get("/").status == 200


def test_request_is_sent_to_another_server_if_one_fails_verification(testbed, certificates):
    """The certificate becomes invalid between two health checks."""
    good, bad = testbed.server("view01"), testbed.server("view02")
    balancer = testbed.balance(good, bad, pool={"idle-connections": 0})
    sources = client_addresses(16)
    assigned = balancer.servers_of(sources)
    assert set(assigned.values()) == {"view01", "view02"}
    bad._context = server_context(certificates.unknown_issuer)
    bad.forget()
    assert {balancer.server_of(source) for source in sources} == {"view01"}
    assert bad.requests == []
    balancer.wait_for_state("view02", "down")
    assert certificates.unknown_issuer.fingerprint in balancer.log.replace(":", "").lower()


def test_request_is_503_if_the_only_server_fails_verification(testbed, certificates):
    balancer = testbed.balance(testbed.server(certificate=certificates.unknown_issuer), serving=False)
    balancer.wait_for_state("view01", "down")
    assert balancer.get("/").status == 503


def test_connection_with_the_former_trust_is_not_reused_after_a_reload(testbed, certificates):
    """The file of authorities has the same path, but other certificates."""
    authorities = testbed.directory / "authorities.pem"
    authorities.write_text(certificates.authority.certificate.read_text())
    server = testbed.server()
    changes = {server.name: {"trust": {"ca": str(authorities)}}}
    balancer = testbed.balance(server, server_changes=changes, pool={"share": False})
    with balancer.connect() as client:
        assert client.get("/").status == 200
        # The same authorities in another order of bytes: the connection stays.
        authorities.write_text("# as before\n" + certificates.authority.certificate.read_text())
        balancer.reload()
        assert client.get("/").status == 200
        assert len(server.requests) == 2 and server.requests[0].connection is server.requests[1].connection
        authorities.write_text(certificates.other_authority.certificate.read_text())
        balancer.reload()
        assert client.get("/").status == 503
        assert len(server.requests) == 2
    balancer.wait_for_state(server.name, "down")


def test_disabled_verification_is_logged_at_every_start(testbed):
    balancer = testbed.balance(testbed.server(), server_changes={"view01": INSECURE})
    balancer.wait_for_log(r"warning.*certificates are not verified")
    balancer.wait_for_log(r"insecure-no-verification")


def test_server_name_is_sent(testbed):
    """The service's name by default, or the server's own; never an address (RFC 6066 §3)."""
    first = testbed.server("view01")
    second = testbed.server("view02", certificate=testbed.certificates.second)
    third = testbed.server("view03", certificate=testbed.certificates.by_address)
    testbed.balance(
        first, second, third,
        server_changes={"view02": {"server-name": "other.test"}, "view03": {"server-name": "127.0.0.1"}},
    )  # fmt: skip
    assert {c.server_name for c in first.connections} == {"view.test"}
    assert {c.server_name for c in second.connections} == {"other.test"}
    assert {c.server_name for c in third.connections} == {None}


def test_health_checks_have_the_service_name_in_host(testbed):
    server = testbed.server()
    testbed.balance(server)
    assert server.checks[0].head.get("Host") == "view.test"


def test_session_with_the_server_is_resumed(testbed):
    server = testbed.server()
    balancer = testbed.balance(server, pool={"idle-connections": 0}, threads=1)
    for _ in range(10):
        assert balancer.get("/").status == 200
    resumed = [r.connection.resumed for r in server.requests]
    assert all(resumed[2:]), resumed


@pytest.fixture
def old(testbed):
    """A server that supports TLS 1.0 only, as View servers before 7."""
    server = testbed.server("old")
    server._context.minimum_version = ssl.TLSVersion.TLSv1
    server._context.maximum_version = ssl.TLSVersion.TLSv1
    server._context.set_ciphers("ALL:@SECLEVEL=0")
    return server


def test_server_below_tls_1_2_is_refused_by_default(testbed, old):
    balancer = testbed.balance(testbed.server("view01"), old)
    assert balancer.state_of("old") == "down"


@pytest.mark.parametrize("own", [True, False], ids=["its-own-setting", "setting-of-all"])
def test_server_below_tls_1_2_is_reached_with_the_old_profile(testbed, old, own):
    settings = {"server_changes": {"old": {"tls-profile": "old"}}} if own else {"server-tls-profile": "old"}
    balancer = testbed.balance(old, **settings)
    assert balancer.get("/").status == 200
    assert old.requests[-1].stream.tls.version() == "TLSv1"
    assert "TLS 1.0 and 1.1 are broken" in balancer.log


def test_profile_revoked_by_a_reload_is_not_used_any_more(testbed, old):
    balancer = testbed.balance(old, testbed.server("view01"), server_changes={"old": {"tls-profile": "old"}})
    balancer.wait_for_state("old", "up")
    balancer.reload({"servers": {"old": {"tls-profile": "intermediate"}}})
    balancer.wait_for_state("old", "down")


def test_idle_connection_to_the_server_ends_with_close_notify(testbed):
    server = testbed.server()
    balancer = testbed.balance(server)
    assert balancer.get("/").status == 200
    stream = server.requests[-1].stream
    balancer.end()
    wait_until(lambda: stream.closed, "the server's side to end")
    assert stream.ended == "clean"


def test_answer_to_a_check_is_read_completely(testbed):
    """An abandoned handshake or answer trips the server's denylist."""
    server, seen = testbed.server(), []

    def health(request):
        request.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        request.send(b"x" * 100_000)
        if request.head.get("Connection"):
            request.stream.receive_to_end()
        seen.append((request.head.get("Connection"), request.stream.ended))

    server.health = health
    balancer = testbed.balance(server)
    assert balancer.state_of("view01") == "up"
    # The other connection is a client's.
    assert wait_until(lambda: [ended for connection, ended in seen if connection == "close"], "the check's end") == ["clean"]
