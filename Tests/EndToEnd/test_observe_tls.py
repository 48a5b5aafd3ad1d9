"""`belvedere observe` over https, with a certificate of its own, and its readiness."""

import re
import socket
import ssl
import subprocess
import threading
import time
import warnings

import pytest
from harness.browser import Browser
from harness.observer import Observer, observers
from harness.prometheus import Prometheus
from harness.service import belvedere
from harness.waiting import TIMEOUT, wait_until


@pytest.fixture
def encrypted(testbed, certificates):
    """Starts a balancer and its observer with a certificate for its address; `settings` are of `observe`."""
    with observers() as begin:

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
            return begin(observer)

        yield start


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
    assert curl(observer, "/metrics")[0] == 60  # An authority that curl does not know.
    status, text = curl(observer, "/metrics", scheme="http")
    assert status == 0 and text == "400 Bad Request: this port speaks TLS: use https\n"


@pytest.mark.parametrize(("version", "is_spoken"), [("TLSv1", False), ("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_old_versions_of_tls_are_refused(encrypted, version, is_spoken):
    _, observer = encrypted()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(observer.balancer.certificates.authority.certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    plain = socket.create_connection(observer.endpoint, timeout=TIMEOUT)
    try:
        with context.wrap_socket(plain, server_hostname=observer.address) as client:
            assert is_spoken and client.version().replace(".", "_") in (version, version + "_0")
    except ssl.SSLError as error:
        assert not is_spoken and error.reason == "TLSV1_ALERT_PROTOCOL_VERSION"
        pattern = "observe: the client 127.0.0.1: the TLS handshake failed: "
        wait_until(lambda: pattern in observer.log, lambda: f"the reason:\n{observer.log}")


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


@pytest.mark.parametrize("is_inside", [True, False])
def test_other_networks_get_no_handshake(encrypted, is_inside):
    _, observer = encrypted(networks=["127.0.0.0/8" if is_inside else "127.250.0.0/24"])
    if is_inside:
        assert observer.ask().status == 200
        return
    with socket.create_connection(observer.endpoint, timeout=TIMEOUT) as client:
        try:
            client.sendall(b"\x16\x03\x01")
            assert client.recv(1) == b""
        except ConnectionError:
            pass
    pattern = "observe: the client 127.0.0.1: is not in `networks`"
    wait_until(lambda: pattern in observer.log, lambda: f"the reason:\n{observer.log}")


def test_an_address_that_connects_without_end_takes_no_place_of_others(encrypted):
    _, observer = encrypted()
    observer.wait_until_up()
    ends = threading.Event()

    def flood():
        held = []
        while not ends.is_set():
            client = socket.socket()
            try:
                client.bind(("127.0.0.9", 0))
                client.settimeout(TIMEOUT)
                client.connect(observer.endpoint)
            except OSError:
                continue
            held = (held + [client])[-200:]

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert observer.ask().status == 200
    finally:
        ends.set()
        for thread in threads:
            thread.join()


@pytest.mark.once
def test_prometheus_takes_the_certificate_and_a_token(encrypted, certificates, tmp_path):
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


@pytest.mark.once
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


@pytest.mark.parametrize("secret", ["private key", "token"])
def test_a_secret_that_every_user_may_read_is_refused(testbed, certificates, folder, secret):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    certificate = certificates.authority.issue("lb1.test")
    key, token = folder / "lb1.key", folder / "token"
    key.write_bytes(certificate.key.read_bytes())
    token.write_text("0123456789abcdef\n")
    open_one = key if secret == "private key" else token
    for file in key, token:
        file.chmod(0o604 if file == open_one else 0o600)
    balancer.configuration["observe"] |= {"tls": {"certificate": str(certificate.chain), "key": str(key)}, "token": str(token)}
    balancer.write()
    run = belvedere("observe", "--configuration", balancer.file, "--socket", observer.socket)
    assert run.returncode == 1, run.stderr
    assert f"every user of this machine may read the {secret}: `chmod o= {open_one}`" in run.stderr


def test_credentials_of_the_observer_are_no_warnings_of_check(testbed):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    Observer(balancer)
    balancer.configuration["observe"] |= {
        "token": "credential:belvedere-observe.token",
        "tls": {"certificate": "credential:belvedere-observe.pem", "key": "credential:belvedere-observe.key"},
    }  # fmt: skip
    balancer.write()
    run = belvedere("check", "-c", balancer.file)
    assert run.returncode == 0 and "credential" not in run.stdout + run.stderr


@pytest.fixture
def manager(monkeypatch, tmp_path):
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(TIMEOUT)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield manager


def test_systemd_is_not_notified_when_a_port_is_taken(testbed, manager):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    balancer.write()
    with socket.create_server(observer.endpoint):
        run = belvedere("observe", "--configuration", balancer.file, "--socket", observer.socket)
        assert run.returncode == 1, run.stderr
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


def test_systemd_is_notified_once_connections_are_accepted_and_it_is_confined(testbed, manager):
    """So that `curl` right after `systemctl enable --now belvedere-observe` is answered."""
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    balancer.write()
    try:
        observer.start(wait=False)
        assert manager.recv(4096) == b"READY=1"
        facts = open(f"/proc/{observer.process.pid}/status").read()
        # The log is written by another thread.
        wait_until(lambda: "\nSeccomp:\t2\n" in facts or "not in a build with a sanitizer" in observer.log, facts)
        assert observer.ask().status == 200
    finally:
        observer.stop()
