"""`belvedere observe` beside a balancer, and what it answers."""

import contextlib
import http.client
import json
import re
import socket
import ssl
from pathlib import Path

from .program import Program
from .waiting import TIMEOUT, free_port, fresh_address, wait_until

SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """The samples of a text."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SAMPLE.fullmatch(line).groups()
            key = name, frozenset(LABEL.findall(labels or ""))
            assert key not in self.samples, f"twice: {line}"
            self.samples[key] = float(value)

    def get(self, name, **labels):
        """The value of a sample of Belvedere; None if there is no such sample."""
        return self.samples.get((f"belvedere_{name}", frozenset(labels.items())))

    @property
    def names(self):
        return {name for name, _ in self.samples}


def wait_for_reports(balancer, count):
    """Until the service has made so many further reports, whether or not they can be sent.

    Its thread that sends them waits for each, and for a lock at most once more.
    """

    def waits():
        for task in Path(f"/proc/{balancer.process.pid}/task").iterdir():
            if (task / "comm").read_text() == "observer\n":
                return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
        raise AssertionError("the service has no thread that sends reports")

    before = waits()
    wait_until(lambda: waits() >= before + 2 * count, "another report")


class Observer(Program):
    """Reads the balancer's configuration, which has the section `observe`. It listens on a new address of this machine,
    or on `address`, which is a node's. `authority`: the file with the authority of its certificate, for https."""

    def __init__(self, balancer, address=None, authority=None):
        super().__init__(balancer.directory / "observer-log")
        self.balancer = balancer
        self.context = ssl.create_default_context(cafile=authority) if authority else None
        self.socket = balancer.directory / "observer"
        self.address = address or fresh_address()
        self.port = 9350 if address else free_port(self.address)
        balancer.options += ["--observer", self.socket]
        balancer.configuration.setdefault("observe", {})["listen"] = f"{self.address}:{self.port}"

    def start(self, *, wait=True):
        self.launch(
            self.balancer.command("observe", "--configuration", self.balancer.file, "--socket", self.socket)
        )
        if wait:
            self.wait_for_listener(self.address, self.port)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            assert self.wait() == 0, self.log
        self.assert_no_crash()

    def report(self, report):
        """A connection as the service's, with this report."""
        service = socket.socket(socket.AF_UNIX)
        service.settimeout(TIMEOUT)
        service.connect(str(self.socket))
        service.sendall(json.dumps({"ok": True, "status": report, "version": 1}).encode() + b"\n")
        return service

    @property
    def endpoint(self):
        return self.address, self.port

    def ask(self, path="/metrics", method="GET", **fields):
        """The answer to a request on a connection of its own, read to its end; `_` in fields stands for `-`."""
        if self.context:
            client = http.client.HTTPSConnection(self.address, self.port, timeout=TIMEOUT, context=self.context)
        else:
            client = http.client.HTTPConnection(self.address, self.port, timeout=TIMEOUT)
        try:
            client.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
            answer = client.getresponse()
            answer.text = answer.read().decode()
            return answer
        finally:
            client.close()

    @property
    def metrics(self):
        answer = self.ask()
        assert answer.status == 200, answer.text
        return Metrics(answer.text)

    def wait_for(self, condition, what):
        """The metrics, once the condition holds for them."""

        def holds():
            metrics = self.metrics
            return metrics if condition(metrics) else None

        return wait_until(holds, lambda: f"{what}:\n{self.metrics.text}\n{self.log}")

    def wait_until_up(self):
        return self.wait_for(lambda metrics: metrics.get("up") == 1, "a report")


@contextlib.contextmanager
def observers():
    """A function that starts an observer after its balancer and returns both; in the end the observers are stopped."""
    begun = []

    def start(observer):
        begun.append(observer)
        observer.balancer.start().wait_until_serving()
        return observer.balancer, observer.start()

    yield start
    for observer in begun:
        observer.stop()
