"""A wall clock for one node, set by a test. The machine's clock does not change; namespaces have no wall clock of their
own (time_namespaces(7))."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from harness.service import binary


class Clock:
    def __init__(self, directory):
        compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
        if not compiler:
            pytest.skip("no C compiler is installed")
        if b"__asan_init" in binary().read_bytes() or b"__tsan_init" in binary().read_bytes():
            pytest.skip("a sanitizer's library wants to be the first")
        self._library, self._file = directory / "clock.so", directory / "clock"
        done = subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", self._library, Path(__file__).parent / "clock.c"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.set(0)

    def set(self, seconds):
        """Sets the offset from the machine's clock in seconds."""
        # In place, because the file is mapped.
        with open(self._file, "r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    @property
    def prefix(self):
        """The prefix of a command that uses this clock."""
        return ["env", f"LD_PRELOAD={self._library}", f"CLOCK_OFFSET={self._file}"]
