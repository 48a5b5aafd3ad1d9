"""Reload: exchanges in progress are not interrupted, new ones use the new configuration, and none is lost.
BELVEDERE_TEST_RELOADS=200 for the long form."""

import collections
import contextlib
import itertools
import os
import re
import signal
import ssl
import threading
import time
from pathlib import Path

import pytest
from harness.processes import resident
from harness.view import Tunnel, WebSocket, hang, view
from harness.waiting import client_addresses, wait_until

pytestmark = [pytest.mark.threads, pytest.mark.memory]

# The number of reloads under load, and their rate per second.
RELOADS = int(os.environ.get("BELVEDERE_TEST_RELOADS", "40"))
A_SECOND = 10
QUICK = {"interval": "200ms", "rise": 1, "fall": 2, "jitter": "0s"}


class Load:
    """Clients that send requests continuously, and the failures that they found."""

    def __init__(self):
        self.faults, self.counts = [], collections.Counter()
        self._over = threading.Event()
        self._threads = []

    def run(self, name, act):
        """Calls `act` repeatedly on a separate thread."""

        def repeat():
            while not self._over.is_set():
                try:
                    act()
                except Exception as fault:
                    self.faults.append(f"{name}: {fault!r}")
                    return
                self.counts[name] += 1

        self._threads.append(threading.Thread(target=repeat, daemon=True))
        self._threads[-1].start()

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join(60)
        assert not self.faults, "\n".join(self.faults)


def keep_asking(balancer, source):
    """Requests on one connection, until it is closed."""
    client = balancer.connect(source)

    def ask():
        answer = client.get("/whoami")
        assert answer is not None, f"a kept connection was closed without an answer ({client.ended})"
        assert answer.status == 200, answer.head.raw
        assert (answer["Connection"] or "").lower() != "close", answer.head.raw

    return ask


def ask_anew(balancer, source, serials):
    """A connection for each request; records the certificate."""

    def ask():
        with balancer.connect(source) as client:
            serials.append(serial_of(client))
            answer = client.get("/whoami", "Connection: close")
            assert answer is not None and answer.status == 200, f"{answer and answer.head.raw} {client.ended}"

    return ask


def serial_of(client):
    return client.tls.getpeercert()["serialNumber"]


def location(balancer):
    with balancer.connect_redirect() as client:
        return client.get("/")["Location"]


def test_reloads_under_load_interrupt_no_client(testbed, certificates):
    servers = [testbed.server(name, script=view) for name in ("view01", "view02", "view03")]
    other = certificates.authority.issue("view.test")
    balancer = testbed.balance(*servers[:2], health=QUICK, log={"level": "debug"}, timeouts={"keep-alive": "1m", "stop": "5s"})
    base = balancer.configuration
    third = {"view03": dict(base["servers"]["view01"], address=servers[2].address, port=servers[2].port)}
    first = {"certificate": str(certificates.front.chain), "key": str(certificates.front.key)}
    second = {"certificate": str(other.chain), "key": str(other.key)}
    variants = itertools.cycle([
        {"tls": second},
        {"threads": 3},
        {"servers": {"view02": {"weight": 3}}},
        {"servers": third},
        {"tls": first},
        {"health": {"interval": "150ms"}, "limits": {"connections": 5000}},
        {"threads": 2, "servers": {"view02": {"weight": 1}}},
        {"servers": {"view03": None}, "health": {"interval": "200ms"}},
    ])  # fmt: skip

    sources = client_addresses(60)
    with balancer.connect(sources[55]) as client:
        client.get("/whoami", "Connection: close")
        ticket = client.tls.session
    streams = [kind(balancer.connect(source)) for kind, source in zip(itertools.cycle([Tunnel, WebSocket]), sources[:50])]
    shown = streams[0].client.tls.getpeercert()["serialNumber"]

    load, serials = Load(), []
    for number in range(3):
        load.run(f"kept {number}", keep_asking(balancer, sources[50 + number]))
    load.run("new", ask_anew(balancer, sources[54], serials))
    load.run("redirect", lambda: location(balancer))
    turns = itertools.count()

    def speak():
        turn = next(turns)
        streams[turn % 50].say(turn)

    load.run("streams", speak)

    began, memory = time.monotonic(), None
    for number in range(1, RELOADS + 1):
        balancer.write(next(variants) | {"redirect": {"location": f"https://view.test/{number}"}})
        balancer.signal(signal.SIGHUP)
        time.sleep(max(0, began + number / A_SECOND - time.monotonic()))
        if number == RELOADS // 4:
            memory = resident(balancer.worker)
    # Signals during a reload may be combined into one, but the last of them takes effect.
    wait_until(
        lambda: location(balancer) == f"https://view.test/{RELOADS}" or load.faults,
        lambda: f"the last configuration to be taken over\n{balancer.log[-3000:]}")
    grown = resident(balancer.worker) - memory
    load.end()
    for number, stream in enumerate(streams):
        stream.say(number)

    served = len(re.findall(r"reload: configuration \d+ is in use", balancer.log))
    # A busy machine combines several; some have to be separate reloads.
    assert served > RELOADS // 10 and "reload: refused" not in balancer.log, balancer.log
    assert min(load.counts.values()) > 0, load.counts
    assert len(set(serials)) == 2, set(serials)
    # Debug builds and allocators keep some memory; a leaked snapshot is more than 100 kB.
    assert grown < 8192, f"{grown} kB in {served} reloads"
    assert streams[0].client.tls.getpeercert()["serialNumber"] == shown
    with balancer.connect(sources[55], session=ticket) as client:
        assert client.get("/whoami").status == 200
        assert client.tls.session_reused

    # The configuration of the streams and the current one.
    balancer.wait_for_log(r"configurations in memory: 2$(?![\s\S]*configurations in memory)")
    for stream in streams:
        stream.end()
    balancer.wait_for_log(r"configurations in memory: 1$(?![\s\S]*configurations in memory)")
    print(f"{served} configurations served {sum(load.counts.values())} requests ({dict(load.counts)}); {grown} kB more")


