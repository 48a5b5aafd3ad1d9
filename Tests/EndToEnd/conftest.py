import pytest
from harness.scene import Scene


@pytest.fixture
def scene(tmp_path, certificates):
    """The actors of one test."""
    scene = Scene(tmp_path, certificates)
    yield scene
    scene.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory, certificates):
    """The actors of a whole file, for tables whose rows leave no trace."""
    scene = Scene(tmp_path_factory.mktemp("shared"), certificates)
    yield scene
    scene.end()
