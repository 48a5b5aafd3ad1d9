"""Names of TLS that are set apart from a profile, and names for which a client gets no handshake."""

import json
import ssl
import subprocess

import pytest
from harness.belvedere import endpoint_text
from harness.client import connect_tls
from harness.tracing import Trace
from harness.waiting import client_addresses, free_port

pytestmark = pytest.mark.memory

RSA_ONLY = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA256"]


@pytest.fixture(scope="module")
def pairs(certificates):
    """A configuration's certificates: RSA and ECDSA for one name."""
    ecdsa, rsa = certificates.front, certificates.rsa
    several = [{"certificate": str(made.chain), "key": str(made.key)} for made in (ecdsa, rsa)]
    return {"certificate": None, "key": None, "certificates": several}


def s_client(endpoint, *arguments, name="view.test"):
    """Whether openssl s_client completes a handshake, and its output."""
    address, port = endpoint
    host = f"[{address}]" if ":" in address else address
    named = ["-servername", name] if name else ["-noservername"]
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", *named, *arguments],
        input="", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    text = done.stdout + done.stderr
    return "Cipher is" in text and "Cipher is (NONE)" not in text, text


def curl(balancer, *arguments, host="view.test"):
    """curl's exit code for a request; 35 is a failed handshake."""
    port = balancer.port
    return subprocess.run(
        ["curl", "--silent", "--insecure", "--output", "/dev/null", *arguments, f"https://{host}:{port}/"]
        + ["--resolve", f"{host}:{port}:{balancer.address}"],
        timeout=60,
    ).returncode


def ciphers(*names):
    return ["-tls1_2", "-cipher", ":".join(names) + ":@SECLEVEL=0"]


