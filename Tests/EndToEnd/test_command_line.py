"""The command line: help, version and usage errors."""

import re

import pytest
from harness.service import belvedere

pytestmark = pytest.mark.once


def test_help_lists_every_public_command_and_no_other():
    for arguments in ([], ["--help"], ["help"]):
        run = belvedere(*arguments)
        assert run.returncode == 0
        for word in ("belvedere demo", "/etc/belvedere/belvedere.yaml", "EXIT STATUS", "run", "check", "version"):
            assert word in run.stdout
        assert "worker" not in run.stdout.split("SUBCOMMANDS")[1]


def test_version_lists_the_libraries():
    run = belvedere("version")
    assert run.returncode == 0
    assert re.fullmatch(r"belvedere \d+\.\d+\.\d+\nOpenSSL 3\..*\nSwift 6\..*\n", run.stdout)
    assert belvedere("--version").stdout == run.stdout.split()[1] + "\n"


@pytest.mark.parametrize("arguments", [["serve"], ["run", "--nonsense"], ["check", "-c"]])
def test_unknown_arguments_are_a_usage_error(arguments):
    run = belvedere(*arguments)
    assert run.returncode == 64
    assert "Usage" in run.stderr


def test_worker_command_can_not_be_run_by_hand():
    run = belvedere("worker")
    assert run.returncode == 64
    assert "belvedere run" in run.stderr
