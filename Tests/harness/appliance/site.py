"""The environment of the machines: the network, two Connection Servers, certificates, and clients."""

import concurrent.futures
import contextlib
import json
import subprocess
import sys
from pathlib import Path

from harness.certificates import Authority

from .machine import Machine
from .network import Network

HERE = Path(__file__).parent
NAME = "view.domain.local"

CONFIGURATION = """\
service: view.domain.local
tls: { certificate: /etc/belvedere/tls/view.pem }
servers:
  view01: 192.168.1.165
  view02: 192.168.1.166
trust: { ca: /etc/belvedere/tls/domain-ca.pem }
"""


class Site:
    def __init__(self, scratch):
        self.scratch = Path(scratch)
        self._issuer = Authority(self.scratch / "authority", "domain CA")
        self.authority = self._issuer.certificate
        self.network = Network()
        self.machines, self._programs = [], []
        certificate = self.certificate(serial=1)
        for name, address in (("view01", "192.168.1.165"), ("view02", "192.168.1.166")):
            self._programs.append(self.network.start(sys.executable, HERE / "connection_server.py", name, address, certificate))

    def certificate(self, serial):
        """A PEM file with a certificate of the service that has this serial number, and its key."""
        file = self.scratch / f"view-{serial}.pem"
        if not file.exists():
            issued = self._issuer.issue(NAME, serial=serial)
            file.write_text(issued.leaf_pem + issued.key.read_text())
        return file

    def machine(self, name, address):
        machine = Machine(name, self.scratch)
        self.machines.append(machine)
        self.network.attach(machine, address)
        return machine

    def pair(self):
        """lb1 and lb2 of the guide, booted at the same time."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(self.machine, ("lb1", "lb2"), ("192.168.1.162", "192.168.1.163")))

    def configure(self, machine, text=CONFIGURATION):
        """The administrator's steps between `apt install` and `systemctl start`."""
        machine.write("/etc/belvedere/belvedere.yaml", text)
        machine.write("/etc/belvedere/tls/domain-ca.pem", self.authority.read_text())
        self.give_certificate(machine, serial=100)

    def give_certificate(self, machine, serial):
        text = self.certificate(serial).read_text()
        machine.write("/etc/belvedere/tls/view.pem", text, owner="root:belvedere", mode="0640")

    # Clients

    def curl(self, address, *options, path="/"):
        return self.network.run("curl", "--silent", "--show-error", "--max-time", 20, "--cacert", self.authority,
                                "--connect-to", f"{NAME}:443:{address}:443", *options, f"https://{NAME}{path}")  # fmt: skip

    def stream(self, address):
        """A client that has started to receive an endless response."""
        program = self.network.start(
            "curl", "--silent", "--no-buffer", "--cacert", self.authority, "--connect-to", f"{NAME}:443:{address}:443",
            f"https://{NAME}/stream", stdout=subprocess.PIPE)  # fmt: skip
        self._programs.append(program)
        assert program.stdout.read(5) == "hello"
        return program

    def is_served(self, address):
        return self.curl(address).stdout in ("view01", "view02")

    @contextlib.contextmanager
    def load(self, address, *, most_seconds=120):
        """Clients that keep connecting while the body runs; afterwards their result contains what they counted."""
        result = {}
        program = self.network.start(sys.executable, HERE / "clients.py", address, self.authority, most_seconds,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        self._programs.append(program)
        assert program.stdout.readline() == "began\n"
        yield result
        result.update(json.loads(program.communicate(timeout=most_seconds + 60)[0]))

    def end(self):
        for program in self._programs:
            program.kill()
            program.wait()
        for machine in self.machines:
            machine.end()
        self.network.end()
