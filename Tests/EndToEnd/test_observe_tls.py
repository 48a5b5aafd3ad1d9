"""`belvedere observe` over https, with a certificate of its own, and its readiness."""

import re
import socket
import ssl
import subprocess
import time

import pytest
from harness.browser import Browser
from harness.observer import Observer
from harness.prometheus import Prometheus
from harness.service import belvedere
from harness.waiting import TIMEOUT, wait_until


@pytest.fixture
def encrypted(testbed, certificates):
    """Starts a balancer and its observer with a certificate for its address; `settings` are of `observe`."""
    observers = []

    def start(*, split=True, end="20480101000000Z", **settings):
        balancer = testbed.balance(testbed.server("view01"), start=False)
        observer = Observer(balancer, authority=certificates.authority.certificate)
        certificate = certificates.authority.issue(f"IP:{observer.address}", end=end)
        files = {"certificate": str(certificate.chain), "key": str(certificate.key)}
        if not split:
            one = certificate.chain.with_suffix(".both")
            one.write_text(certificate.key.read_text() + certificate.chain.read_text())
            one.chmod(0o600)
            files = {"certificate": str(one)}
        balancer.configuration["observe"] |= {"tls": files, **settings}
        observers.append(observer)
        balancer.start().wait_until_serving()
        observer.start()
        return balancer, observer

    yield start
    for observer in observers:
        observer.stop()


def curl(observer, path, *options, scheme="https"):
    """The exit status of curl, and what it has printed."""
    run = subprocess.run(
        ["curl", "-sS", "-m", "30", *options, f"{scheme}://{observer.address}:{observer.port}{path}"],
        capture_output=True, text=True,
    )  # fmt: skip
    return run.returncode, run.stdout


def test_metrics_and_page_go_by_https_only(encrypted, certificates):
    _, observer = encrypted()
    trust = "--cacert", str(certificates.authority.certificate)
    observer.wait_until_up()
    status, text = curl(observer, "/metrics", *trust)
    assert status == 0 and "\nbelvedere_up 1\n" in text
    status, text = curl(observer, "/", *trust, "--tlsv1.3")
    assert status == 0 and "<!doctype html>" in text.lower()
    # Two requests on a connection.
    status, text = curl(observer, "/metrics", *trust, f"https://{observer.address}:{observer.port}/other")
    assert status == 0 and "metrics are at /metrics\n" in text and "\nbelvedere_up 1\n" in text
    for options in (("--tls-max", "1.1"), ("--ciphers", "DEFAULT@SECLEVEL=0:RC4", "--tls-max", "1.2"), ()):
        assert curl(observer, "/metrics", *options)[0] != 0
    assert curl(observer, "/metrics", scheme="http")[0] in (52, 56)


def test_a_stream_of_events_goes_on_over_tls(encrypted):
    _, observer = encrypted(split=False)
    plain = socket.create_connection(observer.endpoint, timeout=TIMEOUT)
    with observer.context.wrap_socket(plain, server_hostname=observer.address) as client:
        client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while received.count(b"event: report") < 3:
            part = client.recv(65536)
            assert part, received
            received += part


def test_large_answers_are_whole_however_slowly_they_are_read(encrypted):
    _, observer = encrypted()
    observer.wait_until_up()
    plain = socket.socket()
    plain.settimeout(TIMEOUT)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(observer.endpoint)
    with observer.context.wrap_socket(plain, server_hostname=observer.address) as client:
        # More than the sockets hold, and each is read to its end.
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 15 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while part := client.recv(1000):
            received += part
    answers = received.split(b"HTTP/1.1 200 OK\r\n")[1:]
    bodies = {answer.split(b"\r\n\r\n", 1)[1] for answer in answers}
    assert len(answers) == 16 and len(bodies) == 1 and bodies.pop().endswith(b"</html>\n")


