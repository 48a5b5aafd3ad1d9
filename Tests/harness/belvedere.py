"""The balancer of an end-to-end test: on its own addresses, with access to its logs, and with clients."""

import re
from pathlib import Path

from .client import client_context, connect_plain, connect_tls
from .processes import processes
from .service import Service, base_configuration, merged
from .waiting import TIMEOUT, free_port, fresh_address, wait_until


def endpoint_text(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Belvedere(Service):
    """The log is on stderr, and the access log on stdout unless configured otherwise."""

    def __init__(self, directory, certificates, servers, *, changes=None, server_changes=None, stdout=None, stderr=None):
        self.certificates = certificates
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.redirect_port = free_port(self.address)
        base = merged(base_configuration(certificates, servers, server_changes or {}), {
            "listen": endpoint_text(self.address, self.port),
            "redirect": {"listen": endpoint_text(self.address, self.redirect_port)},
            "threads": 2,
            # On a busy machine a check or a handshake may be slow.
            "health": {"timeout": f"{TIMEOUT:.0f}s"},
            "timeouts": {"tls-handshake": f"{TIMEOUT:.0f}s"},
            # A limit for which any test machine has enough descriptors; otherwise a warning is logged.
            "limits": {"connections": 4000},
        })  # fmt: skip
        super().__init__(directory, merged(base, changes or {}))
        self._streams = {name: stream for name, stream in (("stdout", stdout), ("stderr", stderr)) if stream is not None}
        self.expects_worker_death = False
        # Additional arguments of `run`.
        self.options = []
        self.access_file = self.directory / "access"

    # Life

    def start(self, *, wait=True):
        self._began = len(self.log) if self.log_file.exists() else 0
        with open(self.access_file, "ab") as access:
            self.run(*self.options, **{"stdout": access, **self._streams})
        if wait:
            self.wait_for_listener(self.address, self.port)
        return self

    def restart(self):
        self.stop()
        return self.start().wait_until_serving()

    def refusal(self):
        """The log of a failed start."""
        self.expects_killed = True
        self.start(wait=False)
        assert self.wait() == 1
        return self.log

    def wait_until_serving(self):
        """Waits until every server has been checked since the start, and a request reaches a server. The request is for
        the health page, which scripted servers do not count."""
        for words in [rf"server {re.escape(name)} is " for name in self.configuration["servers"]] + ["worker is ready"]:
            self.wait_for_log(words, since=self._began)

        def serves():
            self.assert_running()
            try:
                with self.connect() as client:
                    answer = client.get("/favicon.ico", "Connection: close")
                    return answer and answer.status == 200
            except OSError:
                return False

        wait_until(serves, lambda: f"a served request\n{self.log}")
        return self

    def wait_for_another_worker(self, than):
        """Waits until a new worker serves, and has published the state of every server."""
        self.expects_worker_death = True

        def serves():
            status = self.status
            is_another = status["state"] == "serving" and status["worker"]["pid"] != than
            return is_another and all(server["state"] != "unknown" for server in status["servers"])

        wait_until(serves, lambda: f"another worker than {than}\n{self.log}")

    def end(self):
        super().end()
        if self.process and not self.expects_worker_death:
            assert not re.search(r"\bworker\b.*\b(died|killed|hung)\b", self.log), self.log

    @property
    def worker(self):
        """The worker's process id, or None if there is none. A sanitizer may have started its symbolizer as well."""
        for pid, (state, parent, _) in processes().items():
            if parent == self.process.pid and state != "Z" and runs_worker(pid):
                return pid
        return None

    # Logs

    def state_of(self, name):
        """The last logged state of this server: "up", "drain", "down"."""
        told = re.findall(rf"server {re.escape(name)} is (\w+)", self.log)
        return told[-1] if told else None

    def wait_for_state(self, name, state):
        wait_until(lambda: self.state_of(name) == state, lambda: f"{name} to be {state}:\n{self.log}")

    @property
    def access_lines(self):
        return self.access_file.read_text(errors="replace").splitlines()

    def wait_for_access(self, pattern, count=1):
        """The matching lines of the access log, once there are `count` of them."""

        def matching():
            found = [line for line in self.access_lines if re.search(pattern, line)]
            return found if len(found) >= count else None

        return wait_until(matching, lambda: f"{count} × {pattern!r} in the access log: {self.access_lines}\n{self.log}")

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
        """A TCP connection to the TLS port."""
        return connect_plain(self.endpoint, source)

    def connect_redirect(self, source=None):
        return connect_plain((self.address, self.redirect_port), source)

    def get(self, target="/", *fields, source=None, host="view.test"):
        """One request on its own connection."""
        with self.connect(source) as client:
            answer = client.get(target, *fields, "Connection: close", host=host)
            assert answer is not None, f"no answer to GET {target}, connection ended: {client.ended}\n{self.log}"
            return answer

    def server_of(self, source):
        """The name of the server to which this client is assigned."""
        answer = self.get("/whoami", source=source)
        assert answer.status == 200, f"{answer.status} {answer.text}\n{self.log}"
        return answer["X-Server"]

    def servers_of(self, sources):
        """The name of each client's server."""
        return {source: self.server_of(source) for source in sources}

    @property
    def _shared_context(self):
        if not hasattr(self, "_context"):
            self._context = self.context()
        return self._context


def runs_worker(pid):
    """Whether the process runs our binary in the role of a worker."""
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")[1:2] == [b"worker"]
    except OSError:
        return False
