"""The files of `belvedere observe`: a fault is a warning for the service, and an error for `belvedere observe`."""

import re

import pytest
from harness.observer import Observer
from harness.service import belvedere

TOKEN = "0123456789abcdef\n"
CONSEQUENCE = "; `belvedere observe` can't start with it"


def write(path, contents, mode=0o600):
    path.write_bytes(contents)
    path.chmod(mode)
    return str(path)


def settings(fault, folder, certificate):
    """A configuration of `observe` with one fault, and what is said of it."""
    chain, key = certificate.chain.read_bytes(), certificate.key.read_bytes()
    token, file = folder / "token", folder / "file.pem"
    pair = {"certificate": str(certificate.chain), "key": str(certificate.key)}
    match fault:
        case "readable token":
            return {"token": write(token, TOKEN.encode(), 0o604), "tls": pair}, "every user of this machine may read the token"
        case "missing token":
            return {"token": str(token)}, "can't be read: No such file"
        case "short token":
            return {"token": write(token, b"0123456789abcde\n"), "tls": pair}, "has no token"
        case "long token":
            return {"token": write(token, b"x" * 2000)}, "can't be read: File too large"
        case "missing certificate":
            return {"tls": pair | {"certificate": str(file)}}, "can't be read: No such file"
        case "missing key":
            return {"token": write(token, TOKEN.encode()), "tls": pair | {"key": str(file)}}, "can't be read: No such file"
        case "readable key":
            return {"tls": pair | {"key": write(file, key, 0o604)}}, "every user of this machine may read the private key"
        case "readable key in the certificate's file":
            return {"tls": {"certificate": write(file, chain + key, 0o604)}}, "every user of this machine may read the private key"


@pytest.mark.parametrize(
    "fault",
    ["readable token", "missing token", "short token", "long token", "missing certificate", "missing key", "readable key",
     "readable key in the certificate's file"],
)  # fmt: skip
def test_a_fault_is_a_warning_of_check_reload_and_start_and_ends_observe(testbed, certificates, folder, fault):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    changes, reason = settings(fault, folder, certificates.authority.issue("lb1.test"))
    balancer.configuration["observe"] |= changes
    balancer.start().wait_until_serving()
    pattern = rf"belvedere\.yaml:\d+:\d+: warning: .*{reason}.*{CONSEQUENCE}"
    balancer.wait_for_log(pattern.replace("warning: ", ""))
    check = belvedere("check", "-c", balancer.file)
    assert check.returncode == 0 and re.search(pattern, check.stderr), check.stderr
    reload = balancer.call("reload")
    assert (reload.returncode, reload.stdout) == (0, "configuration 2 is in use\n")
    assert re.search(pattern, reload.stderr), reload.stderr
    assert balancer.get("/").status == 200
    run = belvedere("observe", "--configuration", balancer.file, "--socket", observer.socket)
    assert run.returncode == 1 and re.search(reason, run.stderr), run.stderr


@pytest.mark.once
def test_files_without_a_fault_are_no_warning(testbed, certificates, folder):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer, authority=certificates.authority.certificate)
    pair = certificates.authority.issue(f"IP:{observer.address}")
    tls = {"certificate": str(pair.chain), "key": str(pair.key)}
    balancer.configuration["observe"] |= {"token": write(folder / "token", TOKEN.encode()), "tls": tls}
    balancer.start().wait_until_serving()
    try:
        observer.start()
        assert "can't start" not in balancer.log + belvedere("check", "-c", balancer.file).stderr
        assert observer.ask().status == 401
        assert observer.ask(Authorization=f"Bearer {TOKEN.strip()}").status == 200
    finally:
        observer.stop()


@pytest.mark.once
@pytest.mark.parametrize("changes", [
    {"token": "credential:belvedere-observe.token"}, {"tls": {"certificate": "credential:belvedere-observe.pem"}},
])  # fmt: skip
def test_observe_by_hand_says_that_it_has_no_credentials(testbed, changes):
    balancer = testbed.balance(testbed.server("view01"), start=False)
    observer = Observer(balancer)
    balancer.configuration["observe"] |= changes
    balancer.write()
    run = belvedere("observe", "--configuration", balancer.file, "--socket", observer.socket)
    assert run.returncode == 1
    assert re.search(r"credential:\S+ is passed by systemd to belvedere-observe.service only; give the path of a file", run.stderr), run.stderr
