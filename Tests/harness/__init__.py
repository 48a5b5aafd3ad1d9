"""Shared code of the Python suites: the balancer under test, its servers and clients, certificates, networks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
