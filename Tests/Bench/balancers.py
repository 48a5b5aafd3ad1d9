"""The three balancers and the servers: their configurations, and how they are started.

Each balancer is configured as its experts would do: one thread, tickets and keep-alive on both sides, TLS to
the servers with their certificate verified, the same fields added to a request, no access log.
"""
import os
import signal
import subprocess
import time
from pathlib import Path

from harness.certificates import self_signed
from harness.client import client_context, connect_tls
from harness.nginx import USER, places
from harness.program import Program

NAME = "view.domain.local"
SERVER_PORTS = (18441, 18442)
IDLE_POOL = 128

# Mozilla's "intermediate", with one TLS 1.3 suite first so that all use the same cipher.
CIPHERS = ":".join(
    f"ECDHE-{key}-{suite}" for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA"))

BACKEND = """
{user} daemon off; pid {work}/backend.pid; error_log {work}/backend.log error; worker_processes 2; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_max_body_size 0; open_file_cache max=100;
  {places}
  ssl_certificate {work}/view.pem; ssl_certificate_key {work}/view.key; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_cache shared:b:4m; ssl_session_timeout 1h;
  server {{
    {listen}
    root {work}/root;
    location /put/ {{ dav_methods PUT; }}
  }}
}}
"""

NGINX = """
{user} daemon off; {processes} pid {work}/nginx.pid; error_log {work}/nginx.log error; worker_rlimit_nofile 40000;
events {{ worker_connections 20000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; client_max_body_size 0;
  client_header_timeout {timeout};
  {places}
  upstream view {{
    hash $remote_addr consistent;
    {servers}
    keepalive {pool}; keepalive_requests 1000000000; keepalive_timeout 300s;
  }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    server_name {name};
    ssl_certificate {work}/view.pem; ssl_certificate_key {work}/view.key; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers {ciphers}; ssl_session_cache shared:v:10m; ssl_session_tickets on; ssl_session_timeout 1h;
    location / {{
      proxy_pass https://view;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_request_buffering off; proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_max_temp_file_size 0;
      proxy_ssl_server_name on; proxy_ssl_name {name}; proxy_ssl_session_reuse on;
      proxy_ssl_verify on; proxy_ssl_trusted_certificate {work}/view.pem; proxy_ssl_protocols TLSv1.2 TLSv1.3;
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn {most}
  ssl-default-bind-options ssl-min-ver TLSv1.2 prefer-client-ciphers
  ssl-default-bind-ciphers {ciphers}
  ssl-default-server-options ssl-min-ver TLSv1.2
  ssl-default-server-ciphers {ciphers}
defaults
  mode http
  option http-keep-alive
  option forwardfor
  http-reuse always
  retries 3
  timeout connect 10s
  timeout client {timeout}
  timeout server 60s
  timeout http-request {timeout}
  timeout http-keep-alive 300s
  timeout queue 60s
frontend view
  bind 127.0.0.1:{port} ssl crt {work}/both.pem
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend view
backend view
  balance source
  hash-type consistent
  option httpchk GET /favicon.ico
  http-check send hdr Host {name}
  default-server ssl verify required ca-file {work}/view.pem verifyhost {name} sni str({name}) check-sni {name} pool-purge-delay 300s {check}
  {servers}
"""

BELVEDERE = """
service: {service}
listen: 127.0.0.1:{port}
redirect: off
threads: 1
tls: {{ certificate: {work}/view.pem, key: {work}/view.key }}
servers:
  {servers}
trust: {{ ca: {work}/view.pem }}
health: {{ interval: {interval} }}
pool: {{ idle-connections: {pool}, idle-timeout: 300s }}
timeouts: {{ tls-handshake: {timeout}, http-request: {timeout}, keep-alive: 300s, client: 300s }}
limits: {{ {limits} }}
log: {{ target: stderr, access: off }}
{rules}
"""


class Balancer(Program):
    """One of the balancers, or the servers: a configuration file and a command line, in which CONFIG
    stands for the file."""

    # nginx's workers outlive a master that is killed.
    orphan_signal = signal.SIGTERM

    def __init__(self, name: str, port: int, work: Path, command: list[str], config: str, core: int | None):
        super().__init__(work / f"{name}.out")
        self.name, self.port, self.work, self.command, self.config, self.core = name, port, work, command, config, core

    def start(self, prefix: list[str] = (), timeout: float = 10, environment: dict[str, str] | None = None) -> float:
        """Starts it, with its command appended to `prefix`, and returns the seconds until the first good answer."""
        path = self.work / f"{self.name}.conf"
        path.write_text(self.config)
        pin = ["taskset", "-c", str(self.core)] if self.core is not None else []
        begin = time.monotonic()
        self.launch([*pin, *prefix, *[part.replace("CONFIG", str(path)) for part in self.command]],
                    env={**os.environ, **(environment or {})})
        self.wait_for_answer(begin + timeout)
        return time.monotonic() - begin

    def wait_for_answer(self, deadline: float) -> None:
        """Asks until a request is answered with 200: once, if the port is open, however long that takes. A second try
        would cost a handshake more."""
        context = client_context(alpn=None)
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with connect_tls(("127.0.0.1", self.port), context, server_name=NAME) as client:
                    client.socket.settimeout(max(1, deadline - time.monotonic()))
                    client.send(f"GET /200 HTTP/1.1\r\nHost: {NAME}\r\n\r\n")
                    if client.receive(64).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            time.sleep(0.001)
        raise SystemExit(f"no answer on port {self.port}; the end of {self.log_file}:\n" + self.log[-2000:])

    def stop(self) -> None:
        """Stops it regularly, so that valgrind can write its counts."""
        if self.process is None:
            return
        for _ in range(10):
            # More than once: nginx as a single process may miss a signal before epoll_wait.
            self.process.terminate()
            try:
                self.process.wait(2)
                break
            except subprocess.TimeoutExpired:
                continue
        self.destroy()
        self.process = None


def make_material(work: Path) -> None:
    """The common certificate, and the bodies."""
    self_signed(NAME, work / "view.key", work / "view.pem")
    (work / "both.pem").write_bytes((work / "view.pem").read_bytes() + (work / "view.key").read_bytes())
    (work / "root/put").mkdir(parents=True)
    for name, size in (("200", 200), ("10k", 10_240), ("64m", 64 << 20), ("favicon.ico", 1000)):
        (work / "root" / name).write_bytes(os.urandom(size))
    work.chmod(0o755)
    os.chmod(work / "root/put", 0o777)


def start_backend(work: Path, core: int | None) -> Balancer:
    listen = " ".join(f"listen 127.0.0.1:{port} ssl backlog=4096;" for port in SERVER_PORTS)
    backend = Balancer("backend", SERVER_PORTS[0], work, ["nginx", "-e", "stderr", "-c", "CONFIG"],
                       BACKEND.format(user=USER, places=places(work), work=work, listen=listen), core)
    backend.start()
    return backend


def balancers(work: Path, belvedere: Path | None, core: int | None, checked: bool = True, crowd: int = 0,
              rules: str = "") -> list[Balancer]:
    """HAProxy first: the others are measured against it. `checked` false: as few health checks as possible. `crowd`:
    room for so many clients at one address, with short time-outs. `rules`: what else Belvedere's configuration has."""
    common = {"work": work, "name": NAME, "ciphers": CIPHERS, "pool": IDLE_POOL, "most": 2 * crowd or 5000,
              "timeout": "5s" if crowd else "300s"}
    numbered = list(enumerate(SERVER_PORTS, 1))
    found = [
        Balancer("haproxy", 18501, work, ["haproxy", "-db", "-f", "CONFIG"], HAPROXY.format(
            **common, port=18501, check="check inter 5s" if checked else "",
            servers="\n  ".join(f"server view0{n} 127.0.0.1:{port}" for n, port in numbered)), core),
        Balancer("nginx", 18502, work, ["nginx", "-e", "stderr", "-c", "CONFIG"], NGINX.format(
            **common, user=USER, places=places(work), port=18502, processes="worker_processes 1;" if checked else "master_process off;",
            servers=" ".join(f"server 127.0.0.1:{port};" for _, port in numbered)), core),
    ]
    if belvedere:
        found.append(Balancer("belvedere", 18503, work, [str(belvedere), "run", "--configuration", "CONFIG",
             "--control", str(work / "belvedere.sock")],
            BELVEDERE.format(**common, port=18503, service=f"[{NAME}, view.test]" if crowd else NAME,
                limits=f"connections: {common['most']}" + (", connections-per-address: off" if crowd else ""), interval="5s" if checked else "1h",
                rules=rules, servers="\n  ".join(f"view0{n}: 127.0.0.1:{port}" for n, port in numbered)), core))
    return found
