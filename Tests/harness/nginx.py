"""nginx as a Connection Server: a real and fast peer that can be killed."""

import os
import signal
from pathlib import Path

from .program import Program
from .waiting import free_port, fresh_address

# As root, nginx would run its workers as another user, who may not read the working directory.
USER = "user root;" if os.geteuid() == 0 else ""


def places(directory):
    """nginx's directories for temporary files, below the directory."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)


class Nginx(Program):
    """
    One nginx in its own directory. `/` returns its name, `/blob/<bytes>` files of `root`, PUT stores there. With
    `echoes_target` each response has the request's target in a field, and `requests` a line for each request.
    """

    # Its workers survive a killed master.
    orphan_signal = signal.SIGTERM

    def __init__(self, name, directory, certificate, *, listen="", extra="", echoes_target=False):
        self.name = name
        self.directory = Path(directory)
        super().__init__(self.directory / "stderr")
        self.root = self.directory / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "favicon.ico").write_bytes(b"icon")
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.requests = self.directory / "requests"
        if echoes_target:
            extra += f"access_log {self.requests}; add_header X-Server {name}; add_header X-Target $request_uri always;"
        self._settings = self.directory / "nginx.conf"
        self._settings.write_text(f"""
daemon off; worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/error.log;
{USER}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s; {places(self.directory)}
  client_max_body_size 0; client_body_buffer_size 1m;
  server {{
    listen {self.address}:{self.port} ssl {listen} backlog=4096; root {self.root};
    ssl_certificate {certificate.chain}; ssl_certificate_key {certificate.key};
    ssl_session_cache shared:s:1m; add_header X-Server {name};
    location = /favicon.ico {{ }}
    location / {{ return 200 "{name}"; }}
    location /blob/ {{ alias {self.root}/; dav_methods PUT; }}
    {extra}
  }}
}}
""")

    def start(self):
        self.launch(["nginx", "-p", self.directory, "-c", self._settings])
        self.wait_for_listener(self.address, self.port)
        return self

    stop = Program.kill
