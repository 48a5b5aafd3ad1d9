"""`belvedere status --watch` in a terminal."""

import os
import re
import signal

import pytest
from harness.processes import processes
from harness.service import binary
from harness.terminal import Terminal
from harness.waiting import free_port, fresh_address, wait_until


@pytest.fixture
def terminals(tmp_path):
    """Opens terminals with a shell."""
    opened = []

    def open_terminal(*size, **environment):
        directory = tmp_path / f"terminal-{len(opened)}"
        directory.mkdir()
        opened.append(Terminal(directory, *size, **environment))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()


def watch(terminal, balancer, *options, shows="view01"):
    """Runs it until its screen is drawn."""
    terminal.run(binary(), "status", "--watch", "--control", balancer.control, *options)
    return terminal.wait_for(lambda: terminal.is_whole and shows in terminal.text)


def watcher(terminal):
    """The process of the command in the terminal's shell."""
    found = [pid for pid, (_, parent, session) in processes().items() if session == terminal.process.pid != pid]
    assert len(found) == 1, found
    return found[0]


def row(terminal, name):
    return next((line for line in terminal.lines if line.startswith(f"{name} ")), "")


def test_screen_shows_a_server_that_dies_and_returns(testbed, terminals):
    servers = [testbed.server("view01"), testbed.server("view02")]
    balancer = testbed.balance(*servers, health={"interval": "200ms", "jitter": "0s", "rise": 1, "fall": 1})
    terminal = watch(terminals(), balancer)
    terminal.wait_for(lambda: row(terminal, "view02").split()[1:2] == ["up"])
    assert re.match(r"belvedere \d+\.\d+\.\d+ on \S+: serving +as of \d\d:\d\d:\d\d UTC$", terminal.lines[0])
    assert terminal.lines[-1].startswith(" q quit ")
    servers[1].die()
    terminal.wait_for(lambda: row(terminal, "view02").split()[1:2] == ["down"])
    terminal.wait_for("servers      1 of 2 up")
    # What needs attention comes first.
    shown = [line.split()[0] for line in terminal.lines if line.startswith("view0")]
    assert shown == ["view02", "view01"]
    servers[1].start()
    terminal.wait_for("servers      2 of 2 up")


def test_screen_follows_the_size_of_the_terminal(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(80, 24), balancer)
    for columns, rows in ((200, 60), (40, 20), (12, 3), (80, 24)):
        terminal.resize(columns, rows)
        terminal.wait_for(lambda: terminal.lines[-1].startswith(" q") or columns < 20 and terminal.lines[0].startswith("belvedere"))
        # Nothing of a larger screen is left: the rows are those of one frame.
        terminal.wait_for(lambda: sum("q quit" in line for line in terminal.lines) == (columns >= 20))
    assert "view01" in terminal.text


@pytest.mark.parametrize("end", ["q", "\x03", "\x1c"])
def test_screen_is_restored_at_the_end(testbed, terminals, end):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = terminals()
    terminal.run("echo before").wait_for(lambda: "before" in terminal.lines)
    watch(terminal, balancer)
    assert not terminal.is_restored and "echo before" not in terminal.text
    terminal.type(end)
    terminal.wait_for(lambda: terminal.is_restored and terminal.prompts() == 3)
    assert "before" in terminal.lines and "view01" not in terminal.text
    terminal.run("echo status $?")
    terminal.wait_for({"q": "status 0", "\x03": "status 130", "\x1c": "status 0"}[end])


def test_screen_is_restored_after_SIGTERM(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(), balancer)
    os.kill(watcher(terminal), signal.SIGTERM)
    terminal.wait_for(lambda: terminal.is_restored and "Terminated" in terminal.text)


def test_command_ends_with_its_terminal(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(), balancer)
    command = watcher(terminal)
    os.kill(terminal.process.pid, signal.SIGHUP)
    wait_until(lambda: processes().get(command, ("Z",))[0] == "Z", "the end of the command")


