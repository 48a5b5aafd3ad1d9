"""A Prometheus with the alerts of the package."""

import json
import re
import shutil
import urllib.parse
import urllib.request

import pytest
import yaml

from . import ROOT
from .program import Program
from .waiting import TIMEOUT, free_port, fresh_address, wait_until

ALERTS = ROOT / "packaging/examples/prometheus-alerts.yml"
DASHBOARD = ROOT / "packaging/examples/grafana-dashboard.json"


def alerts():
    """The rules, as in their file."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels(window="1m"):
    """Title and expression of each query of the dashboard."""
    board = json.loads(DASHBOARD.read_text())
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", window).replace("$instance", ".*"))
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]


def ungated(expression):
    """Without `and on (…) … == 1` and `unless on (…) … == 1`."""
    return re.sub(r" (?:and|unless) on \([\w, ]+\) .+? == 1\b", "", expression)


def has_data(expression):
    """The expression, which has a result although what it compares with 1 may be true for none."""
    return ungated(expression).removesuffix(" == 1")


class Prometheus(Program):
    """Scrapes these targets once a second: address, port and path by job. `settings` are those of each job."""

    def __init__(self, directory, targets, rules=ALERTS, **settings):
        if not shutil.which("prometheus"):
            pytest.skip("prometheus is not installed (Debian: prometheus)")
        super().__init__(directory / "prometheus-log")
        self.address = fresh_address()
        self.port = free_port(self.address)
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"{address}:{port}"]}], **settings}
                for job, (address, port, path) in targets.items()
            ],
        }
        file = directory / "prometheus.yml"
        file.write_text(json.dumps(configuration))
        self.launch(
            ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={directory / 'prometheus'}",
             f"--web.listen-address={self.address}:{self.port}", "--log.level=warn"]
        )  # fmt: skip
        wait_until(self.is_ready, lambda: f"Prometheus\n{self.log}")

    def is_ready(self):
        self.assert_running()
        try:
            return urllib.request.urlopen(f"http://{self.address}:{self.port}/-/ready", timeout=TIMEOUT).status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        url = f"http://{self.address}:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]
