import os
import signal
from pathlib import Path

import pytest
from harness import ground
from harness.site import Site


def pytest_report_header():
    return f"package under test: {os.environ['BELVEDERE_DEB']}"


def pytest_configure():
    # A job that is ended in order takes its machines down too.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM"))


def pytest_collection_modifyitems(items):
    reason = ground.obstacle()
    if reason is not None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def package():
    """The package under test."""
    return Path(os.environ["BELVEDERE_DEB"])


@pytest.fixture(scope="session")
def next_package():
    """The same with a higher version."""
    return Path(os.environ["BELVEDERE_NEXT_DEB"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.end()
