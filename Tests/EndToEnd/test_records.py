"""TLS records, TCP segments and messages have independent boundaries: however the bytes are split or
together, on either side, everything arrives, and nothing waits for an event that never comes."""

import itertools
import os
import random
import ssl
import subprocess

import pytest
from harness.client import TLSClient, connect_socket
from harness.http import chunk

pytestmark = [pytest.mark.usefixtures("plain_server"), pytest.mark.memory]
HOST = "Host: view.test\r\n"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def get(target):
    return f"GET {target} HTTP/1.1\r\n{HOST}\r\n".encode()


@pytest.mark.parametrize("version", [V12, V13], ids=["TLS1.2", "TLS1.3"])
@pytest.mark.parametrize("size", [1, 2, 5, 7, 21, 100])
def test_records_split_into_small_writes_are_received(balanced, version, size):
    balancer, _ = balanced
    context = balancer.context(minimum=version, maximum=version)
    content = os.urandom(300)
    with balancer.connect(context=context) as client:
        for _ in range(5):
            head = f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 300\r\n\r\n".encode()
            client.send_pieces([head, content[:100], content[100:]], itertools.repeat(size))
            assert client.answer("POST").content == content


@pytest.mark.parametrize("version", [V12, V13], ids=["TLS1.2", "TLS1.3"])
def test_many_records_in_one_write_are_received(balanced, version):
    """They are all read from the socket at once; most of them are pending in OpenSSL, without an event."""
    balancer, server = balanced
    context = balancer.context(minimum=version, maximum=version)
    with balancer.connect(context=context) as client:
        client.send_pieces([get(f"/{n}") for n in range(60)], itertools.repeat(1 << 20))
        for _ in range(60):
            assert client.answer().status == 200
    assert [r.target for r in server.requests] == [f"/{n}" for n in range(60)]


def test_body_of_tiny_records_is_received(balanced):
    balancer, _ = balanced
    content = os.urandom(5000)
    with balancer.connect() as client:
        head = f"POST /echo HTTP/1.1\r\n{HOST}Content-Length: 5000\r\n\r\n".encode()
        client.send_pieces([head, *(bytes([byte]) for byte in content)], itertools.repeat(1 << 20))
        assert client.answer("POST").content == content


@pytest.mark.parametrize("seed", range(4))
def test_random_records_and_writes_on_both_sides_are_received(balanced, seed):
    balancer, server = balanced
    generator = random.Random(seed)

    def sizes():
        while True:
            yield generator.choice([1, 5, 30, 1000, 1460, 4000, 16_408, 70_000])

    def records(data):
        at = 0
        while at < len(data):
            size = generator.choice([1, 10, 500, 8192, 16_383, 16_384])
            yield data[at : at + size]
            at += size

    def script(request):
        request.body()
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + request.body().raw
        request.stream.send_pieces(list(records(answer)), sizes())

    server.script = script
    with balancer.connect() as client:
        for _ in range(15):
            body = b"".join(chunk(generator.randbytes(generator.choice([1, 100, 17_000, 40_000]))) for _ in range(5))
            body += b"0\r\n\r\n"
            head = f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode()
            client.send_pieces(list(records(head + body)), sizes())
            assert client.answer("POST").body.raw == body


def test_answer_of_many_records_in_one_write_is_received(balanced):
    balancer, server = balanced
    content = os.urandom(200_000)

    def script(request):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
        pieces = [head, *(content[at : at + 100] for at in range(0, len(content), 100))]
        request.stream.send_pieces(pieces, itertools.repeat(1 << 20))

    server.script = script
    with balancer.connect() as client:
        for _ in range(5):
            assert client.get("/").content == content


def test_answer_with_close_notify_in_the_same_write_is_complete(balanced):
    """The last bytes, close_notify and FIN in one segment: nothing of the answer is lost."""
    balancer, server = balanced
    content = os.urandom(60_000)

    def script(request):
        request.stream.tls.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for at in range(0, len(content), 10_000):
            request.stream.tls.write(content[at : at + 10_000])
        request.stream.finish()
        request.stream.close()

    server.script = script
    for _ in range(20):
        answer = balancer.get("/")
        assert answer.content == content


def test_request_with_close_notify_in_the_same_write_is_answered(balanced):
    balancer, _ = balanced
    for _ in range(20):
        with balancer.connect() as client:
            client.tls.write(get("/") + get("/second"))
            client.finish()
            assert client.answer().status == 200
            assert client.answer().status == 200
            assert client.receive_to_end() == b"" and client.ended == "clean"


def test_client_hello_sent_byte_by_byte_is_accepted(balanced):
    balancer, _ = balanced
    client = TLSClient(connect_socket(balancer.endpoint), balancer.context(), server_name="view.test")
    with client:
        try:
            client.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        for byte in client._outgoing.read():
            client.socket.sendall(bytes([byte]))
        client.handshake()
        assert client.get("/").status == 200


def test_request_in_the_same_write_as_finished_is_answered(balanced):
    """TLS 1.3: Finished and the first request arrive together, as from most clients."""
    balancer, _ = balanced
    for _ in range(20):
        with TLSClient(connect_socket(balancer.endpoint), balancer.context(minimum=V13), server_name="view.test") as client:
            flush, client._flush = client._flush, lambda: None
            while True:
                try:
                    client.tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    flush()
                    client._incoming.write(client.socket.recv(65_536))
            client.tls.write(get("/"))
            client._flush = flush
            client._flush()
            assert client.answer().status == 200


def test_key_update_during_a_body_is_accepted(balanced):
    """TLS 1.3 clients may change keys at any time, and request a change of ours."""
    balancer, _ = balanced
    with subprocess.Popen(
        ["openssl", "s_client", "-connect", "{}:{}".format(*balancer.endpoint), "-tls1_3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as client:  # fmt: skip
        # `K` sends a KeyUpdate and requests one; `k` only sends. A command is the first byte of a read.
        for command in (b"K\n", b"k\n", b"K\n"):
            client.stdin.write(command)
            client.stdin.flush()
            for line in client.stderr:
                if b"KEYUPDATE" in line:
                    break
        client.stdin.write(get("/first") + b"GET /last HTTP/1.1\r\nHost: view.test\r\nConnection: close\r\n\r\n")
        client.stdin.flush()
        text = client.stdout.read()
    assert text.count(b"HTTP/1.1 200 OK") == 2, text


@pytest.mark.parametrize("version", [V12, V13], ids=["TLS1.2", "TLS1.3"])
def test_servers_of_both_tls_versions_are_served(testbed, version):
    server = testbed.server()
    server._context.minimum_version = server._context.maximum_version = version
    balancer = testbed.balance(server)
    content = os.urandom(1_000_000)
    with balancer.connect() as client:
        for _ in range(3):
            assert client.post("/echo", content).content == content
    assert server.requests[0].stream.tls.version() == ("TLSv1.2" if version == V12 else "TLSv1.3")
