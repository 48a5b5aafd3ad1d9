"""The alerts and the dashboard of the package, in a Prometheus that scrapes a running service and a full set of metrics."""

import http.server
import re
import shutil
import subprocess
import threading

import pytest
from harness import ROOT
from harness.observer import Observer
from harness.prometheus import ALERTS, Prometheus, alerts, has_data, panels, ungated
from harness.waiting import fresh_address, wait_until

pytestmark = pytest.mark.once

# Both formats have a sample of every metric, also of those that need a pair.
FULL = {"text": ROOT / "Tests/Observe/Golden/prometheus.txt", "openmetrics": ROOT / "Tests/Observe/Golden/openmetrics.txt"}
MEDIA_TYPES = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


class FullMetrics(http.server.BaseHTTPRequestHandler):
    """Answers /text and /openmetrics."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        body = FULL[kind].read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", MEDIA_TYPES[kind])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def monitored(tmp_path_factory, shared_testbed):
    """A balancer with a server that does not exist, and the Prometheus that scrapes it."""
    directory = tmp_path_factory.mktemp("monitored")
    absent = shared_testbed.server("view02")
    balancer = shared_testbed.balance(shared_testbed.server("view01"), absent, start=False, observe={})
    absent.stop()
    observer = Observer(balancer)
    balancer.start()
    observer.start()
    full = http.server.ThreadingHTTPServer((fresh_address(), 0), FullMetrics)
    threading.Thread(target=full.serve_forever, daemon=True).start()
    targets = {kind: (*full.server_address, f"/{kind}") for kind in FULL}
    prometheus = Prometheus(directory, {"belvedere": (*observer.endpoint, "/metrics"), **targets})
    yield prometheus
    prometheus.destroy()
    full.shutdown()
    full.server_close()
    observer.stop()


def test_promtool_accepts_the_alerts():
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (Debian: prometheus)")
    run = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True)
    assert run.returncode == 0 and f"{len(alerts())} rules found" in run.stdout, run.stdout + run.stderr


def test_prometheus_scrapes_all_targets_in_both_formats(monitored):
    wait_until(lambda: len(monitored.query("up == 1")) == 3, lambda: f"three targets: {monitored.ask('targets')}")
    assert monitored.query('belvedere_up{job="belvedere"}')
    # The same series by both formats.
    for kind, path in FULL.items():
        samples = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert len(monitored.query(f'{{__name__=~"belvedere_.*",job="{kind}"}}')) == len(samples)


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_has_data_to_compare(monitored, rule):
    compared = re.fullmatch(r"(.*?) (?:==|<|>) [\d.* ]+", ungated(rule["expr"]))
    wait_until(lambda: monitored.query(compared[1]), f"a result of {compared[1]}")


@pytest.mark.parametrize(("title", "expression"), panels())
def test_every_panel_has_data(monitored, title, expression):
    wait_until(lambda: monitored.query(has_data(expression)), f"a result of {expression}")


def test_server_that_is_down_raises_its_alert(monitored):
    def pending():
        return [
            alert
            for alert in monitored.ask("alerts")["alerts"]
            if alert["labels"]["alertname"] == "BelvedereServerDown" and alert["labels"]["job"] == "belvedere"
        ]

    [alert] = wait_until(pending, "the alert")
    assert alert["labels"]["server"] == "view02"
