"""The alerts and the dashboard of the package, in a Prometheus that scrapes both nodes of a pair under load."""

import json
import re
import threading
import time
from pathlib import Path

import pytest
from harness.client import connect_plain
from harness.observer import Observer
from harness.pair import channel
from harness.pair.balancer import Balancer
from harness.pair.lan import Lan
from harness.prometheus import Prometheus, alerts, has_data, panels
from harness.waiting import TIMEOUT, wait_until

pytestmark = pytest.mark.once

QUICK = {"interval": "200ms", "rise": 1, "fall": 1, "jitter": "0s"}
LIMIT = 200
# Alerts wait for a second, and look back as far as a few scrapes.
WINDOW = "8s"
# Instances; an empty set is any.
ANY, LB1, LB2, BOTH = set(), {"192.0.2.11:9350"}, {"192.0.2.12:9350"}, {"192.0.2.11:9350", "192.0.2.12:9350"}


class Load(threading.Thread):
    """Requests to the virtual address without end, each on its own connection; `access` refuses two of three."""

    def __init__(self, testbed):
        super().__init__(daemon=True)
        self.testbed, self.answers, self.ended = testbed, [], False

    def run(self):
        while not self.ended:
            try:
                self.answers.append(self.testbed.get(target="/" if len(self.answers) % 3 == 0 else "/admin").status)
            except (OSError, EOFError, AttributeError, AssertionError):
                self.answers.append(None)


@pytest.fixture
def quick_alerts(tmp_path):
    """The alerts, which fire at once."""
    rules = alerts()
    for rule in rules:
        rule["for"] = "1s"
        rule["expr"] = re.sub(r"\[\d+m\]", f"[{WINDOW}]", rule["expr"])
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "belvedere", "rules": rules}]}))
    return file


@pytest.fixture
def issue(certificates):
    """Issues a certificate for a service, which is valid for a number of days."""

    def issue(name, days):
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
        made = certificates.authority.issue(name, end=end)
        return {"certificate": str(made.chain), "key": str(made.key)}

    return issue


@pytest.fixture
def monitored(testbed, certificates, issue, secret, tmp_path, quick_alerts):
    """The nodes of a pair with their observers, and the Prometheus that scrapes both. The first observer has a certificate
    that expires soon, until it is started again."""
    authority = certificates.authority.certificate
    files = {name: tmp_path / f"observe.{name}" for name in ("certificate", "key")}
    for name in ("view01", "view02"):
        testbed.server(name)
    changes = channel.settings(secret) | {
        "health": QUICK, "limits": {"connections": LIMIT},
        # Connections that say nothing stay until they are closed.
        "timeouts": {"tls-handshake": "10m"},
        "access": {"paths": {"/admin": {"deny": ["0.0.0.0/0", "::/0"]}}},
    }  # fmt: skip
    nodes, observers = [], []
    for name, role in (("lb1", "active"), ("lb2", "backup")):
        observe = {"networks": [f"{Lan.CLIENT}/32"], "tls": {kind: str(file) for kind, file in files.items()}}
        node = testbed.balancer(testbed.node(name), start=False, observe=observe, **changes)
        for kind, made in issue("observe.test", 10 if name == "lb1" else 400).items():
            files[kind].write_bytes(Path(made).read_bytes())
            files[kind].chmod(0o600)
        observers.append(Observer(node, node.node.address))
        nodes.append(node.start().wait_until(role))
        observers[-1].start()
    targets = [{"targets": [f"{observer.address}:{observer.port}" for observer in observers]}]
    prometheus = Prometheus(tmp_path, {"belvedere": (*observers[0].endpoint, "/metrics")}, quick_alerts, static_configs=targets,
                            scheme="https", tls_config={"ca_file": str(authority), "server_name": "observe.test"})  # fmt: skip
    yield prometheus, nodes, observers
    prometheus.destroy()
    for observer in observers:
        observer.stop()


