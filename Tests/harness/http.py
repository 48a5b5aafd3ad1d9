"""HTTP/1.1 heads and bodies as they are on the wire: nothing is normalised, and no error is accepted."""

import re
from dataclasses import dataclass, field


class Malformed(AssertionError):
    """The peer under test sent something other than HTTP/1.1."""


@dataclass
class Head:
    """A start line and its field lines, with their order and case."""

    raw: bytes
    start: str
    fields: list = field(default_factory=list)

    @classmethod
    def read(cls, stream):
        """The next head, or None when the peer ended before its first byte."""
        raw = stream.receive_until(b"\r\n\r\n")
        if not raw:
            return None
        if not raw.endswith(b"\r\n\r\n"):
            raise Malformed(f"a head that never ended ({stream.ended}): {raw!r}")
        return cls.parse(raw)

    @classmethod
    def parse(cls, raw):
        lines = raw.decode("latin-1").split("\r\n")
        assert lines[-2:] == ["", ""]
        fields = []
        for line in lines[1:-2]:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or "\n" in line or "\r" in line:
                raise Malformed(f"field line {line!r} in {raw!r}")
            fields.append((name, value.strip(" \t")))
        return cls(raw, lines[0], fields)

    def all(self, name):
        """The values of all field lines with this name, in order."""
        return [value for n, value in self.fields if n.lower() == name.lower()]

    def get(self, name):
        """The value of the only field line with this name, or None."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {self.raw!r}"
        return values[0] if values else None

    @property
    def names(self):
        return [name for name, _ in self.fields]


def framing(head, *, no_body=False, default=0):
    """"chunked", a length, or `default` (0 for a request, None, "until close", for a response)."""
    if no_body:
        return 0
    codings, lengths = head.all("Transfer-Encoding"), head.all("Content-Length")
    if codings and lengths:
        raise Malformed(f"Transfer-Encoding and Content-Length: {head.raw!r}")
    if codings:
        if [c.lower() for c in codings] != ["chunked"]:
            raise Malformed(f"Transfer-Encoding {codings}")
        return "chunked"
    if lengths:
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]+", lengths[0]):
            raise Malformed(f"Content-Length {lengths}")
        return int(lengths[0])
    return default


def read_chunk(stream):
    """The next chunk exactly as received, including the framing, and its content. The last one includes the trailers;
    its content is b"". (b"", None) when the peer ended between chunks."""
    line = stream.receive_until(b"\r\n")
    if not line:
        return b"", None
    if not re.fullmatch(rb"[0-9A-Fa-f]+(;[^\r\n]*)?\r\n", line):
        raise Malformed(f"chunk size line {line!r} ({stream.ended})")
    size = int(line.split(b";")[0], 16)
    if size == 0:
        raw = bytearray(line)
        while True:
            trailer = stream.receive_until(b"\r\n")
            raw += trailer
            if trailer == b"\r\n":
                return bytes(raw), b""
            if not trailer.endswith(b"\r\n"):
                raise Malformed(f"trailers cut short: {bytes(raw)!r}")
    data = stream.receive_exactly(size + 2)
    if len(data) != size + 2 or not data.endswith(b"\r\n"):
        raise Malformed(f"chunk of {size} bytes cut short or not ended: {data[-20:]!r} ({stream.ended})")
    return line + data, data[:-2]


class Truncated(AssertionError):
    """The message ended before the end given by its framing."""


@dataclass
class Body:
    raw: bytes
    content: bytes

    @classmethod
    def read(cls, stream, frame):
        if frame == "chunked":
            raw, content = bytearray(), bytearray()
            while True:
                try:
                    chunk, data = read_chunk(stream)
                except Malformed as fault:
                    if stream.ended:
                        raise Truncated(str(fault)) from fault
                    raise
                if data is None:
                    raise Truncated(f"no last chunk after {len(content)} bytes ({stream.ended})")
                raw += chunk
                content += data
                if not data:
                    return cls(bytes(raw), bytes(content))
        if frame is None:
            raw = stream.receive_to_end()
            if stream.ended != "clean":
                raise Truncated(f"body until close ended by {stream.ended} after {len(raw)} bytes")
            return cls(raw, raw)
        raw = stream.receive_exactly(frame)
        if len(raw) != frame:
            raise Truncated(f"{len(raw)} of {frame} bytes ({stream.ended})")
        return cls(raw, raw)


@dataclass
class Response:
    """A response with the interim responses before it."""

    head: Head
    body: Body
    interim: list

    @classmethod
    def read(cls, stream, method="GET", *, body=True):
        """The next response; with `body=False` only its head is read. None when the peer ended before."""
        interim = []
        while True:
            head = Head.read(stream)
            if head is None:
                return None
            if not re.fullmatch(r"HTTP/1\.1 [1-5][0-9][0-9] [^\x00-\x1f]*", head.start):
                raise Malformed(f"status line {head.start!r}")
            status = int(head.start[9:12])
            if 100 <= status < 200 and status != 101:
                interim.append(head)
                continue
            if status == 101 or not body:
                return cls(head, Body(b"", b""), interim)
            silent = method == "HEAD" or status in (204, 304)
            return cls(head, Body.read(stream, framing(head, no_body=silent, default=None)), interim)

    @property
    def status(self):
        return int(self.head.start[9:12])

    @property
    def content(self):
        return self.body.content

    @property
    def text(self):
        return self.body.content.decode("latin-1")

    def __getitem__(self, name):
        return self.head.get(name)


def chunk(content, extension=b""):
    """One chunk with its framing."""
    return b"%x%s\r\n%s\r\n" % (len(content), extension, content)


LAST_CHUNK = b"0\r\n\r\n"
