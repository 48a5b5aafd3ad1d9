"""TLS on the client side."""

import os
import signal
import socket
import ssl
import subprocess

import pytest
from harness.certificates import openssl
from harness.client import client_context
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def balancers(shared_testbed, certificates):
    """One balancer for each profile, created on first use."""
    made = {}
    server = shared_testbed.server()

    def of(profile):
        if profile not in made:
            rsa = certificates.rsa
            made[profile] = shared_testbed.balance(
                server, tls={"profile": profile, "certificate": str(rsa.chain), "key": str(rsa.key)}
            )
        return made[profile]

    return of


def s_client(balancer, *arguments, request=None):
    """openssl s_client: whether the handshake was completed, and its output."""
    command = ["openssl", "s_client", "-connect", f"{balancer.address}:{balancer.port}", "-servername", "view.test"]
    done = subprocess.run(
        command + [str(a) for a in arguments], input=request or "", capture_output=True, text=True, timeout=60
    )
    text = done.stdout + done.stderr
    return "Cipher is (NONE)" not in text and "Cipher is" in text, text


# `@SECLEVEL=0` lets the client offer ciphers that it disables by default.
OLD = ["-cipher", "ALL:@SECLEVEL=0"]


@pytest.mark.parametrize(
    ("profile", "version", "accepted"),
    [
        ("modern", "-tls1_3", True),
        ("modern", "-tls1_2", False),
        ("intermediate", "-tls1_3", True),
        ("intermediate", "-tls1_2", True),
        ("intermediate", "-tls1_1", False),
        ("intermediate", "-tls1", False),
        ("legacy", "-tls1_3", True),
        ("legacy", "-tls1_2", True),
        ("legacy", "-tls1_1", False),
        ("legacy", "-tls1", False),
        ("old", "-tls1_3", True),
        ("old", "-tls1_2", True),
        ("old", "-tls1_1", True),
        ("old", "-tls1", True),
    ],
)
def test_profile_determines_the_tls_versions(balancers, profile, version, accepted):
    done, text = s_client(balancers(profile), version, *(OLD if version != "-tls1_3" else []))
    assert done == accepted, text


