import os
import signal
from pathlib import Path

import pytest
from harness.appliance import prerequisites
from harness.appliance.site import Site


def pytest_configure():
    # On SIGTERM the fixtures are finalised, which stops the machines.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM"))


@pytest.fixture(scope="session", autouse=True)
def can_boot_machines():
    reason = prerequisites.missing_requirement()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def next_deb():
    """The package under test with a higher version."""
    return Path(os.environ["BELVEDERE_NEXT_DEB"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.end()
