"""A running `belvedere trace`."""

import json
import signal
import subprocess

from .service import binary
from .waiting import wait_until


class Trace:
    def __init__(self, balancer, *words, cookie=None, json=True, **options):
        command = [binary(), "trace", *words, "--control", balancer.control, *(["--json"] if json else [])]
        number = len(list(balancer.directory.glob("trace-*.out")))
        self.output, self.errors = (balancer.directory / f"trace-{number}.{end}" for end in ("out", "err"))
        with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=errors, **options)
        if cookie:
            self.process.stdin.write(cookie.encode() + b"\n")
        self.process.stdin.close()

    def __enter__(self):
        wait_until(lambda: "Ctrl-C ends it" in self.said or self.process.poll() is not None, "the trace's beginning")
        assert self.process.poll() is None, self.said
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def said(self):
        return self.errors.read_text()

    @property
    def lines(self):
        """Complete lines."""
        return [line for line in self.output.read_text().split("\n")[:-1]]

    @property
    def events(self):
        return [json.loads(line) for line in self.lines]

    def found(self, kind, facts):
        return [
            event for event in self.events if event["event"] == kind and all(event.get(k) == v for k, v in facts.items())
        ]

    def wait_for(self, kind, count=1, **facts):
        """The events with these facts, once there are as many."""
        wait_until(
            lambda: len(self.found(kind, facts)) >= count, lambda: f"{kind} {facts}\n{self.said}\n" + "\n".join(self.lines)
        )
        return self.found(kind, facts)

    def interrupt(self):
        """The exit status after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)
