"""Certificates of clients (`tls.client-certificates`): who is let in, over reloads, and on which service."""

import json
import re
import ssl
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.client_certificates import ClientAuthority, context, get, is_refused, joined, settings
from harness.service import belvedere, server_entry
from harness.waiting import free_port, wait_until

pytestmark = pytest.mark.memory

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def kim(authority):
    return authority.client("kim")


@pytest.fixture
def file(certificates, tmp_path):
    """Paths in a folder that every worker may read."""
    return lambda name: certificates.front.chain.parent / f"{tmp_path.name}-{name}.pem"


def logged_refusal(balancer, reason):
    balancer.wait_for_log(rf"is disconnected: the certificate '.*', does not pass: {reason}; its SHA-256")


def test_clients_with_a_certificate_of_the_authority_are_admitted_and_no_others(testbed, authority, kim, tmp_path):
    other = ClientAuthority(tmp_path / "other", "Other CA")
    server = testbed.server()
    balancer = testbed.balance(server, serving=False, tls=settings(authority))
    for version in V12, V13:
        assert get(balancer, kim, minimum=version, maximum=version).status == 200
    refused = [
        authority.client("late", end="20210101000000Z"),
        authority.client("server", usage="serverAuth"),
        other.client("kim"),
        authority.client("weak", key=("rsa:1024",)),
        authority.client("/CN=".join(["ö" * 64] * 3)),
    ]
    before = len(server.requests)
    for certificate in refused:
        for version in V12, V13:
            options = {"minimum": version, "maximum": version, "ciphers": "DEFAULT:@SECLEVEL=0"}
            assert is_refused(balancer, certificate, **options), certificate
    balancer.wait_for_counts("handshakes.failures", bad_client_certificate=len(refused) * 2, no_client_certificate=0)
    for version in V12, V13:
        assert is_refused(balancer, minimum=version, maximum=version)
    balancer.wait_for_counts("handshakes.failures", no_client_certificate=2)
    assert len(server.requests) == before
    logged_refusal(balancer, "certificate has expired")


def test_intermediate_that_the_client_sends_leads_to_the_authority(testbed, authority, tmp_path, file):
    middle = authority.intermediate(tmp_path / "middle", "Middle CA")
    anchors = joined(file("ca"), authority.certificate)
    balancer = testbed.balance(testbed.server(), serving=False, tls={"client-certificates": {"ca": str(anchors)}})
    assert get(balancer, middle.client("kim", chain=[middle.certificate])).status == 200
    assert is_refused(balancer, middle.client("kim"))
    # The file may have the intermediate alone: then those of the root are not accepted.
    joined(anchors, middle.certificate)
    balancer.reload()
    assert get(balancer, middle.client("kim")).status == 200
    assert is_refused(balancer, authority.client("lee"))
    # A client's certificate signs no other.
    lee = authority.client("lee")
    joined(anchors, authority.certificate)
    balancer.reload()
    rogue = ClientAuthority(tmp_path / "rogue", "Rogue")
    rogue.certificate, rogue.key = lee.chain, lee.key
    assert is_refused(balancer, rogue.client("root", chain=[lee.chain]))


def test_revoked_clients_are_refused_and_so_are_those_without_a_valid_list(testbed, tmp_path, file):
    clients = ClientAuthority(tmp_path / "clients", "Revoking CA")
    kim, lee = clients.client("kim"), clients.client("lee")
    middle = clients.intermediate(tmp_path / "middle", "Middle CA")
    max_ = middle.client("max", chain=[middle.certificate])
    crl = joined(file("crl"), clients.list())
    balancer = testbed.balance(
        testbed.server(), serving=False, tls=settings(clients, crl=str(crl)), timeouts={"keep-alive": "5m"}
    )
    assert get(balancer, kim).status == 200 and get(balancer, lee).status == 200
    # There is no list of the intermediate.
    assert is_refused(balancer, max_)
    joined(crl, clients.list(), middle.list())
    balancer.reload()
    assert get(balancer, max_).status == 200
    with balancer.connect(context=context(balancer, lee)) as held, balancer.connect(context=context(balancer, kim)) as kept:
        assert held.get("/").status == 200 and kept.get("/").status == 200
        clients.revoke(lee)
        joined(crl, clients.list())
        balancer.reload()
        # An open connection as well as a new one.
        assert is_refused(balancer, lee)
        balancer.wait_for_counts("handshakes.failures", bad_client_certificate=2)
        answer = held.get("/")
        assert (answer.status, answer["Connection"]) == (421, "close")
        assert kept.get("/").status == 200 and kept.get("/").status == 200
    assert get(balancer, kim).status == 200
    logged_refusal(balancer, "(unable to get certificate CRL|certificate revoked)")
    joined(crl, clients.list(start="20200101000000Z", end="20200201000000Z"))
    reloaded = balancer.call("reload")
    words = "the revocation list of CN=Revoking CA has expired and its clients are refused; fetch the next one"
    assert reloaded.returncode == 0 and words in reloaded.stderr, reloaded.stderr
    assert is_refused(balancer, kim)
    balancer.wait_for_log(rf"error worker: the revocation list of CN=Revoking CA in {re.escape(str(crl))} has expired")


