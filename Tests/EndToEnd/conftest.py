import pytest
from harness.testbed import Testbed


@pytest.fixture
def testbed(tmp_path, certificates):
    """The balancers of one test and the servers behind them."""
    testbed = Testbed(tmp_path, certificates)
    yield testbed
    testbed.end()


@pytest.fixture(scope="module")
def shared_testbed(tmp_path_factory, certificates):
    """The same for a whole file, for tables whose rows leave no trace."""
    testbed = Testbed(tmp_path_factory.mktemp("shared"), certificates)
    yield testbed
    testbed.end()
