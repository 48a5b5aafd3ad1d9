"""The service under test as an operator runs it: a configuration file, the supervisor and its worker, the commands."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from . import ROOT
from .program import Program
from .waiting import TIMEOUT, wait_until


def binary():
    """The binary under test: BELVEDERE, or the one built by `swift build`."""
    named = os.environ.get("BELVEDERE")
    if named:
        return Path(named)
    for kind in ("debug", "release"):
        built = ROOT / ".build" / kind / "belvedere"
        if built.exists():
            return built
    return None


def belvedere(*arguments, **options):
    """Runs `belvedere ARGUMENTS` to its end."""
    options = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run([str(binary()), *map(str, arguments)], **options)


def merged(base, changes):
    """`base` with `changes` merged over it: dictionaries are merged, other values replaced, None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def server_entry(server, authority, **changes):
    """One server's section of the configuration."""
    return merged({"address": server.address, "port": server.port, "trust": {"ca": str(authority)}}, changes)


def base_configuration(certificates, servers, server_changes):
    """The common configuration of all tests."""
    front, authority = certificates.front, certificates.authority.certificate
    return {
        "service": certificates.service_name,
        "tls": {"certificate": str(front.chain), "key": str(front.key)},
        "servers": {s.name: server_entry(s, authority, **server_changes.get(s.name, {})) for s in servers},
        # Health checks run only in tests that configure them.
        "health": {"interval": "1h", "jitter": "0s"},
    }


class Service(Program):
    """One supervisor and its worker. `configuration` is written to the file at each start."""

    def __init__(self, directory, configuration):
        self.directory = Path(directory)
        super().__init__(self.directory / "log")
        self.configuration = configuration
        self.file, self.control = self.directory / "belvedere.yaml", self.directory / "control"
        # A prefix of the command, to run it as another user.
        self.prefix = []
        self.expects_killed = False

    def command(self, *words):
        """The command line of `belvedere WORDS`."""
        return [*self.prefix, binary(), *words]

    def write(self, changes=None):
        """Replaces the configuration file, with `changes` merged over it permanently."""
        self.configuration = merged(self.configuration, changes or {})
        fresh = self.file.with_suffix(".new")
        # JSON is YAML.
        fresh.write_text(json.dumps(self.configuration, indent=2) + "\n")
        fresh.replace(self.file)
        return self

    def run(self, *words, **options):
        """Starts the service."""
        self.write()
        words = ("run", "--configuration", self.file, "--control", self.control, *words)
        return self.launch(self.command(*words), **options)

    def stop(self):
        self.signal(signal.SIGTERM)
        assert self.wait() == 0, self.log

    def end(self):
        """Stops it regularly, checks the result, and leaves no process behind."""
        if not self.process:
            return
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGTERM)
            status = self.wait()
            if not self.expects_killed:
                assert status == 0, f"the supervisor ended with {status}:\n{self.log}"
        finally:
            self.destroy()
        self.assert_no_crash()

    # Commands

    def call(self, *arguments, **options):
        """`belvedere ARGUMENTS` for this service."""
        return self.call_plainly(*arguments, "--control", self.control, **options)

    def call_plainly(self, *arguments, **options):
        """The same for commands without the control socket."""
        command = [str(word) for word in self.command(*arguments)]
        return subprocess.run(command, **{"capture_output": True, "text": True, "timeout": TIMEOUT, **options})

    def reload(self, changes=None, **options):
        """Writes the file, reloads it, and returns the number of the configuration that is then in use."""
        self.write(changes)
        run = self.call("reload", **options)
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return int(re.fullmatch(r"configuration (\d+) is in use\n", run.stdout)[1])

    @property
    def status(self):
        """The output of `belvedere status --json`."""
        run = self.call("status", "--json")
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return json.loads(run.stdout)

    def status_of(self, name):
        """Its part about one server."""
        return next(server for server in self.status["servers"] if server["name"] == name)

    def counts(self, path):
        """What the status counts under this path, as `handshakes.failures` or `services.0.counts.access`."""
        found = self.status["counters"]
        for name in path.split("."):
            found = found[int(name) if name.isdigit() else name]
        return found

    def wait_for_counts(self, path, /, **expected):
        """Until these of its counts are exactly so."""

        def agree():
            found = self.counts(path)
            return all(found[name] == count for name, count in expected.items())

        wait_until(agree, lambda: f"{expected} in {path}: {self.counts(path)}\n{self.log}")

    def load_of(self, name):
        """The load of a server; a worker publishes it within a second."""
        return wait_until(lambda: self.status_of(name)["load"], lambda: f"the load of {name}:\n{self.log}")

    def server(self, *words):
        """`belvedere server WORDS`, which must succeed; returns the status of the server."""
        run = self.call("server", *words)
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return run.stdout.rstrip("\n")