def test_no_session_stands_for_a_certificate(testbed, certificates, authority, kim, tmp_path):
    """CVE-2025-23419 of nginx: a ticket of one service resumed at another that requires a certificate."""
    balancer = testbed.balance(testbed.server(), start=False, serving=False, service=None, tls=None, servers=None, listen=None, redirect=None)
    front, server = certificates.front, testbed.server("second")
    place, own = (free_port(balancer.address) for _ in range(2))
    tls = {"certificate": str(front.chain), "key": str(front.key)}
    entry = {"view01": server_entry(server, certificates.authority.certificate) | {"server-name": "view.test"}}

    def service(name, port, **changes):
        return {"service": name, "listen": endpoint_text(balancer.address, port), "redirect": "off", "servers": entry, "tls": tls | changes}

    balancer.port = place
    services = {"open": service("open.test", place), "view": service("view.test", place, **settings(authority)),
                "far": service("far.test", own, **settings(authority, required=False))}  # fmt: skip
    balancer.configuration = {key: value for key, value in balancer.configuration.items() if key in ("threads", "limits")}
    balancer.write({"services": services}).start()
    balancer.wait_for_log("worker is ready")
    wait_until(lambda: all(server["state"] == "up" for server in balancer.status["servers"]), lambda: balancer.log)

    def s_client(name, version, *arguments, host=None, port=place):
        command = ["openssl", "s_client", "-connect", f"{balancer.address}:{port}", "-servername", name, version, "-ign_eof", *map(str, arguments)]
        request = f"GET / HTTP/1.1\r\nHost: {host or name}\r\nConnection: close\r\n\r\n"
        return subprocess.run(command, input=request, capture_output=True, text=True, timeout=60).stdout

    for version in "-tls1_2", "-tls1_3":
        saved, mine = tmp_path / f"open{version}", tmp_path / f"view{version}"
        assert "HTTP/1.1 200" in s_client("open.test", version, "-sess_out", saved)
        # It is good for what it is for, and for nothing else.
        assert "Reused" in s_client("open.test", version, "-sess_in", saved)
        assert "HTTP/1.1" not in s_client("view.test", version, "-sess_in", saved)
        answer = s_client("far.test", version, "-sess_in", saved, port=own)
        assert "New, TLSv1" in answer and "HTTP/1.1 200" in answer
        # Nor does a name: the service of the ClientHello answers.
        assert "HTTP/1.1 421" in s_client("open.test", version, host="view.test")
        assert "HTTP/1.1 421" in s_client("far.test", version, host="view.test", port=own)
        # A client with a certificate proves it each time.
        pair = ["-cert", kim.chain, "-key", kim.key]
        assert "HTTP/1.1 200" in s_client("view.test", version, "-sess_out", mine, *pair)
        if mine.exists():
            assert "HTTP/1.1" not in s_client("view.test", version, "-sess_in", mine)
            assert "New, TLSv1" in s_client("view.test", version, "-sess_in", mine, *pair)
            assert "Reused" not in s_client("far.test", version, "-sess_in", mine, port=own)


def test_reload_asks_for_certificates_on_open_connections_too(testbed, authority, kim, tmp_path, file):
    other = ClientAuthority(tmp_path / "other", "Other CA")
    anchors = joined(file("ca"), authority.certificate)
    server = testbed.server()
    balancer = testbed.balance(server, timeouts={"keep-alive": "5m"})
    with balancer.connect(context=context(balancer)) as bare:
        assert bare.get("/").status == 200
        before = len(server.requests)
        balancer.reload({"tls": {"client-certificates": {"ca": str(anchors)}}})
        answer = bare.get("/")
        assert (answer.status, answer["Connection"]) == (421, "close") and len(server.requests) == before
    with balancer.connect(context=context(balancer, kim)) as client:
        assert client.get("/").status == 200
        balancer.reload()
        assert client.get("/").status == 200
        joined(anchors, other.certificate)
        balancer.reload()
        assert client.get("/").status == 421
    assert is_refused(balancer, kim) and get(balancer, other.client("max")).status == 200
    balancer.reload({"tls": {"client-certificates": None}})
    assert get(balancer).status == 200


