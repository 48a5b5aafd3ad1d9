import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_report_header():
    return f"packages under test: {os.environ['BELVEDERE_DEB']}, {os.environ['BELVEDERE_RPM']}"


@pytest.fixture(scope="session")
def deb():
    return Path(os.environ["BELVEDERE_DEB"])


@pytest.fixture(scope="session")
def rpm():
    return Path(os.environ["BELVEDERE_RPM"])


@pytest.fixture(scope="session")
def tree():
    """The staged tree that both were made of."""
    return Path(os.environ["BELVEDERE_TREE"])


@pytest.fixture(scope="session")
def packaging():
    return ROOT / "packaging"
