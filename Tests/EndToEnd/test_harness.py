"""Processes that the tests start end with the tests, also when these are killed."""

import subprocess
import sys

from harness import ROOT
from harness.processes import die_with_parent, processes
from harness.waiting import wait_until

SCRIPT = """
import sys, time, types
from harness.nginx import Nginx
certificate = types.SimpleNamespace(chain=sys.argv[2], key=sys.argv[3])
print(Nginx("view01", sys.argv[1], certificate).start().process.pid, flush=True)
time.sleep(600)
"""


def living(session):
    return [pid for pid, (state, _, of) in processes().items() if of == session and state != "Z"]


def test_nginx_ends_with_the_tests_that_started_it(certificates, tmp_path):
    words = [sys.executable, "-c", SCRIPT, tmp_path, certificates.front.chain, certificates.front.key]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT / "Tests", preexec_fn=die_with_parent) as tests:
        session = int(tests.stdout.readline())
        # nginx listens before it has started its second process
        wait_until(lambda: len(living(session)) == 2, lambda: f"two processes of nginx, not {living(session)}")
        tests.kill()
    wait_until(lambda: not living(session), lambda: f"the end of {living(session)}")
