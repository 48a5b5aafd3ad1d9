import pytest
from harness.belvedere import binary
from harness.certificates import Certificates
from stage import lan
from stage.scene import Scene


def pytest_report_header():
    return f"belvedere under test: {binary()}"


def pytest_collection_modifyitems(items):
    reason = lan.obstacle()
    if reason is not None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def network():
    """The network that this process has moved into."""
    return lan.Lan()


@pytest.fixture
def scene(tmp_path, certificates, network):
    """Nodes, servers and clients of one test."""
    scene = Scene(tmp_path, certificates, network)
    yield scene
    scene.end()
