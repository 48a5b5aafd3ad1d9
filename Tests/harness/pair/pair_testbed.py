"""The nodes, servers and programs of one test, and the checks at the end of every test."""

from harness.client import client_context, connect_tls
from harness.server import ConnectionServer
from harness.waiting import wait_until

from .balancer import Balancer
from .capture import Capture
from .keepalived import Keepalived
from .lan import Lan, Node
from .probe import AddressWatch, Probe


class Testbed:
    # The virtual address, and that of another pair for comparison.
    ADDRESS = "192.0.2.100"
    OTHER_ADDRESS = "192.0.2.101"

    def __init__(self, directory, certificates, network):
        self.directory, self.certificates, self.network = directory, certificates, network
        self.programs, self.nodes, self.servers, self.others = [], [], [], []

    def node(self, name):
        """A machine; lb1 is .11, lb2 is .12, and so on."""
        node = Node(name, 10 + int(name[-1]))
        self.nodes.append(node)
        return node

    def server(self, name="view01"):
        number = len(self.servers)
        server = ConnectionServer(name, self.certificates.front, address=Lan.SERVERS[number])
        self.servers.append(server)
        return server

    def balancer(self, node, *servers, start=True, vrrp=None, **changes):
        """A Belvedere on a node; `vrrp` is merged over the defaults of a pair."""
        directory = self.directory / node.name
        directory.mkdir(exist_ok=True)
        balancer = Balancer(node, directory, self.certificates, servers or self.servers, vrrp, changes)
        self.programs.append(balancer)
        return balancer.start() if start else balancer

    def pair(self, vrrp=None, **changes):
        """Two Belvederes in front of one server, the first one Active and the second one Backup and able to serve."""
        if not self.servers:
            self.server()
        first = self.balancer(self.node("lb1"), vrrp=vrrp, **changes).wait_until("active")
        second = self.balancer(self.node("lb2"), vrrp=vrrp, **changes).wait_until("backup")
        return first, second

    def keepalived(self, node, **options):
        directory = self.directory / node.name
        directory.mkdir(exist_ok=True)
        program = Keepalived(node, directory, **options)
        self.programs.append(program)
        return program.start()

    def keepalived_pair(self, **options):
        """Two keepalived with another address, for comparison."""
        options = {"address": f"{self.OTHER_ADDRESS}/24", "router": 52, **options}
        first = self.keepalived(self.node("lb3"), priority=101, **options).wait_until("MASTER")
        second = self.keepalived(self.node("lb4"), priority=100, **options).wait_until("BACKUP")
        return first, second

    def probe(self, address=ADDRESS):
        """A client that connects repeatedly."""
        probe = Probe(address, self.directory / f"probe-{len(self.programs)}")
        self.programs.append(probe)
        wait_until(lambda: probe.answers > 10, "connections")
        return probe

    def key(self):
        """A file with a key for keyed advertisements."""
        key = self.directory / "key"
        key.write_text("00112233445566778899aabbccddeeff" * 2 + "\n")
        return str(key)

    def watch(self, node):
        """Records when addresses are added to and removed from a node."""
        watch = AddressWatch(node, self.directory / f"watch-{len(self.programs)}")
        self.programs.append(watch)
        return watch

    def capture(self, **options):
        """Captures packets on the bridge."""
        capture = Capture(self.directory / f"capture-{len(self.programs)}", **options)
        self.programs.append(capture)
        return capture

    def get(self, address=ADDRESS, target="/", *fields):
        """One request to the virtual address, on its own connection."""
        context = client_context(self.certificates.authority.certificate)
        with connect_tls((address, Balancer.PORT), context, server_name="view.test") as client:
            return client.get(target, *fields)

    def end(self):
        faults = []
        ends = [p.end for p in reversed(self.programs)] + [s.stop for s in self.servers + self.others]
        for end in ends + [n.end for n in self.nodes]:
            try:
                end()
            except Exception as fault:
                faults.append(str(fault))
        assert not faults, "\n".join(faults)