def test_every_connection_after_a_rotation_gets_the_new_certificate(testbed, certificates):
    balancer = testbed.balance(testbed.server(), timeouts={"keep-alive": "1m"})
    other = certificates.authority.issue("view.test")
    with balancer.connect() as before:
        assert before.get("/whoami").status == 200
        old = serial_of(before)
        balancer.reload({"tls": {"certificate": str(other.chain), "key": str(other.key)}})
        # Enough for each of the loops.
        for source in client_addresses(20):
            with balancer.connect(source) as client:
                assert serial_of(client) != old
                assert client.get("/whoami").status == 200
        assert before.get("/whoami").status == 200
        assert serial_of(before) == old


def test_certificate_is_rotated_in_its_file(testbed, certificates):
    file = testbed.directory / "view.pem"
    both = [certificates.front, certificates.authority.issue("view.test")]
    file.write_text(both[0].chain.read_text() + both[0].key.read_text())
    balancer = testbed.balance(testbed.server(), tls={"certificate": str(file), "key": None})
    with balancer.connect() as client:
        old = serial_of(client)
    file.write_text(both[1].chain.read_text() + both[1].key.read_text())
    balancer.reload()
    with balancer.connect() as client:
        assert serial_of(client) != old


def refusals(certificates, directory):
    """The fault, the content of the file, and the expected log line."""
    front = certificates.front
    text = front.chain.read_text()
    files = {
        "garbage.pem": "hello\n",
        "torn.pem": text[: len(text) // 2],
        "empty.pem": "",
        "other.key": certificates.second.key.read_text(),
        "certificate.key": text,
    }
    for name, content in files.items():
        (directory / name).write_text(content)
    at = {name: str(directory / name) for name in files}
    chain, key = str(front.chain), str(front.key)
    return {
        "missing": ({"tls": {"certificate": "/nowhere.pem", "key": key}}, r"yaml:\d+:\d+: .*/nowhere\.pem: can't be read: No such file"),
        "garbage": ({"tls": {"certificate": at["garbage.pem"], "key": key}}, r"yaml:\d+:\d+: .*garbage\.pem: holds no certificate"),
        "torn": ({"tls": {"certificate": at["torn.pem"], "key": key}}, r"yaml:\d+:\d+: .*torn\.pem: "),
        "empty": ({"tls": {"certificate": at["empty.pem"], "key": key}}, r"yaml:\d+:\d+: .*empty\.pem: holds no certificate"),
        "key of another certificate": ({"tls": {"certificate": chain, "key": at["other.key"]}}, r"yaml:\d+:\d+: .*other\.key.* belongs to none of the certificates"),
        "no key": ({"tls": {"certificate": chain, "key": at["certificate.key"]}}, r"yaml:\d+:\d+: .*certificate\.key: holds no private key"),
        "typo": ({"tls": {"certificat": chain}}, r"yaml:\d+:\d+: .*unknown key `certificat`.*Did you mean `certificate`"),
        "mode": ({"mode": "passthrough"}, r"mode can't change while the service runs"),
        "log target": ({"log": {"target": "journal"}}, r"log\.target can't change while the service runs"),
        "error page": ({"errors": {"503": "/nowhere.html"}}, r"yaml:\d+:\d+: .*/nowhere\.html: can't be used: No such file"),
        "trust": ({"trust": {"ca": at["garbage.pem"]}, "servers": {"view01": {"trust": None}}}, r"yaml:\d+:\d+: .*garbage\.pem: holds no certificate"),
    }  # fmt: skip


def test_invalid_configuration_is_refused_with_the_reason_while_traffic_goes_on(testbed, certificates):
    balancer = testbed.balance(testbed.server(script=view), timeouts={"keep-alive": "1m"})
    good = balancer.configuration
    with balancer.connect() as kept:
        stream = WebSocket(balancer.connect("127.0.0.9"))
        for what, (changes, words) in refusals(certificates, testbed.directory).items():
            since = len(balancer.log)
            balancer.write(changes)
            balancer.signal(signal.SIGHUP)
            told = balancer.wait_for_log(r"reload: refused, the previous configuration stays in use: (.*)", since=since)
            assert re.search(words, told[1]), f"{what}: {told[1]}"
            assert kept.get("/whoami").status == 200
            assert balancer.get("/whoami").status == 200
            stream.say(1)
            balancer.configuration = good
        balancer.reload()
        assert kept.get("/whoami").status == 200
        stream.say(2)
        stream.end()


def test_reload_changes_the_number_of_threads(testbed):
    balancer = testbed.balance(testbed.server(script=view), timeouts={"keep-alive": "1m"}, threads=1)
    streams = [Tunnel(balancer.connect(source)) for source in client_addresses(4)]

    def threads():
        names = []
        for task in Path(f"/proc/{balancer.worker}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                names.append((task / "comm").read_text())
        return sum(name.startswith("loop-") for name in names)

    for count in (4, 2, 3, 1):
        balancer.reload({"threads": count})
        kept = [balancer.connect(source) for source in client_addresses(8, start=20)]
        streams.append(WebSocket(balancer.connect("127.0.0.7")))
        for number, stream in enumerate(streams):
            stream.say(number)
        for client in kept:
            assert client.get("/whoami").status == 200
            client.close()
    for stream in streams:
        stream.end()
    wait_until(lambda: threads() == 1, lambda: f"retired loops to end: {threads()}")


def test_reload_to_unchecked_servers_answers_every_request(testbed):
    """All servers are renamed at once; until their first checks the new ones are assumed to be up."""
    old, new = testbed.server("old"), testbed.server("new")
    asked = threading.Event()

    def health(request):
        asked.wait(10)
        request.respond(200)

    new.health = health
    balancer = testbed.balance(old, timeouts={"keep-alive": "1m"})
    with balancer.connect() as kept:
        assert kept.get("/whoami")["X-Server"] == "old"
        entry = dict(balancer.configuration["servers"]["old"], address=new.address, port=new.port)
        balancer.reload({"servers": {"old": None, "new": entry}})
        assert kept.get("/whoami")["X-Server"] == "new"
        assert balancer.server_of("127.0.0.8") == "new"
    asked.set()
    balancer.wait_for_state("new", "up")


def test_reloads_do_not_keep_a_dead_server_from_being_found(testbed):
    """Checks continue over reloads that do not change them, however frequent."""
    servers = [testbed.server(name) for name in ("view01", "view02")]
    balancer = testbed.balance(*servers, health={"interval": "300ms", "timeout": "300ms", "rise": 1, "fall": 2, "jitter": "0s"})

    servers[1].health = hang
    over = threading.Event()

    def reload():
        while not over.wait(0.05):
            balancer.signal(signal.SIGHUP)

    thread = threading.Thread(target=reload)
    thread.start()
    try:
        balancer.wait_for_state("view02", "down")
        servers[1].health = 200
        balancer.wait_for_state("view02", "up")
    finally:
        over.set()
        thread.join()


def test_signals_during_a_reload_are_not_lost(testbed):
    balancer = testbed.balance(testbed.server())
    for number in range(10):
        # The second of each pair arrives during the first, with a file changed in between.
        balancer.write({"redirect": {"location": f"https://view.test/{number}/a"}})
        balancer.signal(signal.SIGHUP)
        balancer.write({"redirect": {"location": f"https://view.test/{number}/b"}})
        balancer.signal(signal.SIGHUP)
        wait_until(lambda: location(balancer) == f"https://view.test/{number}/b", "the last file")


def test_signal_while_no_worker_serves_takes_effect_when_one_does(testbed):
    balancer = testbed.balance(testbed.server())
    balancer.expects_worker_death = True
    os.kill(balancer.worker, signal.SIGKILL)
    balancer.wait_for_log("the worker died")
    balancer.write({"redirect": {"location": "https://view.test/later"}})
    balancer.signal(signal.SIGHUP)
    wait_until(lambda: location(balancer) == "https://view.test/later", lambda: f"the reload\n{balancer.log}")


def test_reload_changes_limits_profile_and_log(testbed):
    balancer = testbed.balance(testbed.server(), log={"level": "info"})
    balancer.reload({
        "tls": {"profile": "modern"}, "limits": {"header-fields": 16}, "log": {"level": "debug", "access": {"format": "json"}},
    })  # fmt: skip
    with pytest.raises((ssl.SSLError, OSError)):
        balancer.connect(context=balancer.context(maximum=ssl.TLSVersion.TLSv1_2))
    with balancer.connect() as client:
        assert client.get("/", *[f"X-{n}: 1" for n in range(20)]).status == 431
    assert balancer.get("/json").status == 200
    balancer.wait_for_access(r'^\{.*"GET /json HTTP/1\.1"')
    balancer.wait_for_log("debug worker: request of .* refused")
