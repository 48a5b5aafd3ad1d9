"""HAProxy and nginx as proxies in front of a balancer, where they forward many clients from one address, and behind it."""

import shutil
from pathlib import Path

import pytest

from .client import connect_plain
from .nginx import USER, places
from .program import Program
from .waiting import fresh_address, free_port


class Proxy(Program):
    """Accepts plain http at its own address, and connects to the balancer from `source`."""

    def __init__(self, name, directory, source):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        super().__init__(self.directory / "stderr")
        self.source = source
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.settings = self.directory / f"{name}.conf"

    def run(self, command, settings):
        self.settings.write_text(settings)
        self.launch(command)
        self.wait_for_listener(self.address, self.port)
        return self

    stop = Program.kill

    def connect(self, client=None):
        """A connection of a client with this address to the proxy."""
        return connect_plain((self.address, self.port), client)

    def get(self, *fields, client=None, target="/whoami"):
        """The response to one request on its own connection."""
        with self.connect(client) as connection:
            return connection.get(target, *fields, "Connection: close")


def haproxy(
    directory, balancer, source, *, frontend="", server="ssl verify none sni str(view.test)", mode="http", reuse="always"
):
    """HAProxy, which in mode http may use any connection to the balancer for any client."""
    proxy = Proxy("haproxy", directory, source)
    return proxy.run(["haproxy", "-f", proxy.settings], f"""
defaults
  mode {mode}
  timeout connect 60s
  timeout client 60s
  timeout server 60s
frontend front
  bind {proxy.address}:{proxy.port}
  {frontend}
  default_backend back
backend back
  {f"http-reuse {reuse}" if mode == "http" else ""}
  server balancer {balancer.address}:{balancer.port} source {source} {server}
""")


def nginx(directory, balancer, source):
    """nginx, which uses one connection to the balancer for all clients."""
    proxy = Proxy("nginx", directory, source)
    return proxy.run(["nginx", "-p", proxy.directory, "-c", proxy.settings], f"""
daemon off; worker_processes 1; pid {proxy.directory}/pid; error_log {proxy.directory}/error.log;
{USER}
events {{ worker_connections 1024; }}
http {{
  access_log off; {places(proxy.directory)}
  upstream balancer {{ server {balancer.address}:{balancer.port}; keepalive 1; }}
  server {{
    listen {proxy.address}:{proxy.port};
    location / {{
      proxy_pass https://balancer; proxy_bind {source}; proxy_http_version 1.1;
      proxy_ssl_server_name on; proxy_ssl_name view.test;
      proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
""")


def nginx_stream(directory, balancer, source):
    """nginx that forwards connections, each with a PROXY protocol header."""
    module = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
    if not module.exists():
        pytest.skip("nginx has no stream module (Debian: libnginx-mod-stream)")
    proxy = Proxy("nginx", directory, source)
    return proxy.run(["nginx", "-p", proxy.directory, "-c", proxy.settings], f"""
load_module {module};
daemon off; worker_processes 1; pid {proxy.directory}/pid; error_log {proxy.directory}/error.log;
{USER}
events {{ worker_connections 1024; }}
stream {{
  server {{
    listen {proxy.address}:{proxy.port};
    proxy_pass {balancer.address}:{balancer.port}; proxy_bind {source}; proxy_protocol on;
  }}
}}
""")


def haproxy_server(directory, certificate):
    """HAProxy as a server that expects a header of the PROXY protocol, and answers with the addresses in it."""
    server = Proxy("haproxy", directory, None)
    server.name = "view01"
    pair = server.directory / "pair.pem"
    pair.write_text(certificate.chain.read_text() + certificate.key.read_text())
    return server.run(["haproxy", "-f", server.settings], f"""
defaults
  mode http
  timeout client 60s
frontend front
  bind {server.address}:{server.port} accept-proxy ssl crt {pair}
  http-request return status 200 content-type text/plain lf-string "%ci %cp %fi %fp"
""")
