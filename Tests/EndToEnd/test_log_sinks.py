"""Targets of logs: a file, a pipe, a full disk, a blocked reader. None of them delays a request."""

import os
import re
import signal
import threading

import pytest
from harness.waiting import wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]


def test_log_goes_to_a_file(testbed, tmp_path):
    file = tmp_path / "access.log"
    balancer = testbed.balance(testbed.server(), log={"access": {"target": str(file)}})
    assert balancer.get("/log/file").status == 200
    wait_until(lambda: file.exists() and "/log/file" in file.read_text(), "a line in the file")
    assert balancer.access_lines == []


def test_log_can_be_switched_off(testbed):
    balancer = testbed.balance(testbed.server(), log={"access": "off"})
    assert balancer.get("/log/off").status == 200
    balancer.end()
    assert balancer.access_lines == []


@pytest.mark.parametrize("format", ["httplog", "json"])
def test_many_long_log_lines_are_written_completely_or_counted_as_dropped(testbed, format):
    """An escaped line is up to six times as long as the request line."""
    changes = {"threads": 1, "log": {"access": {"format": format, "queries": "full"}}}
    balancer = testbed.balance(testbed.server(), **changes)
    clients = [balancer.connect_redirect() for _ in range(300)]
    # All of them are read in one turn of the loop.
    os.kill(balancer.worker, signal.SIGSTOP)
    try:
        for client in clients:
            client.send(b"\x01" * 1100 + b"\r\n\r\n")
    finally:
        os.kill(balancer.worker, signal.SIGCONT)
    for client in clients:
        assert client.answer().status in (400, 501)
        client.close()
    assert balancer.get("/log/last").status == 200
    balancer.wait_for_access("/log/last")
    escaped = "#01" * 1024 if format == "httplog" else "\\u0001" * 1024
    lines = [line for line in balancer.access_lines if escaped[:6] in line]
    assert all(line.count(escaped) == 1 for line in lines)

    def counted():
        return sum(int(count) for count in re.findall(r"access log:.* (\d+) lines were dropped", balancer.log))

    wait_until(lambda: len(lines) + counted() == 300, lambda: f"300 lines, {len(lines)} are there\n{balancer.log}")


def requests(balancer, count):
    with balancer.connect() as client:
        for number in range(count):
            assert client.get(f"/log/full/{number}/{'x' * 500}").status == 200


def redirects(balancer, count):
    """The cheapest requests with the longest lines."""
    for _ in range(count):
        with balancer.connect_redirect() as client:
            assert client.get(f"/log/full/{'x' * 950}").status == 301


def test_full_disk_delays_no_request_and_drops_are_counted(testbed):
    balancer = testbed.balance(testbed.server(), log={"access": {"target": "/dev/full"}})
    requests(balancer, 500)
    balancer.wait_for_log(r"access log.*dropped")


def test_blocked_reader_delays_no_request(testbed):
    """The journal, or a pipe, whose other end is blocked."""
    reading, writing = os.pipe()
    try:
        balancer = testbed.balance(testbed.server(), stdout=writing)
        os.close(writing)
        writing = None
        # More than a pipe and the writer's buffer hold.
        for _ in range(100):
            redirects(balancer, 100)
            if "dropped" in balancer.log:
                break
        balancer.wait_for_log(r"access log.*dropped")
        # When it is read again, logging continues with complete lines.
        taken = bytearray()
        drain = threading.Thread(target=lambda: drain_into(reading, taken), daemon=True)
        drain.start()
        wait_until(lambda: balancer.get("/log/again").status == 200 and b"/log/again" in taken, "lines after the jam")
        lines = bytes(taken).decode().splitlines()
        # Only complete lines were dropped: each line has its beginning and its end.
        assert all(re.fullmatch(r'[0-9.]+:\d+ \[.* HTTP/1\.1"', line) for line in lines[:-1])
    finally:
        if writing is not None:
            os.close(writing)
        balancer.end()
        os.close(reading)


def drain_into(descriptor, taken):
    try:
        while data := os.read(descriptor, 65_536):
            taken += data
    except OSError:
        pass


def test_closed_reader_delays_no_request(testbed):
    """SIGPIPE and EPIPE."""
    reading, writing = os.pipe()
    balancer = testbed.balance(testbed.server(), stdout=writing)
    os.close(writing)
    os.close(reading)
    requests(balancer, 300)
    assert balancer.get("/").status == 200


def test_blocked_operational_log_delays_no_request(testbed):
    """Standard error is a pipe without a reader, at the most verbose level."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(writing, True)
    try:
        balancer = testbed.balance(testbed.server(), serving=False, stderr=writing, log={"level": "debug"})
        os.close(writing)
        writing = None
        wait_until(lambda: balancer.get("/").status == 200, "a served request")
        for _ in range(50):
            with balancer.connect() as client:
                assert client.exchange("GET / HTTP/1.1\r\n\r\n").status == 400
        assert balancer.get("/").status == 200
    finally:
        taken = bytearray()
        threading.Thread(target=lambda: drain_into(reading, taken), daemon=True).start()
        if writing is not None:
            os.close(writing)
        balancer.end()
        os.close(reading)