def test_optional_certificate_may_be_missing_and_not_be_wrong(testbed, authority, kim, tmp_path):
    other = ClientAuthority(tmp_path / "other", "Other CA")
    balancer = testbed.balance(testbed.server(), tls=settings(authority, required=False))
    assert get(balancer).status == 200 and get(balancer, kim).status == 200
    assert is_refused(balancer, other.client("kim"))


def test_ipv6_and_curl(testbed, certificates, authority, kim):
    balancer = testbed.balance(testbed.server(), start=False, serving=False, tls=settings(authority))
    port = free_port("::1")
    balancer.write({"listen": [balancer.configuration["listen"], endpoint_text("::1", port)]}).start()

    def curl(*options):
        words = ["curl", "-s", "--cacert", str(certificates.authority.certificate), "--connect-to", f"view.test:443:[::1]:{port}",
                 "-o", "/dev/null", "-w", "%{http_code}", *map(str, options), "https://view.test/"]  # fmt: skip
        return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout

    assert curl("--cert", kim.chain, "--key", kim.key) == "200"
    assert curl() == "000"


def fields(server):
    """Those about certificates that the last request had."""
    names = re.compile(rb"(?i)(x[-_.])?(ssl|client|arr|forwarded)[-_.].*(client|cert|verify|dn)")
    return [line for line in server.requests[-1].head.raw.split(b"\r\n") if names.match(line)]


def test_fields_describe_the_verified_certificate_and_clients_can_not_claim_one(testbed, authority, kim):
    server = testbed.server()
    balancer = testbed.balance(server, serving=False, tls=settings(authority, required=False, headers=True),
                               forwarded={"trusted-proxies": ["127.0.83.1"]})  # fmt: skip
    claims = ["X-SSL-Client-Verify: SUCCESS", "x_ssl_client_dn: CN=root", "SSL-Client-S-DN: CN=root", "Client-Cert: :AA==:",
              "X-SSL-Client-CN: root", "X.Client.Verify: 0", "X-Forwarded-Client-Cert: Hash=1", "x-ssl_client-serial: 1"]  # fmt: skip
    strange = authority.client('Zoë, "Kim" \\+ <x>;')
    for certificate, subject in (kim, b"CN=kim,O=Test"), (strange, rb'CN=Zo\C3\AB\, \"Kim\" \+ \<x\>\;,O=Test'):
        for source in None, "127.0.83.1":
            with balancer.connect(source, context=context(balancer, certificate)) as client:
                assert client.get("/", *claims).status == 200
            assert fields(server) == [
                b"X-SSL-Client-Verify: SUCCESS", b"X-SSL-Client-DN: " + subject, b"X-SSL-Client-Issuer-DN: CN=Clients CA",
                b"X-SSL-Client-Serial: " + serial(certificate), b"X-SSL-Client-Fingerprint: " + certificate.fingerprint.encode(),
            ]  # fmt: skip
    for source in None, "127.0.83.1":
        with balancer.connect(source, context=context(balancer)) as client:
            assert client.get("/", *claims).status == 200
            assert fields(server) == [b"X-SSL-Client-Verify: NONE"]
            # A trailer section is no way in, nor is Connection.
            chunked = ("POST / HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "0\r\nX-SSL-Client-Verify: SUCCESS\r\n\r\n")  # fmt: skip
            assert client.exchange(chunked).status == 400
    with balancer.connect(context=context(balancer, kim)) as client:
        assert client.get("/", "Connection: X-SSL-Client-DN").status == 400
    # Without `headers` nothing is said, and nothing believed.
    balancer.reload({"tls": settings(authority, required=False, headers=False)})
    for source in None, "127.0.83.1":
        with balancer.connect(source, context=context(balancer, kim)) as client:
            assert client.get("/", *claims).status == 200
            assert fields(server) == []


def serial(certificate):
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", certificate.chain], capture_output=True, check=True)
    return shown.stdout.strip().removeprefix(b"serial=")


def test_largest_names_fit_beside_large_heads(testbed, authority):
    server = testbed.server()
    limits = {"header-bytes": "32KiB"}
    balancer = testbed.balance(server, serving=False, tls=settings(authority, headers=True), limits=limits)
    # 64 letters of two octets, each of which is escaped to three characters.
    name = "ö" * 64
    with balancer.connect(context=context(balancer, authority.client(name))) as client:
        for size in 1000, 14_000, 15_300, 15_700, 16_000, 30_000:
            assert client.get("/", "X-Filler: " + "x" * size).status == 200, size
            assert b"X-SSL-Client-DN: CN=" + rb"\C3\B6" * 64 + b",O=Test" in fields(server)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("none", "holds no certificate"),
        ("leaf", "holds the certificate of CN=kim,O=Test, which is no authority"),
        ("system", "authorities, and clients of each would be accepted; at most 64 are supported"),
    ],
)
def test_unusable_authorities_are_refused(testbed, authority, kim, tmp_path, content, expected):
    file = tmp_path / "ca.pem"
    many = authority.certificate.read_text() * 65
    file.write_text({"none": "", "leaf": kim.chain.read_text(), "system": many}[content])
    balancer = testbed.balance(testbed.server(), start=False, tls={"client-certificates": {"ca": str(file)}})
    balancer.write()
    checked = belvedere("check", "--configuration", balancer.file)
    assert checked.returncode != 0 and expected in checked.stdout + checked.stderr, checked
    assert expected in balancer.refusal()


