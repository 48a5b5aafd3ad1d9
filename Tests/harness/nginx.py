"""nginx as a Connection Server: a real peer that is fast, and that can be killed."""

import os
import signal
import subprocess
from pathlib import Path

from .client import connect_socket
from .waiting import free_port, fresh_address, wait_until


class Nginx:
    """One nginx in a directory of its own. `/` shows its name, `/blob/<bytes>` files of `root`, PUT stores there."""

    def __init__(self, name, directory, certificate, *, extra=""):
        self.name = name
        self.directory = Path(directory)
        self.root = self.directory / "root"
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "favicon.ico").write_bytes(b"icon")
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.process = None
        self._settings = self.directory / "nginx.conf"
        places = "\n".join(
            f"{kind}_temp_path {self.directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self._settings.write_text(f"""
daemon off; worker_processes 1; pid {self.directory}/pid; error_log {self.directory}/error.log;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s; {places}
  client_max_body_size 0; client_body_buffer_size 1m;
  server {{
    listen {self.address}:{self.port} ssl backlog=4096; root {self.root};
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
        self.process = subprocess.Popen(
            ["nginx", "-p", str(self.directory), "-c", str(self._settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=open(self.directory / "stderr", "ab"),
            start_new_session=True,
        )

        def listens():
            assert self.process.poll() is None, (self.directory / "stderr").read_text()
            try:
                connect_socket((self.address, self.port)).close()
                return True
            except OSError:
                return False

        wait_until(listens, f"nginx on {self.address}:{self.port}")
        return self

    def kill(self):
        """kill -9 of all its processes at once."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    stop = kill
