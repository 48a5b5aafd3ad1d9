"""Running commands that must succeed, and writing scripts."""

import subprocess


def printed_by(*words, **options):
    """The output of a command, whose exit status must be 0."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def script(path, text):
    """A shell script that any user may run."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def openssl(*words, **options):
    return printed_by("openssl", *words, **options)


def ip(*words):
    return printed_by("ip", *words)