def test_check_names_faults_of_revocation_lists(testbed, authority, tmp_path):
    balancer = testbed.balance(testbed.server(), start=False)
    other = ClientAuthority(tmp_path / "other", "Other CA")
    der = tmp_path / "crl.der"
    subprocess.run(["openssl", "crl", "-in", authority.list(), "-outform", "der", "-out", der], check=True)

    def check(crl):
        balancer.write({"tls": settings(authority, crl=str(crl))})
        checked = belvedere("check", "--configuration", balancer.file)
        return checked.stdout + checked.stderr

    assert "holds no revocation list" in check(der) and "openssl crl -inform der" in check(der)
    assert "has no list of CN=Clients CA, whose clients are refused" in check(other.list())
    assert "the revocation list of CN=Clients CA has expired" in check(authority.list("old", end="20200201000000Z"))
    assert "the list of CN=Clients CA is not valid yet" in check(authority.list("new", start="20470101000000Z"))
    assert "list of CN" not in check(authority.list())


def test_configuration_that_can_not_verify_is_refused(testbed, authority):
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write({"mode": "passthrough", "redirect": None, "tls": settings(authority)})
    checked = belvedere("check", "--configuration", balancer.file)
    assert checked.returncode != 0, json.dumps(balancer.configuration)
    assert "clients' certificates can't be verified in mode `passthrough`" in checked.stdout + checked.stderr
    balancer.write({"mode": "http", "tls": {"profile": "old"}})
    checked = belvedere("check", "--configuration", balancer.file)
    assert checked.returncode != 0 and "can't be verified with `old`" in checked.stdout + checked.stderr, checked


def test_check_warns_of_servers_that_another_service_opens(testbed, certificates, authority):
    server, balancer = testbed.server("second"), testbed.balance(testbed.server(), start=False)
    tls = {"certificate": str(certificates.front.chain), "key": str(certificates.front.key)}
    entry = {"view01": server_entry(server, certificates.authority.certificate)}

    def check(certified, bare):
        services = {
            name: {"service": f"{name}.test", "listen": endpoint_text(balancer.address, port), "redirect": "off", "servers": entry, "tls": tls | own}
            for (name, own), port in zip((("view", certified), ("open", bare)), (8443, 8444))
        }
        balancer.file.write_text(json.dumps({"services": services}))
        return " ".join(belvedere("check", "--configuration", balancer.file).stderr.split())

    warning = "service open has the server view01 too, and admits clients without a certificate"
    assert warning in check(settings(authority), {})
    assert warning in check(settings(authority, required=False, headers=True), {})
    assert warning not in check(settings(authority, required=False), {})
    assert warning in check(settings(authority), settings(authority, required=False))
    assert warning not in check(settings(authority), settings(authority))
    assert warning not in check(settings(authority, required=False, headers=True), settings(authority, required=False))
