"""After 101 the connection is an opaque stream in both directions: HTML Access and Blast."""

import asyncio
import http
import os
import ssl
import threading

import pytest
from harness.http import Head
from harness.server import page
from harness.view import SWITCH, UPGRADE, echo_stream
from harness.waiting import free_port, fresh_address, wait_until

pytestmark = pytest.mark.memory

websockets = pytest.importorskip("websockets", reason="python3-websockets is not installed")


@pytest.fixture
def balanced(testbed):
    server = testbed.server(script=echo_stream)
    return testbed.balance(server), server


def switched(client):
    client.send(UPGRADE)
    head = Head.read(client)
    assert head.start.startswith("HTTP/1.1 101 "), head.raw
    return head


def test_upgrade_is_forwarded_and_answered(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        head = switched(client)
        assert head.get("Upgrade") == "websocket" and head.get("Connection").lower() == "upgrade"
        assert head.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        request = server.requests[0]
        assert request.head.get("Upgrade") == "websocket"
        assert "upgrade" in request.head.get("Connection").lower()
        assert request.head.get("Sec-WebSocket-Key") == "dGhlIHNhbXBsZSBub25jZQ=="
        assert request.head.get("Origin") == "https://view.test"


def test_stream_is_opaque_both_ways(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        switched(client)
        for size in (1, 2, 125, 16_384, 100_000):
            data = os.urandom(size)
            client.send(data)
            assert client.receive_exactly(size) == data
        # Bytes that look like HTTP.
        data = b"GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n0\r\n\r\n"
        client.send(data)
        assert client.receive_exactly(len(data)) == data
    assert [r.target for r in server.requests] == ["/ws"]


def test_bytes_in_the_same_write_as_101_are_not_lost(balanced):
    balancer, server = balanced

    def script(request):
        request.send(SWITCH.encode() + b"first")
        raw = request.stream.receive()
        request.send(raw)
        request.stream.receive_to_end()

    server.script = script
    with balancer.connect() as client:
        switched(client)
        assert client.receive_exactly(5) == b"first"
        client.send(b"second")
        assert client.receive_exactly(6) == b"second"


def test_half_close_of_the_client_leaves_the_other_direction_open(balanced):
    balancer, server = balanced

    def script(request):
        request.send(SWITCH)
        everything = request.stream.receive_to_end()
        assert request.stream.ended == "clean"
        request.send(b"you said " + everything)
        request.stream.finish()

    server.script = script
    with balancer.connect() as client:
        switched(client)
        client.send(b"all I have to say")
        client.finish()
        assert client.receive_to_end() == b"you said all I have to say"
        assert client.ended == "clean"


def test_half_close_of_the_server_leaves_the_other_direction_open(balanced):
    balancer, server = balanced
    said = []

    def script(request):
        request.send(SWITCH.encode() + b"over")
        request.stream.finish()
        said.append(request.stream.receive_to_end())
        said.append(request.stream.ended)

    server.script = script
    with balancer.connect() as client:
        switched(client)
        assert client.receive_to_end() == b"over"
        assert client.ended == "clean"
        client.send(b"and out")
        client.finish()
        wait_until(lambda: len(said) == 2, "the server to see the client's end")
    assert said == [b"and out", "clean"]


def test_end_of_both_directions_frees_both_connections(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        switched(client)
        client.finish()
        assert client.receive_to_end() == b"" and client.ended == "clean"
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_death_of_the_client_reaches_the_server(balanced, how):
    balancer, server = balanced
    client = balancer.connect()
    switched(client)
    getattr(client, how)()
    wait_until(lambda: server.requests[0].stream.closed, "the server's connection to end")


def test_death_of_the_server_reaches_the_client(balanced):
    balancer, server = balanced
    with balancer.connect() as client:
        switched(client)
        server.die()
        assert client.receive_to_end() == b""
        assert client.ended


def test_answer_other_than_101_is_an_ordinary_answer(balanced):
    balancer, server = balanced
    server.script = lambda request: request.respond(403, "no", reason="Forbidden")
    with balancer.connect() as client:
        client.send(UPGRADE)
        answer = client.answer()
        assert answer.status == 403 and answer.text == "no"
        server.script = page
        if (answer["Connection"] or "").lower() != "close":
            assert client.get("/next").status == 200


def test_bytes_after_an_upgrade_request_are_refused(balanced):
    """For a server that does not switch they would be a smuggled request."""
    balancer, server = balanced
    with balancer.connect() as client:
        client.send(UPGRADE + "GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n")
        answer = client.answer()
        assert answer.status == 400
        assert client.receive_to_end() == b""
    assert balancer.get("/favicon.ico").status == 200
    assert server.requests == []


def test_late_bytes_after_an_upgrade_request_are_not_taken_for_a_request(balanced):
    balancer, server = balanced
    go = threading.Event()

    def script(request):
        assert go.wait(20)
        request.respond(403, "no", reason="Forbidden")

    server.script = script
    with balancer.connect() as client:
        client.send(UPGRADE)
        server.wait_for_requests(1)
        client.send("GET /smuggled HTTP/1.1\r\nHost: view.test\r\n\r\n")
        # Once another client was served, the balancer has had the opportunity to read them.
        server.script = page
        assert balancer.get("/other").status == 200
        go.set()
        client.receive_to_end()
        assert client.ended
    assert sorted(r.target for r in server.requests) == ["/other", "/ws"]


def test_unknown_upgrade_is_not_forwarded(balanced):
    """RFC 9110 §7.8: an intermediary drops an unsupported upgrade. h2c through a proxy would bypass its rules."""
    balancer, server = balanced
    server.script = page
    with balancer.connect() as client:
        answer = client.get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
        assert answer.status == 200
    head = server.requests[0].head
    assert head.get("Upgrade") is None and head.get("HTTP2-Settings") is None


@pytest.mark.soak
def test_websockets_of_a_library_work(testbed):
    """200 at once, with messages in both directions, of sizes from zero to more than a buffer."""
    peers = [EchoServers(testbed.certificates.front, f"view{n:02}") for n in (1, 2)]
    try:
        balancer = testbed.balance(*peers)
        asyncio.run(asyncio.wait_for(converse(balancer, 200), 120))
    finally:
        for peer in peers:
            peer.stop()


async def converse(balancer, count):
    context = ssl.create_default_context(cafile=balancer.certificates.authority.certificate)
    everyone_is_in = asyncio.Event()
    inside = []

    async def client(number):
        address = f"127.0.52.{number + 1}"
        async with websockets.connect(
            f"wss://view.test:{balancer.port}/ws", ssl=context, host=balancer.address, port=balancer.port,
            server_hostname="view.test", local_addr=(address, 0), max_size=None, open_timeout=60, ping_interval=None,
        ) as socket:  # fmt: skip
            inside.append(number)
            if len(inside) == count:
                everyone_is_in.set()
            await everyone_is_in.wait()
            name = await socket.recv()
            assert name in ("view01", "view02")
            for turn, size in enumerate((0, 1, 125, 126, 5000, 70_000)):
                message = os.urandom(size) if turn % 2 else f"{number}-" + "x" * size
                await socket.send(message)
                assert await socket.recv() == message
            await socket.ping()
        return name

    names = await asyncio.gather(*(client(number) for number in range(count)))
    assert set(names) == {"view01", "view02"}


class EchoServers:
    """A WebSocket server of the library in a separate thread; it sends its name first."""

    def __init__(self, certificate, name):
        self.name, self.address = name, fresh_address()
        self.port = free_port(self.address)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain, certificate.key)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def echo(socket):
            await socket.send(name)
            async for message in socket:
                await socket.send(message)

        async def health(path, _):
            return (http.HTTPStatus.OK, [("Content-Type", "image/x-icon")], b"icon") if path == "/favicon.ico" else None

        async def serve():
            self._stopped = asyncio.Event()
            async with websockets.serve(
                echo, self.address, self.port, ssl=context, process_request=health, max_size=None, ping_interval=None
            ):
                ready.set()
                await self._stopped.wait()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()), daemon=True)
        self._thread.start()
        assert ready.wait(20)

    def stop(self):
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(20)
