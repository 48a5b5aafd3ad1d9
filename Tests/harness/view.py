"""The traffic of View clients on their connections, and a Connection Server for it."""

from .http import LAST_CHUNK, Head, chunk, read_chunk
from .server import page
from .waiting import client_addresses

TUNNEL = "POST /ice/tunnel?3F2504E0 HTTP/1.1\r\nHost: view.test\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: view.test\r\nOrigin: https://view.test\r\nConnection: keep-alive, Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HELLO = chunk(b"M;1;;17;messageType=S:aW5pdA==|;")


def echo_chunks(request):
    """Answers before the body ends, then sends every chunk back unchanged."""
    request.send(ANSWER)
    while True:
        raw, content = request.chunk()
        if content is None:
            return
        request.send(raw)
        if not content:
            return


def echo_stream(request):
    """Switches protocols, then echoes all bytes; ends its direction when the client has ended its own."""
    request.send(SWITCH)
    while data := request.stream.receive():
        request.send(data)


def view(request):
    """A Connection Server: tunnels, WebSockets and pages."""
    if request.target.startswith("/ice/tunnel"):
        echo_chunks(request)
    elif request.target == "/ws":
        echo_stream(request)
    else:
        page(request)


def hang(request):
    """Reads the request and never answers."""
    request.stream.receive_to_end()
    request.stream.close()


def half(request):
    """Starts a response and never completes it."""
    request.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    hang(request)


class Tunnel:
    """One request that never ends while one response streams back, each chunk a message."""

    def __init__(self, client, host="view.test"):
        self.client = client
        client.send(TUNNEL.replace("view.test", host))
        assert Head.read(client).start == "HTTP/1.1 200 OK"
        self.say()

    def say(self, number=1):
        message = chunk(b"M;%d;" % number)
        self.client.send(message)
        assert read_chunk(self.client)[0] == message, f"the tunnel was cut: {self.client.ended}"

    def end(self):
        self.client.send(LAST_CHUNK)
        assert read_chunk(self.client)[0] == LAST_CHUNK
        self.client.close()


class WebSocket:
    def __init__(self, client):
        self.client = client
        client.send(UPGRADE)
        assert Head.read(client).start.startswith("HTTP/1.1 101 ")
        self.say()

    def say(self, number=1):
        message = b"\x81\x05%05d" % (number % 100_000)
        self.client.send(message)
        assert self.client.receive_exactly(len(message)) == message, f"the WebSocket was cut: {self.client.ended}"

    def end(self):
        self.client.finish()
        self.client.close()


class User:
    """A user at work: a page now and then on a kept connection, and a permanent tunnel on another."""

    def __init__(self, balancer, source):
        self.source = source
        self.pages = balancer.connect(source)
        self.server = self.page()
        self.tunnel = Tunnel(balancer.connect(source))

    def page(self):
        answer = self.pages.get("/whoami")
        assert answer is not None and answer.status == 200, f"{self.source}: {answer and answer.status}"
        return answer["X-Server"]

    def work(self):
        """Checks that all traffic still goes to the same server, on the same tunnel."""
        assert self.page() == self.server, f"{self.source} changed its server"
        self.tunnel.say()

    def leave(self):
        self.tunnel.end()
        self.pages.close()


def pair(testbed, **options):
    """Two servers, and timeouts that allow a user to pause between two pages."""
    timeouts = {"keep-alive": "1m"} | options.pop("timeouts", {})
    servers = (testbed.server(name, script=view) for name in ("view01", "view02"))
    return testbed.balance(*servers, timeouts=timeouts, **options)


def users_of(balancer, count=24):
    """Users of both servers, by server."""
    users = [User(balancer, source) for source in client_addresses(count)]
    assigned = {name: [user for user in users if user.server == name] for name in ("view01", "view02")}
    assert all(assigned.values())
    return assigned
