"""The command line: what a person types, and what comes back."""

import re

import pytest
from harness.service import belvedere


def test_help_names_every_command_and_none_that_is_not_for_people():
    for arguments in ([], ["--help"], ["help"]):
        run = belvedere(*arguments)
        assert run.returncode == 0
        for word in ("belvedere demo", "/etc/belvedere/belvedere.yaml", "EXIT STATUS", "run", "check", "version"):
            assert word in run.stdout
        assert "worker" not in run.stdout.split("SUBCOMMANDS")[1]


def test_version_names_what_it_stands_on():
    run = belvedere("version")
    assert run.returncode == 0
    assert re.fullmatch(r"belvedere \d+\.\d+\.\d+\nOpenSSL 3\..*\nSwift 6\..*\n", run.stdout)
    assert belvedere("--version").stdout == run.stdout.split()[1] + "\n"


@pytest.mark.parametrize("arguments", [["serve"], ["run", "--nonsense"], ["check", "-c"]])
def test_what_is_not_understood_is_a_wrong_call(arguments):
    run = belvedere(*arguments)
    assert run.returncode == 64
    assert "Usage" in run.stderr


def test_worker_is_not_for_hands():
    run = belvedere("worker")
    assert run.returncode == 64
    assert "belvedere run" in run.stderr
