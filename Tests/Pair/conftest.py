import pytest
from harness.pair import lan
from harness.pair.scene import Scene


@pytest.fixture(scope="session", autouse=True)
def network():
    """The network that this process has moved into."""
    reason = lan.obstacle()
    if reason is not None:
        pytest.skip(reason)
    return lan.Lan()


@pytest.fixture
def scene(tmp_path, certificates, network):
    """Nodes, servers and clients of one test."""
    scene = Scene(tmp_path, certificates, network)
    yield scene
    scene.end()
