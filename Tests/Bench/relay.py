"""The processor time of relayed bytes: TCP in HAProxy (mode tcp), nginx (stream) and Belvedere, UDP in the last two.

One thread on the balancer's core; the client and the server, relay.c, share the other one. Eight connections that the
server fills without end, or eight flows of datagrams of 1,200 bytes that it sends back, eight of each flow under way.
The last row has iperf3 as client and server, whose datagrams go to the server at a bounded rate.
"""
import json
import random
import shutil
import subprocess
import sys
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
# The same for iperf3, which has TCP and UDP on one port; nginx's own port for it.
IPERF, NGINX_IPERF = 18506, 18507
IPERF_LOAD = ["--udp", "--length", "1200", "--bitrate", "400M", "--bytes", "50M"]
# Bytes of a round, small enough for many rounds.
BYTES = {"tcp": 500_000_000, "udp": 50_000_000}
ROWS = {"tcp": "relay, TCP", "udp": "relay, UDP", "iperf3": "relay, UDP of iperf3"}

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
  server {{ listen 127.0.0.1:{own_iperf}; proxy_pass {server}:{iperf}; }}
  server {{ listen 127.0.0.1:{own_iperf} udp; proxy_pass {server}:{iperf}; }}
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
relay: {{ tcp: [{port}, {iperf}], udp: [{port}, {iperf}] }}
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
    common = {"work": work, "name": setup.NAME, "server": SERVER, "relayed": PORT, "iperf": IPERF, "user": USER}
    found = [
        Relay("haproxy", 18501, work, ["haproxy", "-db", "-f", "CONFIG"], HAPROXY.format(**common, port=18501, check="check inter 5s"), core),
        Relay("nginx", 18502, work, ["nginx", "-e", "stderr", "-c", "CONFIG"], NGINX.format(**common, port=18502, own_iperf=NGINX_IPERF), core),
    ]
    if belvedere:
        command = [str(belvedere), "run", "--configuration", "CONFIG", "--control", str(work / "belvedere.sock")]
        found.append(Relay("belvedere", PORT, work, command, BELVEDERE.format(**common, port=PORT), core))
    return found


def measure(load: Path, relay: Relay, kind: str, core: int) -> tuple[float, float]:
    """CPU seconds per gigabyte, and the utilisation of the balancer's core."""
    if kind == "iperf3":
        return measure_iperf(relay, core)
    clients = Load(load, core, [kind, str(BYTES[kind])], relay.port, "")
    try:
        processes = family(relay.process.pid)
        before = sum(map(cpu_seconds, processes))
        result = clients.run()
        spent = sum(map(cpu_seconds, processes)) - before
    finally:
        clients.end()
    return spent / result["bytes"] * 1e9, spent / result["seconds"]


def measure_iperf(relay: Relay, core: int) -> tuple[float, float]:
    """The same for the datagrams that arrive."""
    port = NGINX_IPERF if relay.name == "nginx" else IPERF
    command = ["taskset", "-c", str(core), "iperf3", "--client", "127.0.0.1", "--port", str(port), "--json", *IPERF_LOAD]
    processes = family(relay.process.pid)
    before = sum(map(cpu_seconds, processes))
    result = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    spent = sum(map(cpu_seconds, processes)) - before
    if "error" in result:
        raise SystemExit(f"iperf3 through {relay.name}: {result['error']}")
    received = result["end"]["sum_received"]
    arrived = received["packets"] - received["lost_packets"]
    return spent / (arrived * 1200) * 1e9, spent / received["seconds"]


def tables(belvedere: Path | None, work: Path, rounds: int, cores: tuple[int, int]) -> list[Table]:
    load = build_load(work, "relay")
    server = Relay("server", PORT, work, [str(load), "serve", SERVER, str(PORT)], "", cores[1])
    servers = [server]
    contestants = relays(belvedere, work, cores[0])
    kinds = [("tcp", contestants), ("udp", contestants[1:])]
    if shutil.which("iperf3"):
        servers.append(Relay("iperf3", IPERF, work, ["iperf3", "--server", "--bind", SERVER, "--port", str(IPERF)], "", cores[1]))
        kinds.append(("iperf3", contestants[1:]))
    else:
        print("iperf3 is not installed (Debian: iperf3): without its row\n", file=sys.stderr)
    made = []
    try:
        for peer in servers:
            peer.launch(["taskset", "-c", str(cores[1]), *peer.command])
            peer.wait_for_listener(SERVER, peer.port)
        for relay in contestants:
            relay.start()
        for kind, among in kinds:
            table = Table([relay.name for relay in among])
            for _ in range(rounds):
                for relay in random.sample(among, len(among)):
                    figure, busy = measure(load, relay, kind, cores[1])
                    table.add(ROWS[kind], "s/GB", relay.name, figure, busy)
            made.append(table)
    finally:
        for relay in [*contestants, *servers]:
            relay.stop()
    return made
