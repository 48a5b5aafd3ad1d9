"""Users identified by their session at a server."""

import itertools


def sessions():
    """A server's script: a client without one of its sessions gets one."""
    known, numbers = set(), itertools.count()

    def script(request):
        request.body()
        name = request.server.name
        sent = (request.head.get("Cookie") or "").partition("JSESSIONID=")[2].partition(";")[0]
        fields = [f"X-Server: {name}"]
        if sent not in known:
            sent = f"{name}-{next(numbers)}"
            known.add(sent)
            fields += ["Set-Cookie: theme=dark; Path=/", f"Set-Cookie: JSESSIONID={sent}; Path=/; Secure; HttpOnly"]
        request.respond(200, name, *fields)

    return script


class Person:
    """A user with a browser, at an address that may be shared."""

    def __init__(self, balancer, source=None):
        self.balancer, self.source, self.cookie = balancer, source, None

    def ask(self, client=None):
        """The server that answers, and whether it knew the session."""
        fields = [f"Cookie: a=b; JSESSIONID={self.cookie}"] if self.cookie else []
        answer = (
            client.get("/broker/xml", *fields)
            if client
            else self.balancer.get("/broker/xml", *fields, source=self.source)
        )
        assert answer.status == 200
        new = [v for v in answer.head.all("Set-Cookie") if v.startswith("JSESSIONID=")]
        if new:
            self.cookie = new[0].partition("=")[2].partition(";")[0]
        return answer["X-Server"], not new
