"""The journal's native protocol: in a mount namespace a socket of the test replaces the journal's."""

import json
import subprocess
import sys

import pytest
from harness.service import binary

pytestmark = [pytest.mark.threads, pytest.mark.memory]

# Takes the journal's place, starts the balancer with its log connected to it, and prints the entries that come until
# one matches; then ends the balancer.
JOURNAL = """
import json, os, signal, socket, subprocess, sys
program, configuration, log, wanted = sys.argv[1:]
os.makedirs("/run/systemd/journal")
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
journal.settimeout(60)
with open(log, "ab") as stderr:
    stream = os.fstat(stderr.fileno())
    balancer = subprocess.Popen(
        [program, "run", "--configuration", configuration], stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
        env={**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"})
try:
    while True:
        entry = journal.recv(65536).decode()
        print(json.dumps(dict(line.split("=", 1) for line in entry.splitlines() if "=" in line)), flush=True)
        if wanted in entry:
            break
finally:
    balancer.send_signal(signal.SIGTERM)
    sys.exit(balancer.wait())
"""


def test_log_goes_to_the_journal_with_its_fields(testbed):
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    balancer = testbed.balance(testbed.server(), start=False)
    balancer.write()
    told = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh",
         sys.executable, "-c", JOURNAL, str(binary()), str(balancer.file), str(balancer.log_file), "the worker is ready"],
        capture_output=True, text=True, timeout=120,
    )
    assert told.returncode == 0, told.stderr + balancer.log
    entries = [json.loads(line) for line in told.stdout.splitlines()]
    ready = entries[-1]
    assert "the worker is ready" in ready["MESSAGE"]
    assert ready["PRIORITY"] == "5" and ready["SYSLOG_IDENTIFIER"] == "belvedere"