def firing(prometheus):
    """Instances by alert."""
    found = {}
    for alert in prometheus.ask("alerts")["alerts"]:
        if alert["state"] == "firing":
            found.setdefault(alert["labels"]["alertname"], set()).add(alert["labels"].get("instance", ""))
    return found


def test_alerts_fire_and_end_on_a_pair_under_load_and_every_panel_has_data(testbed, monitored, issue):
    prometheus, (first, second), observers = monitored
    view01, view02 = testbed.servers

    def expect(*quiet, **expected):
        """Waits until these alerts fire, and those have ended."""

        def agree():
            found = firing(prometheus)
            return not set(quiet) & set(found) and all(name in found and found[name] >= of for name, of in expected.items())

        wait_until(agree, lambda: f"{expected}, none of {quiet}: {firing(prometheus)}", timeout=4 * TIMEOUT)

    # Nothing fires while all is well.
    wait_until(lambda: len(prometheus.query("belvedere_pair_node_up == 1")) == 2, "two nodes")
    wait_until(lambda: len(prometheus.query('belvedere_server_state{state="up"} == 1')) == 4, "servers that are up")
    expect(*{rule["alert"] for rule in alerts()} - {"BelvedereObserverCertificateExpires"}, BelvedereObserverCertificateExpires=LB1)
    load = Load(testbed)
    load.start()

    # A server dies, the other node has another certificate, which expires soon, and connections are left open.
    view02.stop()
    idle = [connect_plain((testbed.ADDRESS, Balancer.PORT)) for _ in range(LIMIT * 9 // 10)]
    former = second.configuration["tls"]
    second.reload({"tls": issue("view.test", 2)})
    expect(
        "BelvedereNoServer", BelvedereServerDown=BOTH, BelvedereNodesDiffer=BOTH, BelvedereConnectionsNearLimit=LB1,
        BelvedereAccessRefuses=LB1, BelvedereCertificateExpires=LB2, BelvedereCertificateExpiresSoon=LB2,
    )  # fmt: skip
    for title, expression in panels(WINDOW):
        wait_until(lambda query=has_data(expression): prometheus.query(query), f"{title}: a result of {expression}")
    view02.start()
    for connection in idle:
        connection.close()
    second.reload({"tls": former})
    expect(
        "BelvedereServerDown", "BelvedereNodesDiffer", "BelvedereConnectionsNearLimit", "BelvedereCertificateExpires",
        "BelvedereCertificateExpiresSoon",
    )  # fmt: skip

    # The nodes' advertisements do not arrive, and a server is worked on. Two nodes that know of each other by the pair's
    # channel, or by ARP, are not both Active for long: that alert has its series in test_alerts.py alone.
    for node in (first, second):
        node.node.filter("input meta l4proto 112 drop")
    first.server("view02", "maintenance")
    expect(BelvederePeerUnheard=BOTH, BelvedereServerInMaintenance=BOTH)
    for node in (first, second):
        node.node.remove_filter()
    first.server("view02", "ready")
    expect("BelvedereTwoActive", "BelvederePeerUnheard", "BelvedereServerInMaintenance")

    # No server is left.
    for server in (view01, view02):
        server.stop()
    expect(BelvedereNoServer=BOTH, BelvedereServerErrors=ANY)
    for server in (view01, view02):
        server.start()
    expect("BelvedereNoServer", "BelvedereServerErrors", "BelvedereNoActive", "BelvedereRouterFault")

    # A node dies; on the other one the observer does.
    first.kill()
    expect(BelvedereDown=LB1, BelvedereNodeDown=LB2)
    answered = len(load.answers)
    wait_until(lambda: 200 in load.answers[answered:], "an answer of the other node", timeout=2 * TIMEOUT)
    observers[0].process.kill()
    observers[0].wait()
    expect(BelvedereUnreachable=LB1)
    first.start()
    observers[0].start()
    expect("BelvedereUnreachable", "BelvedereDown", "BelvedereNodeDown", "BelvedereObserverCertificateExpires")
    load.ended = True
    load.join()
