import os
from pathlib import Path

import pytest
from harness.service import binary
from harness.certificates import CertificateFactory


def pytest_report_header():
    named = [os.environ[name] for name in ("BELVEDERE", "BELVEDERE_DEB", "BELVEDERE_RPM") if name in os.environ]
    return f"under test: {', '.join(named) or binary()}"


def pytest_collection_modifyitems(items):
    """A long test that begins last would run alone in the end."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(scope="session")
def deb():
    """The package for Debian under test."""
    return Path(os.environ["BELVEDERE_DEB"])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return CertificateFactory(tmp_path_factory.mktemp("certificates"))