def test_named_ciphers_replace_those_of_the_profile(testbed, pairs):
    tls = {**pairs, "ciphers": [*RSA_ONLY, "ECDHE-ECDSA-AES256-GCM-SHA384"], "cipher-suites": ["TLS_AES_256_GCM_SHA384"]}
    balancer = testbed.balance(testbed.server(), tls=tls)
    for name in tls["ciphers"]:
        assert s_client(balancer.endpoint, *ciphers(name))[0], name
    # The profile has the first; the second is named by no list.
    for name in ("ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"):
        assert not s_client(balancer.endpoint, *ciphers(name))[0], name
    # In the file's order, not the client's.
    assert f"Cipher is {RSA_ONLY[0]}" in s_client(balancer.endpoint, *ciphers(*reversed(RSA_ONLY)))[1]
    assert s_client(balancer.endpoint, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")[0]
    assert not s_client(balancer.endpoint, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")[0]
    assert curl(balancer, "--tls-max", "1.2", "--ciphers", RSA_ONLY[0]) == 0
    assert curl(balancer, "--tls-max", "1.2", "--ciphers", "ECDHE-RSA-CHACHA20-POLY1305") == 35


def test_named_groups_and_signature_algorithms_replace_those_of_the_profile(testbed, pairs):
    algorithms = ["rsa_pss_rsae_sha384", "ecdsa_secp256r1_sha256"]
    tls = {**pairs, "groups": ["P-384", "P-521"], "signature-algorithms": algorithms}
    balancer = testbed.balance(testbed.server(), tls=tls)
    for version in ("-tls1_2", "-tls1_3"):
        for group, accepted in (("P-384", True), ("P-521", True), ("X25519", False), ("P-256", False)):
            done, text = s_client(balancer.endpoint, version, "-groups", group, "-sigalgs", "RSA-PSS+SHA384")
            assert done == accepted, (version, group, text)
        for name, accepted in (
            ("RSA-PSS+SHA384", True), ("RSA-PSS+SHA256", False), ("ECDSA+SHA256", True), ("ECDSA+SHA512", False),
        ):  # fmt: skip
            done, text = s_client(balancer.endpoint, version, "-sigalgs", name)
            assert done == accepted, (version, name, text)


def test_restrictions_change_by_a_reload_and_end_the_sessions_under_others(testbed):
    balancer = testbed.balance(testbed.server())
    context = balancer.context(maximum=ssl.TLSVersion.TLSv1_2)

    def resumes(session):
        with balancer.connect(context=context, session=session) as client:
            assert client.get("/").status == 200
            return client.tls.session_reused, client.tls.session

    session = resumes(None)[1]
    assert resumes(session)[0]
    balancer.reload({"tls": {"ciphers": ["ECDHE-ECDSA-AES256-GCM-SHA384"]}})
    is_resumed, session = resumes(session)
    assert not is_resumed and resumes(session)[0]
    balancer.reload({"tls": {"ciphers": None, "minimum-version": "TLSv1.3"}})
    assert not s_client(balancer.endpoint, "-tls1_2")[0] and s_client(balancer.endpoint, "-tls1_3")[0]
    assert curl(balancer, "--tls-max", "1.2") == 35 and curl(balancer) == 0
    balancer.reload({"tls": {"minimum-version": None, "tickets": False}})
    for version in ("-tls1_2", "-tls1_3"):
        assert "Reused" not in s_client(balancer.endpoint, version, "-reconnect")[1]


def test_lists_without_a_handshake_for_the_certificate_are_refused(testbed, certificates):
    rsa = certificates.rsa
    own = {"certificate": str(rsa.chain), "key": str(rsa.key)}
    balancer = testbed.balance(testbed.server(), tls=own)
    wrong = {"tls": {**own, "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"]}}
    words = "has a key of type RSA, with which no handshake of TLSv1.2 is possible: change `ciphers`"
    answer = balancer.write(wrong).call("reload")
    assert answer.returncode == 1 and words in answer.stdout + answer.stderr, answer
    assert s_client(balancer.endpoint, *ciphers("ECDHE-RSA-AES128-GCM-SHA256"))[0]
    checked = balancer.call_plainly("check", "--configuration", balancer.file)
    assert checked.returncode == 1 and words in checked.stdout + checked.stderr, checked
    balancer.stop()
    assert words in balancer.refusal()


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_names_get_no_handshake_if_they_are_refused_or_unknown(testbed, certificates, family):
    wild = certificates.authority.issue("*.wild.test", names=["view.test", "*.wild.test"])
    tls = {"certificate": str(wild.chain), "key": str(wild.key), "refuse-names": ["old.wild.test", "*.b.test"]}
    balancer = testbed.balance(testbed.server(), tls=tls, start=False)
    endpoint = balancer.endpoint
    if family == "IPv6":
        endpoint = ("::1", free_port("::1"))
        listen = [endpoint_text(*balancer.endpoint), endpoint_text(*endpoint)]
        balancer.write({"listen": listen})
    balancer.start().wait_until_serving()
    refused = ["old.wild.test", "OLD.wild.test", "a.b.test"]
    unknown = ["elsewhere.test", "a.c.wild.test", None]
    known = ["view.test", "a.wild.test", "b.test"]
    alert = "unrecognized name"
    for name in refused:
        done, text = s_client(endpoint, name=name)
        assert not done and alert in text, text
        assert not s_client(endpoint, "-tls1_2", name=name)[0]
    for name in known[:2] + unknown:
        assert s_client(endpoint, name=name)[0], name
    balancer.reload({"tls": {"unknown-names": "refuse"}, "requests": {"hosts": ["b.test"]}})
    for name in refused + unknown:
        done, text = s_client(endpoint, name=name)
        assert not done and alert in text and "BEGIN CERTIFICATE" not in text, text
    for name in known:
        assert s_client(endpoint, name=name)[0], name
    balancer.wait_for_counts("handshakes.failures", name=12)
    balancer.reload({"tls": {"unknown-names": "serve", "refuse-names": None}})
    for name in refused + unknown + known:
        assert s_client(endpoint, name=name)[0], name


def test_refused_name_is_counted_traced_and_logged_with_its_reason(testbed):
    balancer = testbed.balance(testbed.server(), tls={"unknown-names": "refuse"}, log={"level": "debug"})
    [source] = client_addresses(1)
    with Trace(balancer, source) as trace:
        with pytest.raises(ssl.SSLError):
            balancer.connect(source, server_name="elsewhere.test")
        trace.wait_for("handshake-failed", count=1)
        [event] = [event for event in trace.events if event["event"] == "handshake-failed"]
        assert event["reason"] == "neither the service nor a certificate has the name elsewhere.test (tls.unknown-names)"
    balancer.wait_for_log("TLS handshake with .* failed: neither the service nor a certificate has the name elsewhere.test")
    balancer.wait_for_counts("handshakes.failures", name=1)
    assert curl(balancer, host="elsewhere.test") == 35 and curl(balancer) == 0
    # A resumed session does not help.
    with balancer.connect() as client:
        assert client.get("/").status == 200
        session = client.tls.session
    context = client.tls.context
    with pytest.raises(ssl.SSLError):
        connect_tls(balancer.endpoint, context, server_name="elsewhere.test", session=session)


def test_restrictions_apply_towards_servers(testbed):
    modern, plain = testbed.server("modern"), testbed.server("plain")
    plain._context.maximum_version = ssl.TLSVersion.TLSv1_2
    balancer = testbed.balance(modern, plain, **{"server-tls": {"minimum-version": "TLSv1.3"}})
    balancer.wait_for_state("modern", "up")
    balancer.wait_for_state("plain", "down")
    assert balancer.get("/").status == 200
    assert modern.requests[-1].stream.tls.version() == "TLSv1.3"
    # Its certificate has an ECDSA key.
    balancer.reload({"server-tls": {"minimum-version": None, "ciphers": ["ECDHE-ECDSA-AES256-GCM-SHA384"]}})
    balancer.wait_for_state("plain", "up")
    balancer.reload({"server-tls": {"ciphers": ["ECDHE-RSA-AES256-GCM-SHA384"]}})
    balancer.wait_for_state("plain", "down")


def test_check_warns_of_names_that_come_to_another_service(testbed, certificates):
    balancer = testbed.balance(testbed.server(), start=False)
    own = {"certificate": str(certificates.front.chain), "key": str(certificates.front.key)}
    entry = {"view01": {"address": "192.0.2.9", "trust": "insecure-no-verification"}}

    def check(first, second, port=8443):
        services = {
            name: {"service": f"{name}.test", "listen": endpoint_text(balancer.address, place), "redirect": "off", "servers": entry, "tls": own | tls}
            for name, tls, place in (("view", first, 8443), ("cards", second, port))
        }
        balancer.file.write_text(json.dumps({"services": services}))
        return " ".join(balancer.call_plainly("check", "--configuration", balancer.file).stderr.split())

    refusing = {"unknown-names": "refuse"}, {"refuse-names": ["old.test"]}
    for tls in refusing:
        [key] = tls
        assert f"`{key}` does nothing on `{balancer.address}:8443`" in check({}, tls)
        assert "does nothing" not in check(tls, {}) and "does nothing" not in check({}, tls, port=8444)