@pytest.mark.parametrize(
    ("profile", "cipher", "accepted"),
    [
        ("intermediate", "ECDHE-RSA-AES128-GCM-SHA256", True),
        ("intermediate", "ECDHE-RSA-AES256-GCM-SHA384", True),
        ("intermediate", "ECDHE-RSA-CHACHA20-POLY1305", True),
        ("intermediate", "ECDHE-RSA-AES128-SHA256", False),
        ("intermediate", "ECDHE-RSA-AES256-SHA384", False),
        ("intermediate", "ECDHE-RSA-AES128-SHA", False),
        ("intermediate", "AES128-GCM-SHA256", False),
        ("intermediate", "AES128-SHA", False),
        ("legacy", "ECDHE-RSA-AES128-GCM-SHA256", True),
        ("legacy", "ECDHE-RSA-AES128-SHA256", True),
        ("legacy", "ECDHE-RSA-AES256-SHA384", True),
        ("legacy", "AES128-SHA", False),
        ("old", "AES128-SHA", True),
        ("old", "RC4-SHA", False),
        ("old", "NULL", False),
        ("old", "aNULL", False),
        ("legacy", "NULL", False),
        ("legacy", "aNULL", False),
    ],
)
def test_profile_determines_the_ciphers(balancers, profile, cipher, accepted):
    done, text = s_client(balancers(profile), "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    assert done == accepted, text


def negotiated_cipher(balancer, order):
    with balancer.connect(context=balancer.context(maximum=V12, ciphers=order)) as client:
        return client.tls.cipher()[0]


def test_server_prefers_aead_ciphers_to_cbc(balancers):
    """A client that offers the CBC cipher first still gets the AEAD one."""
    order = "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
    assert negotiated_cipher(balancers("legacy"), order) == "ECDHE-RSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("group", ["X25519", "prime256v1", "secp384r1"])
def test_usual_groups_are_accepted(balancers, group):
    done, text = s_client(balancers("intermediate"), "-tls1_3", "-groups", group)
    assert done, text


@pytest.mark.parametrize("group", ["secp521r1", "ffdhe2048"])
def test_other_groups_are_refused(balancers, group):
    done, text = s_client(balancers("intermediate"), "-tls1_3", "-groups", group)
    assert not done, text


def peer_name(balancer, server_name, authority):
    context = client_context(authority)
    context.check_hostname = False
    with balancer.connect(context=context, server_name=server_name) as client:
        names = [value for _, value in client.tls.getpeercert()["subjectAltName"]]
        assert client.get("/", host=names[0].replace("*", "a")).status == 200
        return names[0]


def test_certificate_depends_on_the_server_name(testbed, certificates):
    first, second = certificates.front, certificates.second
    wild = certificates.authority.issue("*.wild.test")
    pairs = [{"certificate": str(c.chain), "key": str(c.key)} for c in (first, second, wild)]
    balancer = testbed.balance(
        testbed.server(), service=["view.test", "other.test"], tls={"certificate": None, "key": None, "certificates": pairs}
    )
    authority = certificates.authority.certificate
    assert peer_name(balancer, "view.test", authority) == "view.test"
    assert peer_name(balancer, "other.test", authority) == "other.test"
    assert peer_name(balancer, "OTHER.test", authority) == "other.test"
    assert peer_name(balancer, "a.wild.test", authority) == "*.wild.test"
    assert peer_name(balancer, "a.b.wild.test", authority) == "view.test"
    assert peer_name(balancer, "unknown.test", authority) == "view.test"
    # Without a name.
    assert peer_name(balancer, None, authority) == "view.test"


@pytest.mark.parametrize("offers, selected", [
    (["h2", "http/1.1"], "http/1.1"), (["http/1.0", "http/1.1"], "http/1.1"), (["http/1.0"], "http/1.0"), ([], None)
])  # fmt: skip
def test_alpn_selects_what_is_served(balancers, offers, selected):
    balancer = balancers("intermediate")
    with balancer.connect(context=balancer.context(alpn=offers)) as client:
        assert client.tls.selected_alpn_protocol() == selected
        assert client.get("/").status == 200


def test_compression_and_renegotiation_are_disabled(balancers):
    done, text = s_client(balancers("intermediate"), "-tls1_2")
    assert done and "Compression: NONE" in text and "Secure Renegotiation IS supported" in text
    # The R command asks for a renegotiation.
    with subprocess.Popen(
        ["openssl", "s_client", "-connect", "{}:{}".format(*balancers("intermediate").endpoint), "-tls1_2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as client:  # fmt: skip
        for line in client.stdout:
            if "Verify return code" in line or "Extended master secret" in line:
                break
        client.stdin.write("R\n")
        client.stdin.flush()
        text = client.stdout.read()
    assert "RENEGOTIATING" in text and ("no renegotiation" in text.lower() or "handshake failure" in text.lower()), text
    assert balancers("intermediate").get("/").status == 200


@pytest.mark.parametrize("version", [V12, V13], ids=["TLS1.2", "TLS1.3"])
def test_session_is_resumed_by_ticket(balancers, version):
    balancer = balancers("intermediate")
    context = balancer.context(minimum=version, maximum=version)
    with balancer.connect(context=context) as client:
        assert not client.tls.session_reused
        assert client.get("/").status == 200
        session = client.tls.session
    for _ in range(5):
        with balancer.connect(context=context, session=session) as client:
            assert client.tls.session_reused
            assert client.get("/").status == 200
            session = client.tls.session


@pytest.mark.parametrize("profile", ["intermediate", "legacy"])
def test_session_without_tickets_is_resumed_by_its_id(testbed, profile):
    """As old View clients do: on every thread, and after a reload."""
    balancer = testbed.balance(testbed.server(), threads=4, tls={"profile": profile})
    context = balancer.context(maximum=V12)
    context.options |= ssl.OP_NO_TICKET
    with balancer.connect(context=context) as client:
        assert not client.tls.session_reused
        assert client.get("/").status == 200
        session = client.tls.session
    reused = []
    for round in range(24):
        if round == 12:
            balancer.reload()
        with balancer.connect(context=context, session=session) as client:
            assert client.get("/").status == 200
            reused.append(client.tls.session_reused)
    assert all(reused), reused


def test_session_id_of_a_former_worker_leads_to_a_full_handshake(testbed):
    balancer = testbed.balance(testbed.server())
    context = balancer.context(maximum=V12)
    context.options |= ssl.OP_NO_TICKET
    with balancer.connect(context=context) as client:
        assert client.get("/").status == 200
        session = client.tls.session
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    with balancer.connect(context=context, session=session) as client:
        assert not client.tls.session_reused
        assert client.get("/").status == 200


def test_tickets_are_accepted_on_every_thread(testbed):
    """Every event loop uses the same keys."""
    balancer = testbed.balance(testbed.server(), threads=4)
    context = balancer.context(maximum=V12)
    with balancer.connect(context=context) as client:
        assert client.get("/").status == 200
        session = client.tls.session
    reused = []
    for _ in range(24):
        with balancer.connect(context=context, session=session) as client:
            reused.append(client.tls.session_reused)
    assert all(reused), reused


def test_ticket_of_a_former_worker_leads_to_a_full_handshake(testbed):
    balancer = testbed.balance(testbed.server())
    context = balancer.context()
    with balancer.connect(context=context) as client:
        assert client.get("/").status == 200
        session = client.tls.session
    worker = balancer.worker
    os.kill(worker, signal.SIGKILL)
    balancer.wait_for_another_worker(worker)
    with balancer.connect(context=context, session=session) as client:
        assert client.get("/").status == 200


def test_tickets_can_be_switched_off(testbed):
    balancer = testbed.balance(testbed.server(), tls={"tickets": False})
    for version in (V12, V13):
        context = balancer.context(minimum=version, maximum=version)
        with balancer.connect(context=context) as client:
            assert client.get("/").status == 200
            session = client.tls.session
        if session is not None:
            with balancer.connect(context=context, session=session) as client:
                assert not client.tls.session_reused


def test_openssl_reconnects_with_its_ticket(balancers, tmp_path):
    saved = tmp_path / "session"
    done, text = s_client(balancers("intermediate"), "-tls1_2", "-sess_out", saved)
    assert done and "New, TLSv1.2" in text
    done, text = s_client(balancers("intermediate"), "-tls1_2", "-sess_in", saved)
    assert done and "Reused, TLSv1.2" in text, text
    openssl("sess_id", "-in", saved, "-noout", "-text")


def test_connection_ends_with_close_notify(balancers):
    with balancers("intermediate").connect() as client:
        assert client.get("/", "Connection: close").status == 200
        assert client.receive_to_end() == b"" and client.ended == "clean"


def test_close_notify_of_the_client_is_answered(balancers):
    with balancers("intermediate").connect() as client:
        assert client.get("/").status == 200
        client.finish()
        assert client.receive_to_end() == b"" and client.ended == "clean"


def test_request_before_close_notify_is_answered(balancers):
    """Half-close by an HTTP client: it has sent everything, and waits for the answer."""
    with balancers("intermediate").connect() as client:
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        client.finish()
        assert client.answer().status == 200
        assert client.receive_to_end() == b"" and client.ended == "clean"


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=["nothing", "a-byte", "half-a-hello"])
def test_incomplete_handshake_times_out(testbed, sent):
    balancer = testbed.balance(testbed.server(), timeouts={"tls-handshake": "1s"})
    with balancer.connect_plain() as client:
        client.send(sent)
        client.receive_to_end()
        assert client.ended
    assert balancer.get("/").status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 2000,
        b"\xff" * 20_000,
        b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000,
        b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x17\x03\x03\x00\x10" + b"x" * 16,
    ],
    ids=["zeros", "ones", "oversized-record", "sslv2", "alert", "data"],
)
def test_garbage_instead_of_a_handshake_is_disconnected(balancers, sent):
    balancer = balancers("intermediate")
    with balancer.connect_plain() as client:
        try:
            client.send(sent)
            # An unfinished record ends with the client's direction, not with the time-out.
            client.finish()
        except OSError:
            pass
        received = client.receive_to_end()
        assert client.ended
        # No byte, or an alert.
        assert received[:1] in (b"", b"\x15")
    assert balancer.get("/").status == 200


