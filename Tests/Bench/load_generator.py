"""Drives the load generators, load.c and relay.c."""
import json
import subprocess
from pathlib import Path

from harness.processes import die_with_parent


class Load:
    """The load generator, started and ready: every client has received its first answer."""

    def __init__(self, binary: Path, core: int | None, arguments: list[str], port: int, path: str):
        pin = ["taskset", "-c", str(core)] if core is not None else []
        self.process = subprocess.Popen(
            [*pin, binary, *arguments, "127.0.0.1", str(port), path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        if self.process.stdout.readline() != "ready\n":
            self.end()
            raise SystemExit("the load did not get its first answers")

    def run(self) -> dict:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the load failed")
        return json.loads(line)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def build_load(work: Path, name: str = "load") -> Path:
    binary = work / name
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-pthread", "-o", binary, source, "-lssl", "-lcrypto"], check=True)
    return binary
