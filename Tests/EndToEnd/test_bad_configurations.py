"""Invalid configurations, and the diagnostics of `check` and `run`."""

import re

import pytest
from harness.service import belvedere, binary

pytestmark = [pytest.mark.once, pytest.mark.memory]

GOOD = """\
service: view.test
tls: {{ certificate: {chain}, key: {key} }}
servers:
  view01: 192.0.2.1
"""


@pytest.fixture(autouse=True)
def needs_binary():
    if binary() is None:
        pytest.skip("no binary: build belvedere, or name one in BELVEDERE")


def write(tmp_path, certificates, text):
    file = tmp_path / "belvedere.yaml"
    file.write_text(text.format(chain=certificates.front.chain, key=certificates.front.key))
    return file


def test_every_problem_is_reported_at_once_with_its_place(tmp_path, certificates):
    text = GOOD.replace("service:", "servise:") + "timeouts:\n  conect: 5s\n  server: 5\n  client: never\nretries: -1\n"
    file = write(tmp_path, certificates, text)
    done = belvedere("check", "--configuration", file)
    assert done.returncode == 1
    output = done.stdout + done.stderr
    for place, word in [
        (f"{file}:1:1", "servise"),
        (f"{file}:6:3", "conect"),
        (f"{file}:7:11", "unit"),
        (f"{file}:8:11", "never"),
        (f"{file}:9:10", "-1"),
    ]:
        line = next((line for line in output.splitlines() if place in line), None)
        assert line is not None and word in line, f"{place} {word}\n{output}"
    assert "`service`" in output and "`connect`" in output


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("empty", "", "service|servers|empty"),
        ("not YAML", "service: [", ":\\d+:\\d+"),
        ("unknown server key", GOOD.replace("192.0.2.1", "{{ address: 192.0.2.1, wieght: 2 }}"), "weight"),
        ("certificate that is not there", GOOD.replace("{chain}", "/nowhere/view.pem"), "/nowhere/view.pem"),
        ("key that does not fit", GOOD.replace("{key}", "{chain}"), "key"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) and len(value) < 40 else "",
)  # fmt: skip
def test_invalid_file_is_refused_with_status_1(tmp_path, certificates, name, text, words):
    file = write(tmp_path, certificates, text)
    for command in (["check"], ["run"]):
        done = belvedere(*command, "--configuration", file)
        assert done.returncode == 1, (command, done.returncode, done.stderr)
        output = done.stdout + done.stderr
        assert re.search(words, output), output
        assert str(file) in output


def test_address_that_is_not_on_this_machine_is_accepted(testbed):
    """With IP_FREEBIND: the virtual address may be on the other node."""
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.configuration["listen"] = [balancer.configuration["listen"], "192.0.2.1:8443"]
    balancer.configuration["redirect"] = "off"
    balancer.start().wait_until_serving()
    assert balancer.get("/").status == 200