def test_modified_record_ends_the_connection(balancers):
    balancer = balancers("intermediate")
    with balancer.connect() as client:
        assert client.get("/").status == 200
        client.socket.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        with pytest.raises(ssl.SSLError):
            client.receive_to_end()
    assert balancer.get("/").status == 200


def test_reset_during_the_handshake_affects_no_other_client(balancers):
    balancer = balancers("intermediate")
    for _ in range(50):
        client = balancer.connect_plain()
        client.send(b"\x16\x03\x01\x02\x00\x01")
        client.reset()
    assert balancer.get("/").status == 200


def test_key_that_does_not_match_its_certificate_is_refused_at_start(testbed, certificates):
    balancer = testbed.balance(
        testbed.server(), start=False, tls={"certificate": str(certificates.front.chain), "key": str(certificates.second.key)}
    )
    assert "key" in balancer.refusal().lower()


def test_idle_connections_do_not_delay_busy_ones(balancers):
    """With a few hundred silent clients, others are served."""
    balancer = balancers("intermediate")
    idle = []
    try:
        for _ in range(150):
            idle.append(socket.create_connection(balancer.endpoint, timeout=20))
        wait_until(lambda: balancer.get("/").status == 200, "a served request")
    finally:
        for sock in idle:
            sock.close()