def test_screen_is_put_aside_and_taken_up_again(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(), balancer)
    terminal.type("\x1a")
    terminal.wait_for(lambda: terminal.is_restored and "Stopped" in terminal.text)
    terminal.run("fg")
    terminal.wait_for(lambda: terminal.is_whole and "view01" in terminal.text)
    # Stopped by another process, which the command does not see.
    os.kill(watcher(terminal), signal.SIGSTOP)
    terminal.wait_for("Stopped")
    terminal.run("fg").wait_for(lambda: " q quit " in terminal.lines[-1] and "view01" in terminal.text)
    terminal.type("q").wait_for(lambda: terminal.is_restored)


def test_screen_goes_on_over_a_restart_of_the_service(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(), balancer)
    balancer.stop()
    terminal.wait_for("What is shown is")
    terminal.wait_for("the service is not running")
    # What was known is still there.
    assert "view01" in terminal.text
    balancer.start().wait_until_serving()
    terminal.wait_for("the service was restarted")
    assert "What is shown is" not in terminal.text


def test_keys_act_while_the_service_hangs(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = watch(terminals(), balancer)
    balancer.signal(signal.SIGSTOP)
    terminal.wait_for("old: the service does not answer")
    terminal.type("?").wait_for("scroll by a page")
    balancer.signal(signal.SIGCONT)
    terminal.type(" ").wait_for(lambda: "view01" in terminal.text and "What is shown" not in terminal.text)
    terminal.type("q").wait_for(lambda: terminal.is_restored)


def test_200_servers_are_scrolled_and_sorted(testbed, terminals):
    address = fresh_address()
    # Most of them do not exist.
    servers = {f"view{number:03}": {"address": address, "port": free_port(address)} for number in range(199)}
    balancer = testbed.balance(testbed.server("real"), servers=servers, trust="insecure-no-verification", health={"fall": 1})
    terminal = watch(terminals(100, 30), balancer, shows="servers ")
    terminal.wait_for("servers      1 of 200 up")
    assert "real " not in terminal.text
    assert row(terminal, "view000").split()[1] == "down"
    terminal.type("s").wait_for("s sort: configured")
    assert row(terminal, "real").split()[1] == "up"
    terminal.type("\x1b[6~").wait_for(lambda: "servers  " not in terminal.text and "view0" in terminal.text)
    assert terminal.lines[0].startswith("belvedere ")
    terminal.type("G").wait_for("view198")
    terminal.type("g").wait_for("servers      1 of 200 up")


@pytest.mark.parametrize("option, environment", [("--no-color", {}), ("", {"NO_COLOR": "1"})])
def test_screen_has_no_colours_when_they_are_not_wanted(testbed, terminals, option, environment):
    balancer = testbed.balance(testbed.server("view01"))
    plain, coloured = terminals(**environment), terminals()
    watch(plain, balancer, option)
    watch(coloured, balancer)
    assert re.search(r"\x1b\[[0-9;]+m", coloured.output.split("\x1b[?1049h")[1])
    assert not re.search(r"\x1b\[[0-9;]+m", plain.output.split("\x1b[?1049h")[1])


def test_a_terminal_without_a_cursor_gets_one_status_after_another(testbed, terminals):
    balancer = testbed.balance(testbed.server("view01"))
    terminal = terminals(80, 60, TERM="dumb")
    terminal.run(binary(), "status", "--watch", "--control", balancer.control)
    terminal.wait_for(lambda: terminal.text.count(": serving") == 2)
    assert "\x1b[H" not in terminal.output and "\x1b[31m" not in terminal.output
    terminal.type("\x03").wait_for("^C\nready>")


def test_screen_is_not_begun_where_the_service_does_not_run(testbed, terminals):
    terminal = terminals()
    terminal.run(binary(), "status", "--watch", "--control", "/nonexistent/control", ";", "echo status $?")
    terminal.wait_for("status 69")
    assert "the service is not running" in " ".join(terminal.lines).replace("  ", " ") and "\x1b[?1049h" not in terminal.output
