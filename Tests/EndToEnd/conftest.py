import os
import tempfile
from pathlib import Path

import pytest
from harness.client_certificates import ClientAuthority
from harness.server import page
from harness.testbed import Testbed


@pytest.fixture
def testbed(tmp_path, certificates):
    """The balancers of one test and the servers behind them."""
    testbed = Testbed(tmp_path, certificates)
    yield testbed
    testbed.end()


@pytest.fixture
def folder():
    """A folder of the test's own that every user may enter, unlike those of the test bed."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def shared_testbed(tmp_path_factory, certificates):
    """The same for a whole file, for tables whose rows are independent."""
    testbed = Testbed(tmp_path_factory.mktemp("shared"), certificates)
    yield testbed
    testbed.end()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority for certificates of clients, for a whole file."""
    return ClientAuthority(tmp_path_factory.mktemp("clients") / "authority", "Clients CA")


@pytest.fixture(scope="module")
def balanced(shared_testbed):
    """One balancer with one server, for a whole file."""
    server = shared_testbed.server()
    return shared_testbed.balance(server), server


@pytest.fixture
def plain_server(balanced):
    """Resets the server's records and its script."""
    balanced[1].forget()
    yield
    balanced[1].script = page
