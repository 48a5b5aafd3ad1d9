"""The processor time of relayed bytes: TCP in HAProxy (mode tcp), nginx (stream) and Belvedere, UDP in the last two.

One thread on the balancer's core; the client and the server, relay.c, share the other one. Eight connections that the
server fills without end, or eight flows of datagrams of 1,200 bytes that it sends back, eight of each flow under way.
"""
import random
import time
from pathlib import Path

import balancers as setup
from balancers import Balancer
from harness.nginx import USER
from harness.processes import cpu_seconds, family
from harness.waiting import accepts
from load_generator import Load, build_load
from table import Table

# The port of Belvedere's relay and of its server, which has another address.
PORT, SERVER = 18504, "127.0.0.2"
# Bytes of a round, small enough for many rounds.
BYTES = {"tcp": 500_000_000, "udp": 50_000_000}

HAPROXY = """
global
  nbthread 1
defaults
  mode tcp
  timeout connect 10s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:{port}
  server view01 {server}:{relayed} {check}
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
{user} daemon off; worker_processes 1; pid {work}/nginx.pid; error_log {work}/nginx.log error;
events {{ worker_connections 4096; }}
stream {{
  server {{ listen 127.0.0.1:{port}; proxy_pass {server}:{relayed}; }}
  server {{ listen 127.0.0.1:{port} udp; proxy_pass {server}:{relayed}; }}
}}
"""

BELVEDERE = """
service: {name}
listen: 127.0.0.1:18505
redirect: off
threads: 1
mode: passthrough
servers: {{ view01: "{server}:{relayed}" }}
health: {{ check: tcp, interval: 5s }}
relay: {{ tcp: {port}, udp: {port} }}
log: {{ target: stderr, access: off }}
"""


class Relay(Balancer):
    def wait_for_answer(self, deadline: float) -> None:
        while time.monotonic() < deadline and self.process.poll() is None:
            if accepts(("127.0.0.1", self.port)):
                return
            time.sleep(0.01)
        raise SystemExit(f"nothing listens on port {self.port}; the end of {self.log_file}:\n" + self.log[-2000:])


def relays(belvedere: Path | None, work: Path, core: int) -> list[Relay]:
    common = {"work": work, "name": setup.NAME, "server": SERVER, "relayed": PORT, "user": USER}
    found = [
        Relay("haproxy", 18501, work, ["haproxy", "-db", "-f", "CONFIG"], HAPROXY.format(**common, port=18501, check="check inter 5s"), core),
        Relay("nginx", 18502, work, ["nginx", "-e", "stderr", "-c", "CONFIG"], NGINX.format(**common, port=18502), core),
    ]
    if belvedere:
        command = [str(belvedere), "run", "--configuration", "CONFIG", "--control", str(work / "belvedere.sock")]
        found.append(Relay("belvedere", PORT, work, command, BELVEDERE.format(**common, port=PORT), core))
    return found


def measure(load: Path, relay: Relay, kind: str, core: int) -> tuple[float, float]:
    """CPU seconds per gigabyte, and the utilisation of the balancer's core."""
    clients = Load(load, core, [kind, str(BYTES[kind])], relay.port, "")
    try:
        processes = family(relay.process.pid)
        before = sum(map(cpu_seconds, processes))
        result = clients.run()
        spent = sum(map(cpu_seconds, processes)) - before
    finally:
        clients.end()
    return spent / result["bytes"] * 1e9, spent / result["seconds"]


def tables(belvedere: Path | None, work: Path, rounds: int, cores: tuple[int, int]) -> list[Table]:
    load = build_load(work, "relay")
    server = Relay("server", PORT, work, [str(load), "serve", SERVER, str(PORT)], "", cores[1])
    contestants = relays(belvedere, work, cores[0])
    made = []
    try:
        server.launch(["taskset", "-c", str(cores[1]), *server.command])
        server.wait_for_listener(SERVER, PORT)
        for relay in contestants:
            relay.start()
        for kind, among in (("tcp", contestants), ("udp", contestants[1:])):
            table = Table([relay.name for relay in among])
            for _ in range(rounds):
                for relay in random.sample(among, len(among)):
                    figure, busy = measure(load, relay, kind, cores[1])
                    table.add(f"relay, {kind.upper()}", "s/GB", relay.name, figure, busy)
            made.append(table)
    finally:
        for relay in [*contestants, server]:
            relay.stop()
    return made
