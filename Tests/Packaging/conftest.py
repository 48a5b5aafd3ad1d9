import os
from pathlib import Path

import pytest
from harness import ROOT


@pytest.fixture(scope="session")
def rpm():
    return Path(os.environ["BELVEDERE_RPM"])


@pytest.fixture(scope="session")
def tree():
    """The staged tree that both packages are built from."""
    return Path(os.environ["BELVEDERE_TREE"])


@pytest.fixture(scope="session")
def packaging():
    return ROOT / "packaging"
