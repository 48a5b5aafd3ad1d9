"""HAProxy with a configuration, and Belvedere with what `belvedere import` makes of the same."""

from .client import client_context, connect_plain, connect_tls
from .proxy import Proxy
from .service import Service
from .waiting import free_port, fresh_address, wait_until


class Balanced:
    """What a test does with either of them: they have the places of their clients."""

    def connect(self, source=None):
        return connect_tls((self.address, self.port), client_context(self.authority), source=source)

    def connect_redirect(self, source=None):
        return connect_plain((self.address, self.plain_port), source)

    def wait_until_serving(self):
        def serves():
            try:
                with self.connect() as client:
                    return client.get("/favicon.ico", "Connection: close").status == 200
            except (OSError, AttributeError):
                return False

        wait_until(serves, lambda: f"{type(self).__name__} to serve:\n{self.log}")
        return self


class Original(Balanced, Proxy):
    """HAProxy. `settings` is a function of its address and two ports, for TLS and plain http."""

    def __init__(self, directory, settings, authority):
        super().__init__("haproxy", directory, None)
        self.authority, self.plain_port = authority, free_port(self.address)
        self.run(["haproxy", "-f", self.settings], settings(self.address, self.port, self.plain_port))


class Imported(Balanced, Service):
    """Belvedere with the import of the same settings."""

    def __init__(self, directory, settings, authority):
        directory.mkdir()
        super().__init__(directory, {})
        self.address = fresh_address()
        self.port, self.plain_port = free_port(self.address), free_port(self.address)
        self.authority = authority
        self.old = directory / "haproxy.cfg"
        self.old.write_text(settings(self.address, self.port, self.plain_port))
        self.imported = self.call_plainly("import", self.old, "--output", self.file)
        assert self.imported.returncode == 0, self.imported.stderr
        with open(directory / "access", "wb") as access:
            self.run(stdout=access)
        self.wait_for_listener(self.address, self.port)

    def write(self, changes=None):
        """The file is what was imported."""
        return self
