"""Commands that have to succeed, and scripts."""

import subprocess


def printed_by(*words, **options):
    """What a command printed; it has to end with 0."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def script(path, text):
    """A shell script that anybody may run."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def openssl(*words, **options):
    return printed_by("openssl", *words, **options)


def ip(*words):
    return printed_by("ip", *words)
