import pytest
from harness.pair import lan
from harness.pair.channel import secret_file
from harness.pair.pair_testbed import Testbed


@pytest.fixture(scope="session", autouse=True)
def network():
    """The network of this process's namespace."""
    reason = lan.missing_requirement()
    if reason is not None:
        pytest.skip(reason)
    return lan.Lan()


@pytest.fixture
def testbed(tmp_path, certificates, network):
    """Nodes, servers and clients of one test."""
    testbed = Testbed(tmp_path, certificates, network)
    yield testbed
    testbed.end()


@pytest.fixture
def secret(testbed):
    """The file with the secret of nodes that know of each other."""
    return secret_file(testbed.directory)
