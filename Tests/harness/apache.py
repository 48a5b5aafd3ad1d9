"""Apache as a Connection Server: a second real parser of HTTP, not related to nginx's."""

import signal
from pathlib import Path

from .program import Program
from .waiting import free_port, fresh_address

MODULES = "/usr/lib/apache2/modules"


class Apache(Program):
    """One Apache in its own directory. Each response has the request's target in a field, `requests` a line for each."""

    orphan_signal = signal.SIGTERM

    def __init__(self, name, directory, certificate):
        self.name = name
        self.directory = Path(directory)
        super().__init__(self.directory / "stderr")
        self.root = self.directory / "root"
        self.root.mkdir(parents=True)
        (self.root / "favicon.ico").write_bytes(b"icon")
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.requests = self.directory / "requests"
        loads = "\n".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so"
            for name in ("mpm_event", "authz_core", "ssl", "headers", "rewrite")
        )
        self._settings = self.directory / "apache.conf"
        self._settings.write_text(f"""
{loads}
ServerName view.test
Listen {self.address}:{self.port}
PidFile {self.directory}/pid
DefaultRuntimeDir {self.directory}
Mutex pthread
ErrorLog {self.directory}/error.log
LogFormat "%r" request
CustomLog {self.requests} request
DocumentRoot {self.root}
KeepAliveTimeout 600
MaxKeepAliveRequests 0
RewriteEngine On
RewriteRule .* /favicon.ico [L]
Header always set X-Target "expr=%{{REQUEST_URI}}"
SSLEngine On
SSLCertificateFile {certificate.chain}
SSLCertificateKeyFile {certificate.key}
""")

    def start(self):
        self.launch(["apache2", "-X", "-f", self._settings])
        self.wait_for_listener(self.address, self.port)
        return self

    stop = Program.kill
