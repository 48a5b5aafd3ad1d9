import os
from pathlib import Path

import pytest
from harness.service import binary
from harness.certificates import CertificateFactory


def pytest_report_header():
    named = [os.environ[name] for name in ("BELVEDERE", "BELVEDERE_DEB", "BELVEDERE_RPM") if name in os.environ]
    return f"under test: {', '.join(named) or binary()}"


def pytest_collection_modifyitems(items):
    """A long test that begins last would run alone in the end: each is the first of a process of its own."""
    long = [item for item in items if item.get_closest_marker("first")]
    items[:] = [item for item in items if item not in long]
    # As xdist's LoadScheduling does it, each process gets so many at first.
    part = max((len(items) + len(long)) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) // 4, 2)
    for number, item in enumerate(long):
        items.insert(number * part, item)


@pytest.fixture(scope="session")
def deb():
    """The package for Debian under test."""
    return Path(os.environ["BELVEDERE_DEB"])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return CertificateFactory(tmp_path_factory.mktemp("certificates"))
