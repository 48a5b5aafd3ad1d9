"""
Mutated requests reach unrelated servers, nginx, Apache and Tomcat: each sees the requests that Belvedere has logged, no more
and no fewer, and every response belongs to a request of its own connection.
"""

import collections
import os
import random
import re
import threading

import pytest
from harness.waiting import wait_until

pytestmark = pytest.mark.memory

# Connections to each server, each with up to three requests; `make soak` makes more.
CONNECTIONS = int(os.environ.get("BELVEDERE_TEST_DIFFERENTIAL", "1000"))
SEED = int(os.environ.get("BELVEDERE_TEST_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
THREADS = 4

# `@` is the number of the connection. A server that frames the body in another way sees `/r/@/s` as a request.
BEHIND = b"GET /r/@/b HTTP/1.1\r\nHost: view.test\r\n\r\n"
SMUGGLED = b"GET /r/@/s HTTP/1.1\r\nHost: view.test\r\n\r\n"
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n"
BODIES = [b"", b"x=1", SMUGGLED, b"0\r\n\r\n" + SMUGGLED, SMUGGLED + SMUGGLED]
METHODS = [b"GET", b"POST", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE"]
LENGTHS = [
    b"Content-Length: %d", b"content-length:%d", b"Content-Length : %d", b" Content-Length: %d", b"Content-Length: +%d",
    b"Content-Length: 0%d", b"Content-Length: %d, %d", b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d\x00",
    b"Content-Length: 0x%x", b"Content-Length:\r\n %d", b"Content-Length: %d \t", b"Content-Length: -%d", b"Content-Length: %d0",
    b"Content-Length: 0\r\nContent-Length: %d", b"Content_Length: %d", b"Content-Length: %d\r\nTransfer-Encoding: chunked",
    b"X: y\nContent-Length: %d", b"X: y\rContent-Length: %d",
]  # fmt: skip
CODINGS = [
    b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked;q=1", b"Transfer_Encoding: chunked",
]  # fmt: skip
SIZES = [
    b"%x", b"%X", b"0%x", b"%x;a=b", b"%x ;a=\"b\"", b"%x ", b" %x", b"0x%x", b"+%x", b"-%x", b"%x\n", b"%x\r",
    b"ffffffffffffffff%x", b"%x;\n", b"%x;a\rb", b"%d0", b"1%x",
]  # fmt: skip
FIELDS = [
    b"Expect: 100-continue", b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length",
    b"Connection: Transfer-Encoding, close", b"Upgrade: h2c", b"Connection: Upgrade\r\nUpgrade: websocket", b"Host: other.test",
    b"Trailer: Content-Length", b"TE: trailers", b"X-Forwarded-For: 1.2.3.4", b": no name", b"Name", b"X: " + b"y" * 9000,
]  # fmt: skip
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n"]


def request(generator):
    """One request, and what may be behind it."""
    body = generator.choice(BODIES)
    lines = [generator.choice(METHODS) + b" /r/@/a HTTP/1." + generator.choice([b"1", b"1", b"1", b"0"]), b"Host: view.test"]
    size = len(body.replace(b"@", b"0000000"))
    if generator.random() < 0.5:
        framing = generator.choice(LENGTHS[:1] * 8 + LENGTHS)
        lines.append(re.sub(rb"%[dx]", lambda kind: (kind[0] % size), framing))
    else:
        lines.append(generator.choice(CODINGS[:1] * 8 + CODINGS))
        line = generator.choice(SIZES[:1] * 8 + SIZES) % size
        trailer = generator.choice([b"", b"", b"X: y\r\n", b"Content-Length: 5\r\n", b"X: y\n"])
        body = line + generator.choice(ENDS) + body + generator.choice(ENDS) + b"0\r\n" + trailer + b"\r\n"
    if generator.random() < 0.3:
        lines.insert(generator.randrange(1, len(lines) + 1), generator.choice(FIELDS))
    head = b"".join(line + generator.choice(ENDS if generator.random() < 0.1 else ENDS[:1]) for line in lines) + b"\r\n"
    return damaged(generator, head + body) + BEHIND


def damaged(generator, octets):
    """The same with, sometimes, single octets replaced, inserted or left out; never the number."""
    octets = bytearray(octets)
    while generator.random() < 0.15:
        at = generator.randrange(len(octets))
        if octets[max(0, at - 4) : at + 4].count(b"@"):
            continue
        kind = generator.randrange(3)
        if kind == 0:
            octets[at] = generator.choice(b"\r\n \t:;,0\x00\x0b\x7f\xffaA")
        elif kind == 1:
            octets[at:at] = generator.choice([b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"0\r\n\r\n"])
        else:
            del octets[at]
    return bytes(octets)


def run(balancer, number, generator):
    """What the client of one connection has: the number and name in the target of each response of a server."""
    octets = request(generator).replace(b"@", b"%07d" % number)
    cuts = sorted(generator.randrange(len(octets) + 1) for _ in range(generator.choice([0, 0, 1, 4])))
    with balancer.connect() as client:
        try:
            for start, end in zip([0, *cuts], [*cuts, len(octets)]):
                if start < end:
                    client.send(octets[start:end])
            client.finish()
            received = client.receive_to_end()
        except OSError:
            return [], octets
    return [(int(n), name) for n, name in re.findall(r"(?:X-Target: |target=)[^\r]*?/r/(\d+)/([abs])", received.decode("latin-1"))], octets


def targets(lines):
    return collections.Counter((int(n), name) for line in lines for n, name in re.findall(r"/r/(\d+)/([abs])", line))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["nginx", "apache", "tomcat"])
def test_server_sees_the_requests_that_were_logged_and_clients_get_their_own_answers(testbed, kind):
    server = testbed.nginx(echoes_target=True) if kind == "nginx" else getattr(testbed, kind)()
    balancer = testbed.balance(server, timeouts={"client": "2s", "server": "5s", "http-request": "2s", "keep-alive": "1s"})
    answers, sent = {}, {}

    def work(first):
        for number in range(first, CONNECTIONS, THREADS):
            answers[number], sent[number] = run(balancer, number, random.Random(SEED * 1_000_003 + number))

    threads = [threading.Thread(target=work, args=[first]) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CONNECTIONS
    balancer.assert_running()
    balancer.get("/r/9999999/b")
    wait_until(lambda: (9999999, "b") in targets(balancer.access_lines), "the last line of the access log")
    for number, got in answers.items():
        assert all(n == number for n, _ in got), f"seed {SEED}: {number} got {got} for {sent[number]!r}"
    # "<NOSRV>": answered without a server. A request whose end did not come may be unknown to the server.
    passed = [line for line in balancer.access_lines if "<NOSRV>" not in line]
    logged, whole = targets(passed), targets(line for line in passed if re.search(r" ---- ", line))

    def seen():
        return targets(server.requests.read_text().splitlines())

    # A server may write its line after its response.
    wait_until(lambda: whole <= seen(), lambda: f"seed {SEED}: not seen: {[(key, sent.get(key[0])) for key in whole - seen()]}")
    assert min(len(whole), sum(map(len, answers.values()))) > CONNECTIONS / 10, "too few requests reach the server"
    for key, count in seen().items():
        assert count <= logged[key], f"seed {SEED}: {key}: {logged[key]} logged, {count} seen: {sent.get(key[0])!r}"