def test_handshakes_that_are_not_finished_do_not_hinder_a_scrape(encrypted):
    balancer, observer = encrypted()
    observer.wait_until_up()
    hello = ssl.MemoryBIO()
    handshake = observer.context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname=observer.address)
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello = hello.read()
    hostile = [socket.create_connection(observer.endpoint, timeout=TIMEOUT) for _ in range(100)]
    try:
        for number, client in enumerate(hostile):
            try:
                client.sendall([b"", hello[:50], hello, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" * 100][number % 5])
            except OSError:
                pass  # It made room for a later one.
        assert observer.ask().status == 200
        assert balancer.get("/").status == 200
        # Each ends with its time limit.
        for client in hostile[-5:]:
            try:
                while client.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    finally:
        for client in hostile:
            client.close()
    assert observer.ask().status == 200


def test_other_networks_get_no_handshake(encrypted):
    _, observer = encrypted(networks=["127.250.0.0/24"])
    with socket.create_connection(observer.endpoint, timeout=TIMEOUT) as client:
        with pytest.raises((ssl.SSLError, OSError)):
            observer.context.wrap_socket(client, server_hostname=observer.address)


def test_prometheus_and_chromium_take_the_certificate_and_a_token(encrypted, certificates, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    _, observer = encrypted(token=str(token))
    assert observer.ask().status == 401
    prometheus = Prometheus(
        tmp_path, {"belvedere": (*observer.endpoint, "/metrics")}, scheme="https",
        tls_config={"ca_file": str(certificates.authority.certificate)}, authorization={"credentials_file": str(token)},
    )  # fmt: skip
    try:
        wait_until(lambda: prometheus.query("belvedere_up == 1"), lambda: f"a scrape: {prometheus.ask('targets')}")
    finally:
        prometheus.destroy()


def test_page_is_live_over_https(encrypted, tmp_path):
    _, observer = encrypted()
    browser = Browser(tmp_path, "--ignore-certificate-errors")
    try:
        browser.open(f"https://{observer.address}:{observer.port}/")
        wait_until(lambda: "view01" in (browser.value("document.body.innerText") or ""), "the server on the page")
        assert browser.faults == []
    finally:
        browser.close()


def test_certificate_that_expires_is_in_the_log_the_metrics_and_check(encrypted):
    ends = time.time() + 5 * 86_400 + 3_600
    balancer, observer = encrypted(end=time.strftime("%Y%m%d%H%M%SZ", time.gmtime(ends)))
    assert abs(observer.wait_until_up().get("observer_certificate_not_after_timestamp_seconds") - ends) < 5
    pattern = r"the certificate for \S+ in \S+ expires in 5 days; renew it, then run 'systemctl restart belvedere-observe'"
    wait_until(lambda: re.search(pattern, observer.log), lambda: f"the warning:\n{observer.log}")
    run = belvedere("check", "-c", balancer.file)
    assert run.returncode == 0
    assert re.search(r":\d+:\d+: warning: .*expires in 5 days; renew it, then run 'systemctl restart belvedere-observe'", run.stdout + run.stderr)


def test_certificate_that_can_not_be_used_is_named_by_check_and_at_the_start(testbed, certificates, tmp_path):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    first, other = (certificates.authority.issue(name) for name in ("lb1.test", "lb2.test"))

    def attempt(chain, key, reason):
        balancer.configuration["observe"]["tls"] = {"certificate": str(chain), "key": str(key)}
        balancer.write()
        check = belvedere("check", "-c", balancer.file)
        told = check.stdout + check.stderr
        # The service works without it.
        assert check.returncode == 0, told
        assert re.search(rf":\d+:\d+: warning: .*{reason}.*; `belvedere observe` can't start with it", told), told
        run = belvedere("observe", "--configuration", balancer.file, "--socket", observer.socket)
        assert run.returncode == 1 and re.search(reason, run.stderr), run.stderr

    attempt(first.chain, other.key, "key")
    attempt(tmp_path / "absent.pem", first.key, "can't be read")
    attempt(first.chain, tmp_path / "absent.key", "can't be read")
    (tmp_path / "text.pem").write_text("text\n")
    attempt(tmp_path / "text.pem", first.key, "no certificate")
    balancer.start().wait_until_serving()


def test_systemd_is_notified_once_connections_are_accepted(testbed, monkeypatch, tmp_path):
    """So that `curl` right after `systemctl enable --now belvedere-observe` is answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(TIMEOUT)
        balancer = testbed.balance(testbed.server("view01"))
        observer = Observer(balancer)
        balancer.write()
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        try:
            observer.start(wait=False)
            assert manager.recv(4096) == b"READY=1"
            assert observer.ask().status == 200
        finally:
            observer.stop()
