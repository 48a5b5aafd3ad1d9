"""`belvedere demo`: the printed commands work, servers are killed and started by commands, and it removes its files."""

import fcntl
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness.program import Program
from harness.service import binary
from harness.waiting import free_port, wait_until

ADDRESS = "127.0.0.1"


class Demo(Program):
    """A demonstration in its own process session."""

    def __init__(self, directory, *options, stdin=subprocess.PIPE):
        self.port = free_port(ADDRESS)
        self.redirect_port = free_port(ADDRESS)
        self.output_file = directory / "output"
        super().__init__(directory / "log")
        ports = ["--port", self.port, "--redirect-port", self.redirect_port]
        with open(self.output_file, "wb") as output:
            self.launch([binary(), "demo", *ports, *options], stdin=stdin, stdout=output)

    def wait_until_serving(self):
        def told():
            self.assert_running()
            return "And here:" in self.output

        wait_until(told, lambda: f"the banner\n{self.output}\n{self.log}")
        return self

    @property
    def output(self):
        return self.output_file.read_text(errors="replace")

    @property
    def commands(self):
        """The printed commands, by purpose."""
        return dict(re.findall(r"^  # (.*)\n  (.*)$", self.output, re.MULTILINE))

    def tries(self, purpose):
        """The standard output of the printed command for this purpose."""
        [command] = [command for what, command in self.commands.items() if purpose in what]
        # Smaller than printed: the tests need no gigabytes.
        command = command.replace("000000000", "000000").replace("500000000", "500000")
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60).stdout

    def types(self, line):
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def server_of(self, source):
        """The server that greets this client, or None."""
        page = subprocess.run(
            ["curl", "-sk", "--interface", source, f"https://{ADDRESS}:{self.port}/"],
            capture_output=True, text=True, timeout=60,
        ).stdout  # fmt: skip
        found = re.search(r"<h1>(\w+)</h1>", page)
        return found and found[1]

    def folders(self):
        """The folders with the configuration and the key of its balancer."""
        found = set()
        for pid in self.living():
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if "--configuration" in words:
                found.add(Path(words[words.index("--configuration") + 1]).parent)
        return found

    def end(self):
        """Removes its folder, which it can't do when it is killed."""
        folders = self.folders()
        self.destroy()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        self.assert_no_crash()


@pytest.fixture
def alone(tmp_path_factory):
    """One demonstration at a time: they use the same ports, and one could take the port of another's dead server."""
    with open(tmp_path_factory.getbasetemp().parent / "demonstration", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def start(tmp_path, alone):
    demos = []

    def start(*options, **arguments):
        directory = tmp_path / str(len(demos))
        directory.mkdir()
        demos.append(Demo(directory, *options, **arguments))
        return demos[-1]

    yield start
    for demo in demos:
        demo.end()


def test_every_printed_command_works_as_described(start):
    demo = start().wait_until_serving()
    assert len(demo.commands) == 11
    assert re.search(r"<h1>view0[12]</h1>", demo.tries("which server answers"))
    greeting = demo.tries("six clients")
    assert len(greeting.splitlines()) == 6 and {"view01", "view02"} == set(re.findall(r"view0\d", greeting))
    assert demo.tries("six clients") == greeting
    redirect = demo.tries("sent to https")
    assert f"Location: https://{ADDRESS}:{demo.port}/portal/?a=b" in redirect
    assert "<broker-guid>" in demo.tries("View client")
    assert f"X-Forwarded-For: {ADDRESS}" in demo.tries("server sees")
    assert demo.tries("gigabyte down") == ""
    assert re.fullmatch(r"[0-9a-f]{64}\n", demo.tries("gigabyte up"))
    assert len(demo.tries("tunnel").splitlines()) == 3
    assert "101 Switching Protocols" in demo.tries("WebSocket")
    assert re.search(r"^view02 +up ", demo.tries("balancer is at"), re.MULTILINE)
    assert "view01: drain" in demo.tries("view01 out of service")
    warnings = [line for line in demo.log.splitlines() if " warning " in line]
    assert [line for line in warnings if "not in a build with a sanitizer" not in line] == []


def test_servers_are_killed_drained_and_started_by_commands(start):
    demo = start().wait_until_serving()
    assigned = {source: demo.server_of(source) for source in (f"127.0.0.{n}" for n in range(6, 12))}
    assert set(assigned.values()) == {"view01", "view02"}

    demo.types("kill view01")
    demo.wait_for_log(r"view01 is down")
    assert {demo.server_of(source) for source in assigned} == {"view02"}
    demo.types("start view01")
    demo.wait_for_log(r"view01 is up, was down")

    demo.types("drain view02")
    demo.wait_for_log(r"view02 is drain")
    # All of them are assigned to view02 by now, so it keeps them.
    assert {demo.server_of(source) for source in assigned} == {"view02"}
    assert {demo.server_of(f"127.0.1.{n}") for n in range(1, 6)} == {"view01"}

    demo.types("status")
    wait_until(lambda: re.search(r"view02 .* draining, ", demo.output), lambda: demo.output)
    demo.types("quit")
    assert demo.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_demo_without_a_terminal_serves_until_it_is_stopped(start, number):
    demo = start(stdin=subprocess.DEVNULL).wait_until_serving()
    assert demo.server_of("127.0.0.1")
    [folder] = demo.folders()
    assert folder.stat().st_mode & 0o777 == 0o700
    demo.process.send_signal(number)
    assert demo.wait() == 0
    assert not folder.exists(), "the private key is left behind"


def test_demo_goes_on_after_the_end_of_standard_input(start):
    demo = start().wait_until_serving()
    demo.types("help")
    demo.process.stdin.close()
    wait_until(lambda: demo.output.count("kill view01") == 2, lambda: demo.output)
    assert demo.server_of("127.0.0.1")


def test_demo_ends_after_the_given_number_of_seconds(start):
    demo = start("--seconds", "1", stdin=subprocess.DEVNULL)
    assert demo.wait() == 0


def test_killed_demo_leaves_no_process_behind(start):
    demo = start().wait_until_serving()
    [folder] = demo.folders()
    demo.process.kill()
    assert demo.wait() == -signal.SIGKILL
    shutil.rmtree(folder)


def test_port_in_use_is_reported(start):
    first = start().wait_until_serving()
    second = start("--port", str(first.port))
    assert second.wait() == 1
    assert f"{first.port}" in second.log and "in use" in second.log
