"""A Prometheus with the alerts of the package."""

import json
import shutil
import urllib.parse
import urllib.request

import pytest

from . import ROOT
from .program import Program
from .waiting import TIMEOUT, free_port, fresh_address, wait_until

ALERTS = ROOT / "packaging/examples/prometheus-alerts.yml"


class Prometheus(Program):
    """Scrapes these targets once a second: address, port and path by job. `settings` are those of each job."""

    def __init__(self, directory, targets, **settings):
        if not shutil.which("prometheus"):
            pytest.skip("prometheus is not installed (Debian: prometheus)")
        super().__init__(directory / "prometheus-log")
        self.address = fresh_address()
        self.port = free_port(self.address)
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
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
