"""The balancers of a test, their servers, and the checks at the end of every test."""

import shutil

import pytest

from .apache import Apache
from .belvedere import Belvedere
from .nginx import Nginx
from .server import ConnectionServer, page
from .service import binary
from .tomcat import STARTUP, Tomcat


class Testbed:
    """Creates servers and balancers in one directory, and ends all of them, balancers first."""

    def __init__(self, directory, certificates):
        self.directory = directory
        self.certificates = certificates
        self.balancers, self.servers, self.others = [], [], []

    def server(self, name="view01", *, certificate=None, script=page, **options):
        """A scripted Connection Server with the service's certificate."""
        server = ConnectionServer(name, certificate or self.certificates.front, script=script, **options)
        self.servers.append(server)
        return server

    def nginx(self, name="view01", **options):
        return self._real(Nginx, "nginx", "nginx-light", name, **options)

    def apache(self, name="view01", **options):
        return self._real(Apache, "apache2", "apache2-bin", name, **options)

    def tomcat(self, name="view01", **options):
        return self._real(Tomcat, STARTUP, "tomcat10-user", name, **options)

    def _real(self, kind, program, package, name, *, certificate=None, **options):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (Debian: {package})")
        directory = self.directory / f"{kind.__name__.lower()}-{name}-{len(self.others)}"
        directory.mkdir(parents=True)
        server = kind(name, directory, certificate or self.certificates.front, **options)
        self.others.append(server)
        return server.start()

    def proxy(self, make, balancer, source, **options):
        """A proxy in front of a balancer, to which it connects from `source`."""
        proxy = make(self.directory / f"proxy-{len(self.others)}", balancer, source, **options)
        self.others.append(proxy)
        return proxy

    def balance(self, *servers, serving=True, start=True, server_changes=None, stdout=None, stderr=None, **changes):
        """A balancer in front of `servers`; `changes` are merged over its configuration (`_` in keys stands for `-`).
        Returns once a request has been served, or, with `serving=False`, once its port listens."""
        if binary() is None:
            pytest.skip("no binary: build belvedere, or name one in BELVEDERE")
        directory = self.directory / f"belvedere-{len(self.balancers)}"
        directory.mkdir(parents=True)
        changes = {key.replace("_", "-"): value for key, value in changes.items()}
        balancer = Belvedere(
            directory, self.certificates, servers,
            changes=changes, server_changes=server_changes, stdout=stdout, stderr=stderr,
        )  # fmt: skip
        self.balancers.append(balancer)
        if start:
            balancer.start()
            if serving:
                balancer.wait_until_serving()
        return balancer

    def end(self):
        """Ends everything, even if one end fails, and then reports the failures."""
        faults = []
        for actor in [b.end for b in self.balancers] + [s.stop for s in self.servers + self.others]:
            try:
                actor()
            except Exception as fault:
                faults.append(str(fault))
        faults += [f"{server.name}: {fault}" for server in self.servers for fault in server.failures]
        assert not faults, "\n".join(faults)
