"""The belvedere process under test: started on a configuration file, watched, and ended whatever happens."""

import ctypes
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from . import ROOT
from .client import client_context, connect_plain, connect_socket, connect_tls
from .waiting import TIMEOUT, free_port, fresh_address, wait_until

# What no log may hold, whatever a test did.
CRASH = re.compile(
    r"Fatal error|Illegal instruction|Segmentation fault|SIGSEGV|SIGILL|SIGABRT|Precondition failed"
    r"|AddressSanitizer|ThreadSanitizer|LeakSanitizer|Stack dump|overlapping accesses|Crashed|crash report",
    re.IGNORECASE,
)


def binary():
    """The binary under test: BELVEDERE, or what `swift build` left."""
    named = os.environ.get("BELVEDERE")
    if named:
        return Path(named)
    for kind in ("debug", "release"):
        built = ROOT / ".build" / kind / "belvedere"
        if built.exists():
            return built
    return None


def merged(base, changes):
    """`base` with `changes` laid over it; dictionaries are merged, everything else replaced, None removes a key."""
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def endpoint_text(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def server_entry(server, authority, **changes):
    """One server's part of the file."""
    return merged(
        {"address": server.address, "port": server.port, "trust": {"ca": str(authority)}}, changes
    )


def libc_die_with_parent():
    """The tests' own death must not leave a balancer behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Belvedere:
    """One supervisor and its worker. The log is on stderr, the access log on stdout unless configured otherwise."""

    def __init__(self, directory, certificates, servers, *, changes=None, server_changes=None, stdout=None, stderr=None):
        self.directory = Path(directory)
        self.certificates = certificates
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.redirect_port = free_port(self.address, besides=self.port)
        front = certificates.front
        base = {
            "service": certificates.service_name,
            "listen": endpoint_text(self.address, self.port),
            "redirect": {"listen": endpoint_text(self.address, self.redirect_port)},
            "tls": {"certificate": str(front.chain), "key": str(front.key)},
            "servers": {
                s.name: server_entry(s, certificates.authority.certificate, **(server_changes or {}).get(s.name, {}))
                for s in servers
            },
            "threads": 2,
            # Tests that are about health checks say so; all others shall not meet one. Nor shall they meet the bound of
            # a handshake, which a busy machine may need longer for.
            "health": {"interval": "1h", "timeout": f"{TIMEOUT:.0f}s", "jitter": "0s"},
            "timeouts": {"tls-handshake": f"{TIMEOUT:.0f}s"},
            # What any machine that runs tests has descriptors for; otherwise the log says that it has not.
            "limits": {"connections": 4000},
        }
        self.configuration = merged(base, changes or {})
        self.file = self.directory / "belvedere.yaml"
        self.control = self.directory / "control"
        self._stdout, self._stderr = stdout, stderr
        self.expects_worker_death = False
        self.expects_killed = False
        self.process = None
        self.log_file, self.access_file = self.directory / "log", self.directory / "access"

    # Life

    def write(self, changes=None):
        """Writes the configuration file, with `changes` laid over it for good, as a whole."""
        self.configuration = merged(self.configuration, changes or {})
        fresh = self.file.with_suffix(".new")
        # JSON is YAML.
        fresh.write_text(json.dumps(self.configuration, indent=2) + "\n")
        fresh.replace(self.file)

    def start(self, *, wait=True):
        self.write()
        with open(self.log_file, "ab") as log, open(self.access_file, "ab") as access:
            self.process = subprocess.Popen(
                [str(binary()), "run", "--configuration", str(self.file), "--control", str(self.control)],
                stdin=subprocess.DEVNULL,
                stdout=self._stdout if self._stdout is not None else access,
                stderr=self._stderr if self._stderr is not None else log,
                start_new_session=True,
                preexec_fn=libc_die_with_parent,
            )
        if wait:
            self.wait_until_listening()
        return self

    def wait_until_listening(self):
        def listens():
            assert self.process.poll() is None, f"belvedere ended with {self.process.returncode}:\n{self.log}"
            try:
                connect_socket((self.address, self.port)).close()
                return True
            except OSError:
                return False

        wait_until(listens, lambda: f"a listener on {self.address}:{self.port}\n{self.log}")

    def wait_until_serving(self):
        """Until every server has been checked and a request gets through to some server. It asks for the health page,
        which scripted servers do not count."""
        for name in self.configuration["servers"]:
            self.wait_for_log(rf"server {re.escape(name)} is ")

        def serves():
            assert self.process.poll() is None, f"belvedere ended with {self.process.returncode}:\n{self.log}"
            try:
                with self.connect() as client:
                    answer = client.get("/favicon.ico", "Connection: close")
                    return answer and answer.status == 200
            except OSError:
                return False

        wait_until(serves, lambda: f"a served request\n{self.log}")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=TIMEOUT):
        """The exit status, once every process of the group is gone."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the supervisor did not end:\n{self.log}") from None
        wait_until(lambda: not self.group(), lambda: f"the worker's end: {self.group()}\n{self.log}")
        return status

    def group(self):
        """The living processes of the supervisor's session."""
        return [pid for pid, (state, _, session) in processes().items() if session == self.process.pid and state != "Z"]

    def end(self):
        """Ends it in an orderly way, checks how it went, and leaves no process behind."""
        if not self.process:
            return
        try:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            status = self.wait()
            if not self.expects_killed:
                assert status == 0, f"the supervisor ended with {status}:\n{self.log}"
        finally:
            for pid in self.group():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        fault = CRASH.search(self.log)
        assert not fault, f"the log tells of a crash ({fault.group()}):\n{self.log}"
        if not self.expects_worker_death:
            assert not re.search(r"\bworker\b.*\b(died|killed|hung)\b", self.log), self.log

    @property
    def worker(self):
        """The worker's process id, or None while there is none. A sanitizer may have started its symbolizer as well."""
        for pid, (state, parent, _) in processes().items():
            if parent == self.process.pid and state != "Z" and runs_worker(pid):
                return pid
        return None

    # What it says

    def state_of(self, name):
        """The state that the log told last of this server: "up", "drain", "down"."""
        told = re.findall(rf"server {re.escape(name)} is (\w+)", self.log)
        return told[-1] if told else None

    def wait_for_state(self, name, state):
        wait_until(lambda: self.state_of(name) == state, lambda: f"{name} to be {state}:\n{self.log}")

    @property
    def log(self):
        return self.log_file.read_text(errors="replace")

    @property
    def access_lines(self):
        return self.access_file.read_text(errors="replace").splitlines()

    def wait_for_log(self, pattern, *, since=0, timeout=None):
        """The match, once the log (from character `since` on) has one."""
        return wait_until(
            lambda: re.search(pattern, self.log[since:], re.IGNORECASE | re.MULTILINE),
            lambda: f"{pattern!r} in the log:\n{self.log}",
            timeout,
        )

    def wait_for_access(self, pattern, count=1):
        """The access log's lines that match, once there are `count` of them."""

        def matching():
            found = [line for line in self.access_lines if re.search(pattern, line)]
            return found if len(found) >= count else None

        return wait_until(matching, lambda: f"{count} × {pattern!r} in the access log: {self.access_lines}\n{self.log}")

    # Operators

    def call(self, *arguments, **options):
        """`belvedere ARGUMENTS`, asked of this service."""
        return subprocess.run(
            [str(binary()), *arguments, "--control", str(self.control)],
            capture_output=True, text=True, timeout=TIMEOUT, **options,
        )  # fmt: skip

    def reload(self, changes=None):
        """Writes the file, has it taken over, and returns the number of the generation that serves then."""
        self.write(changes)
        run = self.call("reload")
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return int(re.fullmatch(r"generation (\d+) serves\n", run.stdout)[1])

    @property
    def status(self):
        """What `belvedere status --json` shows."""
        run = self.call("status", "--json")
        assert run.returncode == 0, f"{run.stdout}{run.stderr}\n{self.log}"
        return json.loads(run.stdout)

    def status_of(self, name):
        """What it shows of one server."""
        return next(server for server in self.status["servers"] if server["name"] == name)

    # Clients

    @property
    def endpoint(self):
        return self.address, self.port

    def context(self, **options):
        return client_context(self.certificates.authority.certificate, **options)

    def connect(self, source=None, *, server_name="view.test", context=None, session=None):
        """A client that has completed its handshake."""
        return connect_tls(
            self.endpoint, context or self._shared_context, server_name=server_name, source=source, session=session
        )

    def connect_plain(self, source=None):
        """A TCP client of the TLS port."""
        return connect_plain(self.endpoint, source)

    def connect_redirect(self, source=None):
        return connect_plain((self.address, self.redirect_port), source)

    def get(self, target="/", *fields, source=None, host="view.test"):
        """One request on a connection of its own."""
        with self.connect(source) as client:
            answer = client.get(target, *fields, "Connection: close", host=host)
            assert answer is not None, f"no answer to GET {target}, connection ended: {client.ended}\n{self.log}"
            return answer

    def server_of(self, source):
        """The name of the server that this client is sent to."""
        answer = self.get("/whoami", source=source)
        assert answer.status == 200, f"{answer.status} {answer.text}\n{self.log}"
        return answer["X-Server"]

    @property
    def _shared_context(self):
        if not hasattr(self, "_context"):
            self._context = self.context()
        return self._context


def runs_worker(pid):
    """Whether this process is one of ours in the role of a worker."""
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")[1:2] == [b"worker"]
    except OSError:
        return False


def processes():
    """Every process: id → (state, parent, session)."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(entry)] = (fields[0], int(fields[1]), int(fields[3]))
    return found
